// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package health_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	ours "github.com/dragoman-gateway/dragoman/balancer/health"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

// dial starts a server and returns a connection to it.
func dial(t *testing.T, register func(*grpc.Server)) *grpc.ClientConn {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	register(s)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.Serve(l)
	}()
	conn, err := grpc.NewClient("passthrough:///"+l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		s.Stop()
		<-served
	})
	return conn
}

// run runs a check until the test ends and returns its verdicts.
func run(t *testing.T, c ours.Check, conn grpc.ClientConnInterface) <-chan ours.Verdict {
	t.Helper()
	verdicts := make(chan ours.Verdict, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Run(ctx, conn, func(v ours.Verdict) { verdicts <- v })
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return verdicts
}

func next(t *testing.T, verdicts <-chan ours.Verdict) ours.Verdict {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case v := <-verdicts:
		return v
	case <-timer.C:
		t.Fatal("no verdict")
		return ours.Verdict{}
	}
}

func watch(t *testing.T, cfg ours.WatchConfig) *ours.Watch {
	t.Helper()
	w, err := ours.NewWatch(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWatchFollowsTheServer(t *testing.T) {
	t.Parallel()
	h := health.NewServer()
	h.SetServingStatus("books", healthpb.HealthCheckResponse_SERVING)
	verdicts := run(t, watch(t, ours.WatchConfig{Service: "books"}), dial(t, func(s *grpc.Server) { healthpb.RegisterHealthServer(s, h) }))
	if v := next(t, verdicts); v != (ours.Verdict{Healthy: true}) {
		t.Errorf("serving: %+v", v)
	}
	h.SetServingStatus("books", healthpb.HealthCheckResponse_NOT_SERVING)
	if v := next(t, verdicts); v != (ours.Verdict{Reason: "NOT_SERVING"}) {
		t.Errorf("not serving: %+v", v)
	}
	h.SetServingStatus("books", healthpb.HealthCheckResponse_SERVING)
	if v := next(t, verdicts); !v.Healthy {
		t.Errorf("serving again: %+v", v)
	}
}

func TestWatchOfAnUnknownService(t *testing.T) {
	t.Parallel()
	verdicts := run(t, watch(t, ours.WatchConfig{Service: "cats"}), dial(t, func(s *grpc.Server) {
		healthpb.RegisterHealthServer(s, health.NewServer())
	}))
	if v := next(t, verdicts); v != (ours.Verdict{Reason: "SERVICE_UNKNOWN"}) {
		t.Errorf("verdict %+v", v)
	}
}

// The protocol wants it: who does not implement the check is healthy.
func TestWatchWithoutAnImplementation(t *testing.T) {
	t.Parallel()
	verdicts := run(t, watch(t, ours.WatchConfig{}), dial(t, func(*grpc.Server) {}))
	if v := next(t, verdicts); !v.Healthy || !strings.Contains(v.Reason, "does not implement") {
		t.Errorf("verdict %+v", v)
	}
}

// silent is a health server that says nothing, or that hangs up.
type silent struct {
	healthpb.UnimplementedHealthServer

	hangUp bool
}

func (s silent) Watch(_ *healthpb.HealthCheckRequest, stream grpc.ServerStreamingServer[healthpb.HealthCheckResponse]) error {
	if s.hangUp {
		return errors.New("out of order")
	}
	<-stream.Context().Done()
	return nil
}

func TestWatchOfASilentServer(t *testing.T) {
	t.Parallel()
	for want, server := range map[string]silent{
		"no answer within 50ms": {}, "Unknown: out of order": {hangUp: true},
	} {
		verdicts := run(t, watch(t, ours.WatchConfig{Timeout: 50 * time.Millisecond}), dial(t, func(s *grpc.Server) {
			healthpb.RegisterHealthServer(s, server)
		}))
		if v := next(t, verdicts); v != (ours.Verdict{Reason: want}) {
			t.Errorf("verdict %+v, want %q", v, want)
		}
	}
}

func TestPollCallsAMethod(t *testing.T) {
	t.Parallel()
	h := health.NewServer()
	conn := dial(t, func(s *grpc.Server) { healthpb.RegisterHealthServer(s, h) })
	for _, tt := range []struct {
		name    string
		request []byte
		want    ours.Verdict
	}{
		{"the server", nil, ours.Verdict{Healthy: true}},
		{"a service, in field 1", []byte("\x0a\x04cats"), ours.Verdict{Reason: "NotFound: unknown service"}},
	} {
		p, err := ours.NewPoll(ours.PollConfig{Method: "/grpc.health.v1.Health/Check", Request: tt.request})
		if err != nil {
			t.Fatal(err)
		}
		if v := next(t, run(t, p, conn)); v != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, v, tt.want)
		}
	}
}

// The first answer counts at once, later ones when enough agree; each a jittered interval after the one before.
func TestPollCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answers := []error{
			nil, errors.New("a"), errors.New("b"), nil, errors.New("c"), errors.New("d"), errors.New("e"), // falls at e
			nil, errors.New("f"), nil, nil, // rises at the second
			context.DeadlineExceeded,
		}
		var at []time.Duration
		var verdicts []string
		began := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		p, err := ours.NewPoll(ours.PollConfig{Do: func(ctx context.Context, _ grpc.ClientConnInterface) error {
			if d, ok := ctx.Deadline(); !ok || time.Until(d) != ours.DefaultTimeout {
				t.Errorf("deadline in %v", time.Until(d))
			}
			at = append(at, time.Since(began))
			if len(at) == len(answers) {
				cancel()
			}
			return answers[len(at)-1]
		}})
		if err != nil {
			t.Fatal(err)
		}
		p.Run(ctx, nil, func(v ours.Verdict) {
			verdicts = append(verdicts, map[bool]string{true: "healthy", false: v.Reason}[v.Healthy])
		})
		if want := []string{"healthy", "e", "f", "healthy"}; !slices.Equal(verdicts, want) {
			t.Errorf("verdicts %q, want %q", verdicts, want)
		}
		same := true
		for i := 1; i < len(at); i++ {
			d := at[i] - at[i-1]
			if d < ours.DefaultInterval*9/10 || d > ours.DefaultInterval {
				t.Errorf("check %d came %v after the one before", i, d)
			}
			same = same && d == at[1]-at[0]
		}
		if same {
			t.Error("no jitter")
		}
	})
}

func TestChecksRefuse(t *testing.T) {
	t.Parallel()
	_, w := ours.NewWatch(ours.WatchConfig{Timeout: 1, Fall: -1})
	_, both := ours.NewPoll(ours.PollConfig{})
	_, p := ours.NewPoll(ours.PollConfig{Method: "Ping", Interval: 1, Timeout: -1, Rise: -1, Fall: -1})
	for err, wants := range map[error][]string{
		w:    {"health: timeout is 1ns; it must be 10ms or more", "fall is -1; it must be 1 or more"},
		both: {"one of method and do must be set"},
		p: {
			`method is "Ping"; it must be a full name, as in "/books.v1.Books/Ping"`,
			"interval is 1ns", "timeout is -1ns", "rise is -1", "fall is -1",
		},
	} {
		for _, want := range wants {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v does not say %q", err, want)
			}
		}
	}
}
