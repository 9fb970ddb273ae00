// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// steps returns what is done over gRPC, in order.
func steps() []step {
	return slices.Concat(keySteps(), leaseSteps(), clusterSteps(), watchSteps(), togetherSteps(), authSteps())
}

func put(ctx context.Context, c *client, key, value string, options ...clientv3.OpOption) (any, error) {
	answer, err := c.Put(ctx, key, value, options...)
	return (*pb.PutResponse)(answer), err
}

func get(ctx context.Context, c *client, key string, options ...clientv3.OpOption) (any, error) {
	answer, err := c.Get(ctx, key, options...)
	return (*pb.RangeResponse)(answer), err
}

// getLarge gets a key and puts the checksum of the value into its place, since a comparison of long values takes long.
func getLarge(ctx context.Context, c *client, key string) (any, error) {
	answer, err := c.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	for _, kv := range answer.Kvs {
		kv.Value = fmt.Appendf(nil, "%d bytes, %x", len(kv.Value), sha256.Sum256(kv.Value))
	}
	return (*pb.RangeResponse)(answer), nil
}

func keySteps() []step {
	large := strings.Repeat("0123456789abcdef", 80_000)
	return []step{
		{name: "put", do: func(ctx context.Context, c *client) (any, error) {
			var all []any
			for i, value := range []string{"red", "yellow", "\xff\x00", ""} {
				answer, err := put(ctx, c, fmt.Sprintf("fruit/%d", i), value)
				if err != nil {
					return nil, err
				}
				all = append(all, answer)
			}
			return all, nil
		}},
		{name: "put over a value", do: func(ctx context.Context, c *client) (any, error) {
			return put(ctx, c, "fruit/0", "green", clientv3.WithPrevKV())
		}},
		{name: "put a large value", do: func(ctx context.Context, c *client) (any, error) { return put(ctx, c, "large", large) }},
		{name: "put more than etcd takes", fails: true, do: func(ctx context.Context, c *client) (any, error) {
			return put(ctx, c, "huge", large+large[:400_000])
		}},
		{name: "put with a lease that is not there", fails: true, do: func(ctx context.Context, c *client) (any, error) {
			return put(ctx, c, "x", "y", clientv3.WithLease(12345))
		}},
		{name: "range of a large value", do: func(ctx context.Context, c *client) (any, error) { return getLarge(ctx, c, "large") }},
		{name: "range of no key", do: func(ctx context.Context, c *client) (any, error) { return get(ctx, c, "nothing") }},
		{name: "range with limit, order and keys only", do: func(ctx context.Context, c *client) (any, error) {
			return get(ctx, c, "fruit/", clientv3.WithPrefix(), clientv3.WithLimit(3),
				clientv3.WithSort(clientv3.SortByModRevision, clientv3.SortDescend), clientv3.WithKeysOnly())
		}},
		{name: "range of the count", do: func(ctx context.Context, c *client) (any, error) {
			return get(ctx, c, "fruit/", clientv3.WithPrefix(), clientv3.WithCountOnly(), clientv3.WithSerializable())
		}},
		{name: "range at an old revision", do: func(ctx context.Context, c *client) (any, error) {
			return get(ctx, c, "fruit/0", clientv3.WithRev(2))
		}},
		{name: "range at a revision to come", fails: true, do: func(ctx context.Context, c *client) (any, error) {
			return get(ctx, c, "fruit/0", clientv3.WithRev(1_000_000))
		}},
		{name: "range as a stream, which etcd 3.4 does not have", fails: true, do: func(ctx context.Context, c *client) (any, error) {
			records, err := c.GetStream(ctx, "fruit/", clientv3.WithPrefix())
			if err != nil {
				return nil, err
			}
			_, err = clientv3.GetStreamToGetResponse(records)
			return nil, err
		}},
		{name: "delete", do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.Delete(ctx, "fruit/2", clientv3.WithFromKey(), clientv3.WithPrevKV(), clientv3.WithRange("fruit0"))
			return (*pb.DeleteRangeResponse)(answer), err
		}},
		{name: "txn whose comparison holds", do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.Txn(ctx).
				If(clientv3.Compare(clientv3.Value("fruit/0"), "=", "green"), clientv3.Compare(clientv3.Version("fruit/0"), ">", 1)).
				Then(clientv3.OpPut("txn/a", "1"), clientv3.OpGet("fruit/", clientv3.WithPrefix()), clientv3.OpDelete("fruit/1", clientv3.WithPrevKV())).
				Else(clientv3.OpPut("txn/b", "2")).
				Commit()
			return (*pb.TxnResponse)(answer), err
		}},
		{name: "txn whose comparison fails", do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.Txn(ctx).
				If(clientv3.Compare(clientv3.CreateRevision("txn/a"), "=", 0)).
				Then(clientv3.OpPut("txn/a", "3")).
				Else(clientv3.OpTxn(nil, []clientv3.Op{clientv3.OpGet("txn/a")}, nil)).
				Commit()
			return (*pb.TxnResponse)(answer), err
		}},
		{name: "txn that puts a key twice", fails: true, do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.Txn(ctx).Then(clientv3.OpPut("x", "1"), clientv3.OpPut("x", "2")).Commit()
			return (*pb.TxnResponse)(answer), err
		}},
		{name: "compaction", do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.Compact(ctx, 4, clientv3.WithCompactPhysical())
			return (*pb.CompactionResponse)(answer), err
		}},
		{name: "compaction of what is compacted", fails: true, do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.Compact(ctx, 3)
			return (*pb.CompactionResponse)(answer), err
		}},
		{name: "range at a compacted revision", fails: true, do: func(ctx context.Context, c *client) (any, error) {
			return get(ctx, c, "fruit/0", clientv3.WithRev(2))
		}},
		// The keys are the same up to here; those with a lease of the library are not, since its identity is random.
		{name: "maintenance hash of the keys", do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.HashKV(ctx, c.address, 0)
			return (*pb.HashKVResponse)(answer), err
		}},
	}
}

