// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"strings"
	"testing"
)

// TestEtcd builds the command once and runs all that is to be seen with etcd, each part with processes of its own.
func TestEtcd(t *testing.T) {
	t.Parallel()
	program := buildDragoman(t)
	for _, part := range []struct {
		name string
		test func(t *testing.T, program string)
	}{
		{"REST", testREST},
		{"watch", testWatch},
		{"gRPC", testGRPC},
		{"without the path mapping", testUnmapped},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			part.test(t, program)
		})
	}
}

// testUnmapped shows that the path mapping is what makes the files whole: without it each import that begins with etcd/api/
// is named, with the file that has it (T2), and nothing is served.
func testUnmapped(t *testing.T, program string) {
	d := start(t, "dragoman", program, devArguments(protoFolder(t), "127.0.0.1:1")...)
	const invalid = 3
	if code := d.wait(t, startWithin); code != invalid {
		t.Errorf("exit code %d; want %d", code, invalid)
	}
	printed := d.out.String()
	for _, want := range []string{
		`cannot find the import "etcd/api/mvccpb/kv.proto"`, `cannot find the import "etcd/api/authpb/auth.proto"`,
		`cannot find the import "etcd/api/versionpb/version.proto"`, "etcdserverpb/rpc.proto:4:1", "--import-path",
	} {
		if !strings.Contains(printed, want) {
			t.Errorf("the output does not say %s", want)
		}
	}
	if firstScreen.MatchString(printed) {
		t.Error("an API is served")
	}
}

// pair is two etcd processes, of which one is behind Dragoman.
type pair struct {
	ours   string // host:port of Dragoman
	theirs string // host:port of the etcd that is asked directly
	behind string // host:port of the etcd behind Dragoman
}

func startPair(t *testing.T, program string) *pair {
	t.Helper()
	behind, direct := startEtcd(t), startEtcd(t)
	return &pair{ours: startDragoman(t, program, behind.address).address, theirs: direct.address, behind: behind.address}
}

// testREST sends the same requests to Dragoman and to etcd's own gateway.
func testREST(t *testing.T, program string) {
	p := startPair(t, program)
	dragoman := &gateway{web: newWeb(t), address: p.ours}
	etcd := &gateway{web: newWeb(t), address: p.theirs}
	k := newComparison(general)
	for _, c := range calls() {
		t.Run(c.name, func(t *testing.T) { // not parallel: the order is what keeps both servers the same
			ours, theirs := dragoman.send(t, &c.request), etcd.send(t, &c.request)
			if c.plain != nil {
				c.plainSeen = etcd.send(t, c.plain)
			}
			report(t, k.check(&c, ours, theirs))
		})
	}
	report(t, k.finish())
}

func report(t *testing.T, problems []string) {
	t.Helper()
	for _, problem := range problems {
		t.Error(problem)
	}
}
