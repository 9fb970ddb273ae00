// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"context"
	"errors"
	"sync"

	"go.etcd.io/etcd/client/v3/concurrency"
)

// togetherSteps are recipes of the library that need leases, watches and transactions to work together.
func togetherSteps() []step {
	return []step{
		{name: "locks that two sessions want", do: func(ctx context.Context, c *client) (any, error) {
			const sessions = 2
			var (
				wg      sync.WaitGroup
				mu      sync.Mutex // guards inside and entered
				inside  int
				entered int
				errs    = make([]error, sessions)
			)
			for i := range sessions {
				wg.Go(func() {
					errs[i] = locked(ctx, c, func() error {
						mu.Lock()
						inside++
						entered++
						alone := inside == 1
						mu.Unlock()
						_, err := put(ctx, c, "protected", "x")
						mu.Lock()
						inside--
						mu.Unlock()
						if !alone {
							return errors.New("two sessions are inside of one lock")
						}
						return err
					})
				})
			}
			wg.Wait()
			for _, err := range errs {
				if err != nil {
					return nil, err
				}
			}
			answer, err := c.Get(ctx, "protected")
			if err != nil {
				return nil, err
			}
			return []any{entered, answer.Kvs[0].GetVersion()}, nil
		}},
		{name: "software transactional memory", do: func(ctx context.Context, c *client) (any, error) {
			answer, err := concurrency.NewSTM(c.Client, func(stm concurrency.STM) error {
				stm.Put("stm/b", stm.Get("stm/a")+"!")
				return nil
			}, concurrency.WithAbortContext(ctx))
			return answer != nil && answer.Succeeded, err
		}},
	}
}

// locked does something in a session of its own that holds the lock.
func locked(ctx context.Context, c *client, do func() error) error {
	session, err := concurrency.NewSession(c.Client, concurrency.WithContext(ctx), concurrency.WithTTL(leaseTTL))
	if err != nil {
		return err
	}
	defer session.Close() //nolint:errcheck // the answer to the revocation is no part of what is tested
	lock := concurrency.NewMutex(session, "locks/")
	if err := lock.Lock(ctx); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return lock.Unlock(ctx)
}
