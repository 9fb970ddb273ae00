// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package circuit_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/circuit"
)

// The state tells whether the store is asked, since when and why not, how often it was, and how long it took of late.
func TestState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var answers atomic.Bool
		k := circuit.New()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			k.Run(ctx, func(circuit.Event, error) {}, func(context.Context) error {
				if answers.Load() {
					return nil
				}
				return errors.New("nobody there")
			})
		}()
		began := time.Now()
		synctest.Wait()
		if s := k.State(); s.Up || !s.Since.Equal(began) || s.Cause == nil || s.Cause.Error() != "nobody there" || s.Asked != 0 || s.Latency != 0 {
			t.Errorf("before it answers: %+v", s)
		}
		answers.Store(true)
		time.Sleep(time.Second)
		if s := k.State(); !s.Up || !s.Since.After(began) || s.Cause != nil {
			t.Errorf("when it answers: %+v", s)
		}
		k.Answered(2 * time.Millisecond)
		k.Answered(4 * time.Millisecond)
		if s := k.State(); s.Asked != 2 || s.Failed != 0 || s.Latency != 3*time.Millisecond {
			t.Errorf("after two calls: %+v", s)
		}
		time.Sleep(time.Minute)
		if s := k.State(); s.Latency != 0 || s.Asked != 2 {
			t.Errorf("a minute later: %+v", s)
		}
		answers.Store(false)
		k.Failed(errors.New("read only"), true)
		synctest.Wait()
		if s := k.State(); s.Up || s.Cause == nil || s.Failed != 1 || s.Asked != 3 || !s.Since.Equal(time.Now()) {
			t.Errorf("when it cannot: %+v", s)
		}
		cancel()
		<-ended
	})
}
