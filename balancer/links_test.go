// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer

import (
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	grpcbalancer "google.golang.org/grpc/balancer"
	"google.golang.org/grpc/connectivity"
	grpcresolver "google.golang.org/grpc/resolver"

	"github.com/dragoman-gateway/dragoman/internal/frames"
)

// bench is a gRPC client without a network: connections are what the test says.
type bench struct {
	grpcbalancer.ClientConn

	mu     sync.Mutex // guards what follows
	opened []*benchConn
	refuse bool
	state  grpcbalancer.State
}

type benchConn struct {
	grpcbalancer.SubConn

	l        *link
	listener func(grpcbalancer.SubConnState)
	b        *bench
	shut     bool
}

func (b *bench) NewSubConn(as []grpcresolver.Address, o grpcbalancer.NewSubConnOptions) (grpcbalancer.SubConn, error) {
	l, _ := as[0].Attributes.Value(linkKey{}).(*link)
	c := &benchConn{l: l, listener: o.StateListener, b: b}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opened = append(b.opened, c)
	return c, nil
}

func (b *bench) UpdateState(s grpcbalancer.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state = s
}

func (b *bench) picker() grpcbalancer.Picker {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state.Picker
}

func (b *bench) refuses(yes bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse = yes
}

// all returns every connection that was opened.
func (b *bench) all() []*benchConn {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.opened)
}

// Connect implements grpc-go's SubConn: the server takes ten streams at a time, or refuses.
func (c *benchConn) Connect() {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	s := grpcbalancer.SubConnState{ConnectivityState: connectivity.Ready}
	if c.b.refuse {
		s = grpcbalancer.SubConnState{ConnectivityState: connectivity.TransientFailure, ConnectionError: io.EOF}
	}
	c.l.limited(10)
	time.AfterFunc(time.Millisecond, func() { c.listener(s) })
}

func (c *benchConn) Shutdown() {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.shut = true
}

// in counts the connections that are not shut.
func (b *bench) in() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.opened {
		if !c.shut {
			n++
		}
	}
	return n
}

// host1 returns a host with one endpoint, and how to place a call; a nil end is a call that waits.
func host1(t *testing.T, cfg Config) (b *bench, place func() (end func()), stop func()) {
	t.Helper()
	b = &bench{}
	h := newHost(b, "test")
	cfg.Name = "test"
	h.hub = newHub(cfg.withDefaults())
	if err := h.UpdateClientConnState(grpcbalancer.ClientConnState{ResolverState: grpcresolver.State{
		Endpoints: []grpcresolver.Endpoint{{Addresses: []grpcresolver.Address{{Addr: "10.0.0.1:1"}}}},
	}}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * time.Millisecond)
	return b, func() func() {
		r, err := b.picker().Pick(grpcbalancer.PickInfo{FullMethodName: "/s/m", Ctx: t.Context()})
		if err != nil {
			return nil
		}
		return func() { r.Done(grpcbalancer.DoneInfo{BytesSent: true, BytesReceived: true}) }
	}, h.Close
}

// Fault 18: connections come as streams are used up, before the last one is full, up to the limit; and go when
// they are not used any more.
func TestFault18ConnectionsFollowTheCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, place, stop := host1(t, Config{MaxConnections: 3})
		defer stop()
		var ends []func()
		for i := range 30 {
			end := place()
			if end == nil { // it waits for a connection that comes
				time.Sleep(20 * time.Millisecond)
				if end = place(); end == nil {
					t.Fatalf("call %d waits although a connection came", i)
				}
			}
			ends = append(ends, end)
			time.Sleep(5 * time.Millisecond)
			// The ninth call finds three quarters of the streams in use.
			if want := i/8 + 1; i <= 8 && b.in() != want {
				t.Errorf("%d connections for %d calls, want %d", b.in(), i+1, want)
			}
		}
		if b.in() != 3 {
			t.Errorf("%d connections for 30 calls of ten each", b.in())
		}
		for _, c := range b.all() {
			if n := c.l.calls.Load(); n != 10 {
				t.Errorf("a connection has %d calls", n)
			}
		}
		// Beyond the limit of connections calls go to gRPC, which makes them wait.
		extra := place()
		if extra == nil {
			time.Sleep(20 * time.Millisecond)
			extra = place()
		}
		if extra == nil {
			t.Fatal("beyond the limit a call waits in the picker, where nothing wakes it")
		}
		extra()
		for _, end := range ends {
			end()
		}
		time.Sleep(2*idleAfter + time.Second)
		if b.in() != 1 {
			t.Errorf("%d connections without a call for two minutes", b.in())
		}
		if end := place(); end == nil {
			t.Error("no call on the connection that is left")
		} else {
			end()
		}
	})
}

// A limit of our own counts where the server's is higher, and the server's where it is lower.
func TestMaxStreams(t *testing.T) {
	t.Parallel()
	for own, each := range map[int]int64{4: 4, 100: 10} {
		synctest.Test(t, func(t *testing.T) {
			b, place, stop := host1(t, Config{MaxStreams: own, MaxConnections: 2})
			defer stop()
			for range 2 * each {
				if place() == nil {
					time.Sleep(20 * time.Millisecond)
					if place() == nil {
						t.Fatal("a call waits although a connection came")
					}
				}
				time.Sleep(5 * time.Millisecond)
			}
			if b.in() != 2 {
				t.Errorf("%d connections", b.in())
			}
			for _, c := range b.all() {
				if n := c.l.calls.Load(); n != each {
					t.Errorf("with a limit of %d, and ten of the server's, a connection has %d calls", own, n)
				}
			}
		})
	}
}

