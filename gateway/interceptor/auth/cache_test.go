// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
)

func TestCacheForgetsWhatIsOver(t *testing.T) {
	t.Parallel()
	now := time.Now()
	c := auth.NewCache[int](1000, 1<<20)
	c.Put("a", 1, now.Add(time.Minute))
	c.Put("b", 2, now.Add(time.Second))
	for _, row := range []struct {
		key   string
		after time.Duration
		want  int
		ok    bool
	}{{"a", 0, 1, true}, {"b", 0, 2, true}, {"b", time.Second, 0, false}, {"a", time.Second, 1, true}, {"a", time.Minute, 0, false}, {"c", 0, 0, false}, {"", 0, 0, false}} {
		if got, ok := c.Get(row.key, now.Add(row.after)); got != row.want || ok != row.ok {
			t.Errorf("%q after %s: %d, %t; want %d, %t", row.key, row.after, got, ok, row.want, row.ok)
		}
	}
	c.Drop("a")
	c.Drop("never there")
	if _, ok := c.Get("a", now); ok {
		t.Error("what was dropped is there")
	}
}

// Whatever clients send, a cache holds no more than its bounds; and what is asked for stays.
func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	const entries, bytes = 1000, 100_000
	now := time.Now()
	until := now.Add(time.Hour)
	c := auth.NewCache[int](entries, bytes)
	c.Put("kept", 1, until)
	lost := 0
	for i := range 100_000 {
		c.Put(fmt.Sprintf("%0100d", i), i, until)
		if i%10 == 0 {
			if _, ok := c.Get("kept", now); !ok {
				lost++
				c.Put("kept", 1, until)
			}
		}
	}
	if n := c.Len(); n > entries || n*100 > bytes || lost > 0 {
		t.Errorf("it holds %d entries; %d and %d bytes are its bounds; what is asked for was lost %d times", n, entries, bytes, lost)
	}
	c.Put(strings.Repeat("k", bytes), 1, until)
	if _, ok := c.Get(strings.Repeat("k", bytes), now); ok {
		t.Error("a key that is larger than all that it may hold is held")
	}
}

func TestCacheIsForManyAtATime(t *testing.T) {
	t.Parallel()
	now := time.Now()
	c := auth.NewCache[string](100, 1<<16)
	var users sync.WaitGroup
	for n := range 8 {
		users.Go(func() {
			for i := range 2000 {
				key := fmt.Sprint((i * (n + 1)) % 300)
				if got, ok := c.Get(key, now); ok && got != key { // C12
					t.Errorf("%s is %s", key, got)
				}
				c.Put(key, key, now.Add(time.Minute))
				if i%7 == 0 {
					c.Drop(key)
				}
			}
		})
	}
	users.Wait()
}
