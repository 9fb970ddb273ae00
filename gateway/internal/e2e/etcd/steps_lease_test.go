// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"context"
	"fmt"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// leaseTTL is short, so that the library sends its keep-alives, one each third of it, while the test waits.
const leaseTTL = 6

func leaseSteps() []step {
	return []step{
		{name: "lease grant", except: &leaseMoment, do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.Grant(ctx, leaseTTL)
			if err != nil {
				return nil, err
			}
			c.lease = answer.ID
			return &leaseState{Header: answer.ResponseHeader, ID: answer.ID, TTL: answer.TTL, Asked: c.lease}, nil
		}},
		{name: "put with the lease", do: func(ctx context.Context, c *client) (any, error) {
			return put(ctx, c, "leased", "x", clientv3.WithLease(c.lease))
		}},
		{name: "lease keepalive once", except: &leaseMoment, do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.KeepAliveOnce(ctx, c.lease)
			if err != nil {
				return nil, err
			}
			return &leaseState{Header: answer.ResponseHeader, ID: answer.ID, TTL: answer.TTL, Asked: c.lease}, nil
		}},
		{name: "lease keepalive, a stream", except: &leaseMoment, do: func(ctx context.Context, c *client) (any, error) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			answers, err := c.KeepAlive(ctx, c.lease)
			if err != nil {
				return nil, err
			}
			// The second comes after a third of the time to live, on the same stream.
			state := &leaseState{Asked: c.lease}
			for range 2 {
				answer, err := receive(ctx, answers)
				if err != nil {
					return nil, err
				}
				state.Header, state.ID, state.TTL = answer.ResponseHeader, answer.ID, answer.TTL
				state.Answers++
			}
			return state, nil
		}},
		{name: "lease timetolive", except: &leaseMoment, do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.TimeToLive(ctx, c.lease, clientv3.WithAttachedKeys())
			if err != nil {
				return nil, err
			}
			return &leaseState{
				Header: answer.ResponseHeader, ID: answer.ID, TTL: answer.TTL, Granted: answer.GrantedTTL, Keys: answer.Keys, Asked: c.lease,
			}, nil
		}},
		{name: "lease list", do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.Leases(ctx)
			if err != nil {
				return nil, err
			}
			return len(answer.Leases) == 1 && answer.Leases[0].ID == c.lease, nil
		}},
		{name: "lease revoke", do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.Revoke(ctx, c.lease)
			return (*pb.LeaseRevokeResponse)(answer), err
		}},
		{name: "lease revoke of one that is not there", fails: true, do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.Revoke(ctx, c.lease)
			return (*pb.LeaseRevokeResponse)(answer), err
		}},
		{name: "lease keepalive of one that is not there", fails: true, do: func(ctx context.Context, c *client) (any, error) {
			_, err := c.KeepAliveOnce(ctx, c.lease)
			return nil, err
		}},
		{name: "range of what went with the lease", do: func(ctx context.Context, c *client) (any, error) { return get(ctx, c, "leased") }},
	}
}

// leaseState is what the library tells about a lease.
type leaseState struct {
	Header  *pb.ResponseHeader
	Asked   clientv3.LeaseID // the lease that was asked about
	ID      clientv3.LeaseID
	TTL     int64
	Granted int64
	Keys    [][]byte
	Answers int
}

var leaseMoment = difference{
	name:   "identity and remaining time of a lease",
	reason: "etcd draws the identity of a lease, and its time runs between the two calls",
	explain: func(ours, theirs any) error {
		for _, answer := range []any{ours, theirs} {
			s, ok := answer.(*leaseState)
			if !ok || s.ID == 0 || s.ID != s.Asked {
				return fmt.Errorf("not an answer about the lease: %v", answer)
			}
			if s.TTL < 0 || s.TTL > leaseTTL {
				return fmt.Errorf("the time to live is %d; want 0 to %d", s.TTL, leaseTTL)
			}
			s.ID, s.Asked, s.TTL = 0, 0, 0
		}
		return nil
	},
}
