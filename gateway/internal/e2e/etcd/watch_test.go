// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/testing/protocmp"
)

// testWatch watches three events: over gRPC through Dragoman, and over etcd's own gateway, which serves a watch as a POST
// that does not end. What is watched is written over REST through Dragoman.
func testWatch(t *testing.T, program string) {
	p := startPair(t, program)
	dragoman := &gateway{web: newWeb(t), address: p.ours}
	etcd := &gateway{web: newWeb(t), address: p.theirs}
	create := request{path: "/v3/watch", body: in(`{"create_request":{"key":'watched/',"range_end":'watched0',"prev_kv":true}}`)}

	response := etcd.open(t, &create)
	t.Cleanup(func() { _ = response.Body.Close() }) // the watch does not end by itself, so this cuts it off
	records := json.NewDecoder(response.Body)
	first := nextRecord(t, records)

	// Over REST, a watch is one of the exceptions.
	k := newComparison(nil)
	c := &call{name: "watch", request: create, answer: &pb.WatchResponse{}, says: "gRPC", except: []exception{plainStream}}
	report(t, k.check(c, dragoman.send(t, &create), &observed{Status: response.StatusCode}))

	client := newClient(t, p.ours)
	watched := client.Watch(t.Context(), "watched/", clientv3.WithPrefix(), clientv3.WithPrevKV(), clientv3.WithCreatedNotify())
	created := next(t, watched)
	got := &pb.WatchResponse{Header: created.Header, Created: created.Created}
	if difference := cmp.Diff(first, got, protocmp.Transform()); difference != "" {
		t.Errorf("the watches begin differently (-etcd +dragoman):\n%s", difference)
	}

	for _, change := range []request{
		{path: putPath, body: in(`{"key":'watched/a',"value":'one'}`)},
		{path: putPath, body: in("{\"key\":'watched/a',\"value\":'\xff\x00'}")},
		{path: putPath, body: in(`{"key":'beside',"value":'unseen'}`)},
		{path: "/v3/kv/deleterange", body: in(`{"key":'watched/a'}`)},
	} {
		for _, g := range []*gateway{dragoman, etcd} {
			if seen := g.send(t, &change); seen.Status != http.StatusOK {
				t.Fatalf("%s%s: %v", g.address, change.path, seen)
			}
		}
	}

	const events = 3
	var ours, theirs []*mvccpb.Event
	for len(ours) < events {
		seen := next(t, watched)
		if err := seen.Err(); err != nil {
			t.Fatalf("watch through dragoman: %v", err)
		}
		for _, event := range seen.Events {
			ours = append(ours, (*mvccpb.Event)(event))
		}
	}
	for len(theirs) < events {
		theirs = append(theirs, nextRecord(t, records).GetEvents()...)
	}
	if difference := cmp.Diff(theirs, ours, protocmp.Transform()); difference != "" || len(ours) != events {
		t.Errorf("%d events differ (-etcd +dragoman):\n%s", len(ours), difference)
	}
}

// nextRecord reads a record of etcd's gateway.
func nextRecord(t *testing.T, records *json.Decoder) *pb.WatchResponse {
	t.Helper()
	var record struct{ Result json.RawMessage }
	if err := records.Decode(&record); err != nil {
		t.Fatalf("watch of etcd's gateway: %v", err)
	}
	message := &pb.WatchResponse{}
	if err := protojson.Unmarshal(record.Result, message); err != nil {
		t.Fatalf("watch of etcd's gateway: %s: %v", record.Result, err)
	}
	return message
}