func clusterSteps() []step {
	return []step{
		{name: "member list", do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.MemberList(ctx)
			return (*pb.MemberListResponse)(answer), err
		}},
		{name: "member add with a URL that is there", fails: true, do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.MemberAdd(ctx, []string{"http://127.0.0.1:2380"})
			return (*pb.MemberAddResponse)(answer), err
		}},
		{name: "maintenance status", except: &databasePages, do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.Status(ctx, c.address)
			return (*pb.StatusResponse)(answer), err
		}},
		{name: "maintenance alarms", do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.AlarmList(ctx)
			return (*pb.AlarmResponse)(answer), err
		}},
		{name: "maintenance defragment", do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.Defragment(ctx, c.address)
			return (*pb.DefragmentResponse)(answer), err
		}},
		{name: "maintenance leadership to nobody", fails: true, do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.MoveLeader(ctx, 5)
			return (*pb.MoveLeaderResponse)(answer), err
		}},
		{name: "maintenance snapshot, a stream of answers", except: &databaseFile, do: func(ctx context.Context, c *client) (any, error) {
			file, err := c.Snapshot(ctx)
			if err != nil {
				return nil, err
			}
			content, err := io.ReadAll(file)
			return &snapshot{Content: content}, errors.Join(err, file.Close())
		}},
	}
}

// snapshot is the file of a database, with its checksum at the end.
type snapshot struct{ Content []byte }

var databasePages = difference{
	name:   databaseSize.name,
	reason: databaseSize.reason,
	explain: func(ours, theirs any) error {
		for _, answer := range []any{ours, theirs} {
			status, ok := answer.(*pb.StatusResponse)
			if !ok || status.GetDbSize() <= 0 || status.GetDbSizeInUse() <= 0 {
				return fmt.Errorf("no size: %v", answer)
			}
			status.DbSize, status.DbSizeInUse = 0, 0
		}
		return nil
	},
}

var databaseFile = difference{
	name:   ownDatabase.name,
	reason: ownDatabase.reason,
	explain: func(ours, theirs any) error {
		for _, answer := range []any{ours, theirs} {
			s, ok := answer.(*snapshot)
			if !ok {
				return fmt.Errorf("no snapshot: %v", answer)
			}
			if _, err := checkedSize(s.Content); err != nil {
				return err
			}
			s.Content = nil
		}
		return nil
	},
}
