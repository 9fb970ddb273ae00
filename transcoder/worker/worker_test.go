// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/dragoman-gateway/dragoman/transcoder/worker"
)

// With the last connection the workers go, which goleak sees.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type job func()

func (j job) Serve() { j() }

// Every job is done once, whether somebody waits for it or not, and one that waits for another does not hold it up.
func TestEveryJobIsDone(t *testing.T) {
	t.Parallel()
	worker.Join()
	defer worker.Leave()
	for range 3 {
		var done sync.WaitGroup
		last := make(chan struct{})
		for range 200 {
			done.Add(1)
			worker.Do(job(func() {
				defer done.Done()
				<-last
			}))
		}
		worker.Do(job(func() { close(last) }))
		done.Wait()
	}
}
