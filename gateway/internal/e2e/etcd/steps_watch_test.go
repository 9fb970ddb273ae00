// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"context"
	"fmt"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func watchSteps() []step {
	return []step{
		{name: "watch of three events", do: func(ctx context.Context, c *client) (any, error) {
			ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
			defer cancel()
			watched := c.Watch(ctx, "watched/", clientv3.WithPrefix(), clientv3.WithPrevKV(), clientv3.WithCreatedNotify())
			created, err := receive(ctx, watched)
			if err != nil || !created.Created {
				return nil, fmt.Errorf("watch: created is %t: %w", created.Created, err)
			}
			if _, err := put(ctx, c, "watched/a", "one"); err != nil {
				return nil, err
			}
			if _, err := put(ctx, c, "watched/a", "two"); err != nil {
				return nil, err
			}
			if _, err := c.Delete(ctx, "watched/a"); err != nil {
				return nil, err
			}
			return collect(ctx, watched, 3)
		}},
		{name: "two watches on one stream", do: func(ctx context.Context, c *client) (any, error) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			puts := c.Watch(ctx, "both", clientv3.WithFilterDelete(), clientv3.WithCreatedNotify())
			deletes := c.Watch(ctx, "both", clientv3.WithFilterPut(), clientv3.WithCreatedNotify())
			for _, watched := range []clientv3.WatchChan{puts, deletes} {
				if _, err := receive(ctx, watched); err != nil {
					return nil, err
				}
			}
			if _, err := put(ctx, c, "both", "x"); err != nil {
				return nil, err
			}
			if _, err := c.Delete(ctx, "both"); err != nil {
				return nil, err
			}
			first, err := collect(ctx, puts, 1)
			if err != nil {
				return nil, err
			}
			second, err := collect(ctx, deletes, 1)
			return []any{first, second}, err
		}},
		{name: "watch of what has been", do: func(ctx context.Context, c *client) (any, error) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			return collect(ctx, c.Watch(ctx, "watched/", clientv3.WithPrefix(), clientv3.WithRev(5)), 3)
		}},
		{name: "watch of what is compacted", fails: true, do: func(ctx context.Context, c *client) (any, error) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			seen, err := receive(ctx, c.Watch(ctx, "fruit/0", clientv3.WithRev(1)))
			if err != nil {
				return nil, err
			}
			return seen.CompactRevision, seen.Err()
		}},
		{name: "watch that is cancelled", do: func(ctx context.Context, c *client) (any, error) {
			inner, cancel := context.WithCancel(ctx)
			defer cancel()
			watched := c.Watch(inner, "nothing", clientv3.WithCreatedNotify())
			if _, err := receive(ctx, watched); err != nil {
				return nil, err
			}
			cancel()
			for {
				select {
				case _, open := <-watched:
					if !open {
						return "closed", nil
					}
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			}
		}},
	}
}

// collect takes events until there are so many.
func collect(ctx context.Context, watched clientv3.WatchChan, many int) ([]*mvccpb.Event, error) {
	var events []*mvccpb.Event
	for len(events) < many {
		seen, err := receive(ctx, watched)
		if err != nil {
			return events, err
		}
		if err := seen.Err(); err != nil {
			return events, err
		}
		for _, event := range seen.Events {
			events = append(events, (*mvccpb.Event)(event))
		}
	}
	return events, nil
}
