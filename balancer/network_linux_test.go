// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/dragoman-gateway/dragoman/balancer"
	"github.com/dragoman-gateway/dragoman/internal/networktest"
)

func port(t *testing.T, b *backend) string {
	t.Helper()
	_, port, err := net.SplitHostPort(b.address)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// connectionsTo counts this process's established connections to a backend, seen from the client.
func connectionsTo(t *testing.T, b *backend) int {
	t.Helper()
	table, err := os.ReadFile("/proc/self/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	var number int
	if _, err := fmt.Sscan(port(t, b), &number); err != nil {
		t.Fatal(err)
	}
	const established = "01"
	n := 0
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)
		if strings.HasSuffix(fields[2], fmt.Sprintf(":%04X", number)) && fields[3] == established {
			n++
		}
	}
	return n
}

// Fault 4: packets to one of three backends are lost without a reset: it is ejected as one that is silent is, its connection is
// known to be dead within 10 s and closed, and it is back within 5 s of the network's return.
func TestFault04LostPackets(t *testing.T) {
	t.Parallel()
	if !networktest.Own(t) {
		return
	}
	lost := newBackend(t)
	backends := []*backend{lost, newBackend(t), newBackend(t)}
	c := open(t, balancer.Config{Endpoints: endpointsOf(t, backends)})
	ready(t, c, 3)
	s := startSteady(t, c, 200, given(t))
	wait(t, time.Second)
	s.look()
	networktest.Drop(t, port(t, lost), "")
	began := time.Now()
	states(t, c, "out of use", func(s []balancer.State) bool { return stateOf(s, lost).Condition != balancer.Ready })
	if d := time.Since(began); exact(t, "it was out of use after %v", d) && d > 3*time.Second {
		t.Error("want 3s at most")
	}
	deadline := time.Now().Add(2 * patience)
	for connectionsTo(t, lost) > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("the dead connection is open after %v", time.Since(began))
		}
		wait(t, 20*time.Millisecond)
	}
	if d := time.Since(began); exact(t, "the dead connection was closed after %v", d) && d > 10*time.Second {
		t.Error("want 10s at most")
	}
	_, all, failed, _ := s.look()
	if exact(t, "%d of %d calls failed until then", failed, all) && failed > 40 {
		t.Error("want 40 at most")
	}
	networktest.Mend(t)
	back := time.Now()
	states(t, c, "back", func(s []balancer.State) bool { return stateOf(s, lost).Condition == balancer.Ready })
	if d := time.Since(back); exact(t, "it was back after %v", d) && d > 5*time.Second {
		t.Error("want 5s at most")
	}
	s.look()
	wait(t, time.Second)
	if went, _, failed, _ := s.look(); went[lost.address] == 0 || failed > 0 {
		t.Errorf("after its return it had %d calls; %d calls failed", went[lost.address], failed)
	}
}

// Fault 5: one of three backends does not answer attempts to connect: no call waits for it, and none fails.
func TestFault05LostHandshakes(t *testing.T) {
	t.Parallel()
	if !networktest.Own(t) {
		return
	}
	silent := newBackend(t)
	backends := []*backend{silent, newBackend(t), newBackend(t)}
	networktest.Drop(t, port(t, silent), "tcp flags syn / syn,ack")
	c := open(t, balancer.Config{Endpoints: endpointsOf(t, backends)})
	ready(t, c, 2)
	s := startSteady(t, c, 200, patience)
	states(t, c, "tried", func(s []balancer.State) bool { return stateOf(s, silent).Tries >= 2 })
	s.stop()
	went, all, failed, p99 := s.look()
	if failed > 0 || went[silent.address] > 0 {
		t.Errorf("%d of %d calls failed, %d went to the silent backend", failed, all, went[silent.address])
	}
	if exact(t, "p99 of %d calls is %v", all, p99) && p99 > 50*time.Millisecond {
		t.Error("want no call to wait for a connection")
	}
	if r := stateOf(c.Endpoints(), silent).Reason; r != "no connection within 1s" {
		t.Errorf("reason %q", r)
	}
	networktest.Mend(t)
	ready(t, c, 3)
}

// Fault 6: one packet in twenty to and from one of three backends is lost: no call fails, and the others' latency is what counts.
func TestFault06LossyNetwork(t *testing.T) {
	t.Parallel()
	if !networktest.Own(t) {
		return
	}
	lossy := newBackend(t)
	backends := []*backend{lossy, newBackend(t), newBackend(t)}
	c := open(t, balancer.Config{Endpoints: endpointsOf(t, backends)})
	ready(t, c, 3)
	s := startSteady(t, c, 200, patience)
	wait(t, time.Second)
	_, _, _, before := s.look()
	networktest.Drop(t, port(t, lossy), "numgen random mod 100 < 5")
	wait(t, 5*time.Second)
	went, all, failed, after := s.look()
	if failed > 0 {
		t.Errorf("%d of %d calls failed", failed, all)
	}
	if exact(t, "p99 %v before, %v of %d calls after; the lossy backend had %d", before, after, all, went[lossy.address]) &&
		after > 5*max(before, time.Millisecond) {
		t.Error("want at most five times as much")
	}
}

// Fault 8: the way to one of three backends carries 1 Mbit/s: of large answers it has one in twenty at most, and no call fails.
func TestFault08NarrowNetwork(t *testing.T) {
	t.Parallel()
	if !networktest.Own(t) {
		return
	}
	const size = 100 << 10
	large := grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
		answer, err := h(ctx, req)
		if r, ok := answer.(*testpb.SimpleResponse); ok {
			r.Payload = &testpb.Payload{Body: make([]byte, size)}
		}
		return answer, err
	})
	narrow := newBackend(t, large)
	backends := []*backend{narrow, newBackend(t, large), newBackend(t, large)}
	networktest.Run(t, "tc", "qdisc", "add", "dev", "lo", "root", "handle", "1:", "htb", "default", "20")
	networktest.Run(t, "tc", "class", "add", "dev", "lo", "parent", "1:", "classid", "1:10", "htb", "rate", "1mbit", "burst", "64k")
	networktest.Run(t, "tc", "class", "add", "dev", "lo", "parent", "1:", "classid", "1:20", "htb", "rate", "10gbit", "burst", "1m")
	networktest.Run(t, "nft", "add chain inet faults out { type filter hook output priority 0; }")
	networktest.Run(t, "nft", "add rule inet faults out tcp sport "+port(t, narrow)+" meta priority set 1:10")
	c := open(t, balancer.Config{Endpoints: endpointsOf(t, backends)})
	ready(t, c, 3)
	s := startSteady(t, c, 50, 2*patience)
	wait(t, 3*time.Second)
	s.look()
	wait(t, 4*time.Second)
	went, all, failed, p99 := s.look()
	share := float64(went[narrow.address]) / float64(all)
	if failed > 0 || share > 0.2 {
		t.Errorf("%d of %d calls failed, the narrow backend had %.3f", failed, all, share)
	}
	if exact(t, "the narrow backend had %.3f of %d calls, p99 %v", share, all, p99) && share > 0.05 {
		t.Error("want at most 0.05")
	}
	s.stop()
	if _, _, failed, _ := s.look(); failed > 0 {
		t.Errorf("%d of the calls that were under way failed", failed)
	}
}