// A call that waits for a connection which cannot be had goes on those that there are.
func TestNoMoreConnectionsToBeHad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, place, stop := host1(t, Config{})
		defer stop()
		b.refuses(true)
		waited := 0
		for range 25 {
			if place() == nil {
				waited++
				time.Sleep(20 * time.Millisecond)
				if place() == nil {
					t.Fatal("a call waits for ever")
				}
			}
		}
		if waited > 3 {
			t.Errorf("%d calls waited", waited)
		}
		if n := len(b.all()); n > 3 {
			t.Errorf("%d attempts within a second", n)
		}
		// After the pause it is tried again.
		b.refuses(false)
		time.Sleep(time.Second)
		place()
		time.Sleep(20 * time.Millisecond)
		if b.in() != 2 {
			t.Errorf("%d connections after the server takes more", b.in())
		}
	})
}

func TestMinConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, _, stop := host1(t, Config{MinConnections: 3})
		defer stop()
		time.Sleep(100 * time.Millisecond)
		if b.in() != 3 {
			t.Fatalf("%d connections, want 3", b.in())
		}
		time.Sleep(5 * time.Minute)
		if b.in() != 3 {
			t.Errorf("%d connections after five minutes, want 3", b.in())
		}
		// One that is lost is replaced; lost again at once, not before the pause.
		lose := func() {
			all := b.all()
			all[len(all)-1].listener(grpcbalancer.SubConnState{ConnectivityState: connectivity.Idle})
			time.Sleep(20 * time.Millisecond)
		}
		lose()
		if b.in() != 3 {
			t.Errorf("%d connections after one was lost", b.in())
		}
		lose()
		if b.in() != 2 {
			t.Errorf("%d connections: a server that hangs up is called again at once", b.in())
		}
		time.Sleep(time.Second)
		if b.in() != 3 {
			t.Errorf("%d connections after the pause", b.in())
		}
	})
}

// frame is a frame of HTTP/2.
func frame(kind byte, payload ...byte) []byte {
	return append([]byte{0, byte(len(payload) >> 8), byte(len(payload)), kind, 0, 0, 0, 0, 0}, payload...)
}

func TestTheServersLimitIsOverheard(t *testing.T) {
	t.Parallel()
	streams := []byte{0, 3, 0, 0, 1, 0}
	window := []byte{0, 4, 0, 1, 0, 0}
	for _, tt := range []struct {
		name string
		sent []byte
		want []uint32
	}{
		{"alone", frame(frames.Settings, streams...), []uint32{256}},
		{"among others", frame(frames.Settings, slices.Concat(window, streams, window)...), []uint32{256}},
		{"twice: the last counts", frame(frames.Settings, slices.Concat(streams, []byte{0, 3, 0, 0, 0, 9})...), []uint32{256, 9}},
		{"not stated", frame(frames.Settings, window...), nil},
		{"no settings", frame(frames.Settings), nil},
		{"later frames are not looked at", slices.Concat(frame(frames.Settings), frame(frames.Settings, streams...)), nil},
		{"another frame first", slices.Concat(frame(6, 1, 2, 3, 4, 5, 6, 7, 8), frame(frames.Settings, streams...)), nil},
		{"longer than is read", frame(frames.Settings, slices.Repeat(streams, 65)...), nil},
		{"no HTTP/2", []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), nil},
		{"cut", frame(frames.Settings, streams...)[:13], nil},
	} {
		for piece, wrap := range map[string]func(io.Reader) io.Reader{
			"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "in halves": iotest.HalfReader,
		} {
			var got []uint32
			sent := tt.sent
			if tt.name != "cut" {
				sent = slices.Concat(tt.sent, []byte("and so on"))
			}
			c := &overheard{Conn: reading{wrap(&sliceReader{sent})}, told: func(n uint32) { got = append(got, n) }}
			data, err := io.ReadAll(c)
			if err != nil || string(data) != string(sent) {
				t.Errorf("%s, %s: read %q, %v", tt.name, piece, data, err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s, %s: heard %v, want %v", tt.name, piece, got, tt.want)
			}
		}
	}
}

type sliceReader struct{ rest []byte }

func (r *sliceReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// reading is a connection of which only Read works.
type reading struct{ r io.Reader }

func (c reading) Read(p []byte) (int, error)       { return c.r.Read(p) }
func (c reading) Write([]byte) (int, error)        { return 0, io.ErrClosedPipe }
func (c reading) Close() error                     { return nil }
func (c reading) LocalAddr() net.Addr              { return nil }
func (c reading) RemoteAddr() net.Addr             { return nil }
func (c reading) SetDeadline(time.Time) error      { return nil }
func (c reading) SetReadDeadline(time.Time) error  { return nil }
func (c reading) SetWriteDeadline(time.Time) error { return nil }
