// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// cellField names the cell that a call belongs to, on its way through the gateway.
const cellField = "x-cell"

// playhouse is a backend whose calls each do what their cell says. It has several endpoints, for one connection can have but so many calls of
// clients that went away (threat H1).
type playhouse struct {
	addresses []string
	plays     sync.Map // cellField → *play
}

// houseEndpoints are enough for as many as the matrix and its kin have.
const houseEndpoints = 16

// play is what the backend's side of a cell does, and what came of it.
type play struct {
	script func(p *play, s grpc.ServerStream) error
	// again is for a call that may be made twice; nil for one that may not.
	again func(p *play, s grpc.ServerStream) error

	arrived atomic.Int32        // how often the call came
	started chan struct{}       // closed when it is there
	said    chan struct{}       // closed when the script has said its first message, or has none to say before it waits
	ended   chan error          // the call's context's error at its end
	left    time.Duration       // of its deadline, when it came; 0 for none; read behind started
	mine    map[string][]string // metadata of names that the cell sends; read behind started

	mu       sync.Mutex
	requests []string // guarded by mu
}

func newPlayhouse(t testing.TB) *playhouse {
	t.Helper()
	b := &playhouse{}
	serve := func(_ string, s grpc.ServerStream) error {
		md, _ := metadata.FromIncomingContext(s.Context())
		p := b.of(md.Get(cellField))
		if p == nil {
			return status.Errorf(codes.Internal, "there is no cell %q", md.Get(cellField))
		}
		if n := p.arrived.Add(1); n == 2 && p.again != nil {
			return p.again(p, s)
		} else if n > 1 {
			return status.Error(codes.Internal, "the call was made twice")
		}
		defer func() { p.ended <- s.Context().Err() }()
		if deadline, ok := s.Context().Deadline(); ok {
			p.left = time.Until(deadline)
		}
		p.mine = map[string][]string{"x-many": md.Get("x-many"), "x-raw-bin": md.Get("x-raw-bin")}
		close(p.started)
		return p.script(p, s)
	}
	for range houseEndpoints {
		b.addresses = append(b.addresses, misbehave(t, serve))
	}
	return b
}

// of returns the play of a cell; nil where there is none.
func (b *playhouse) of(id []string) *play {
	if len(id) != 1 {
		return nil
	}
	p, _ := b.plays.Load(id[0])
	found, _ := p.(*play)
	return found
}

// add puts a play on.
func (b *playhouse) add(id string, script func(*play, grpc.ServerStream) error) *play {
	p := &play{script: script, started: make(chan struct{}), said: make(chan struct{}), ended: make(chan error, 4)}
	b.plays.Store(id, p)
	return p
}

// receive takes a request.
func (p *play) receive(s grpc.ServerStream) (string, error) {
	m := new(transcoder.Message)
	if err := s.RecvMsg(m); err != nil {
		return "", err
	}
	data, free := m.Bytes()
	defer free()
	request := &testv1.BindRequest{}
	if err := proto.Unmarshal(data, request); err != nil {
		return "", status.Errorf(codes.Internal, "the request is not one: %v", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, request.GetText())
	return request.GetText(), nil
}

// seen returns the requests that have come.
func (p *play) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests
}

// send says a message.
func (p *play) send(s grpc.ServerStream, text string) error {
	data, err := proto.Marshal(&testv1.BindResponse{Text: text})
	if err != nil {
		return err
	}
	return s.SendMsg(raw(string(data)))
}

// wait waits until the call is over, and says that it does.
func (p *play) wait(s grpc.ServerStream) error {
	close(p.said)
	<-s.Context().Done()
	return status.FromContextError(s.Context().Err()).Err()
}

// How a broken backend ends an answer in the middle of a message.
const (
	breaksByReset    = "reset"
	breaksWithOK     = "trailers that say OK"
	breaksWithNone   = "no trailers"
	howField         = "x-how" // which of them
	wholeFirstField  = "x-whole-first"
	brokenMessageLen = 1000
)

// newBroken runs a backend, made of HTTP/2 alone, that ends its answers in the middle of a message, as howField says, until the test ends.
// Where wholeFirstField says so, a whole one comes before.
func newBroken(t testing.TB) (address string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadFull(r.Body, make([]byte, 5)); err != nil {
			return // the gateway has cancelled the call
		}
		w.Header().Set("Content-Type", "application/grpc")
		if r.Header.Get(wholeFirstField) != "" {
			_, _ = w.Write(frame{0, marshal(t, &testv1.BindResponse{Text: answerTo("1")})}.bytes())
		}
		broken := frame{0, marshal(t, &testv1.BindResponse{Text: strings.Repeat("x", brokenMessageLen)})}.bytes()
		_, _ = w.Write(broken[:len(broken)/2])
		_ = http.NewResponseController(w).Flush()
		switch r.Header.Get(howField) {
		case breaksWithOK:
			w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
		case breaksWithNone:
		default:
			panic(http.ErrAbortHandler)
		}
	})}
	server.Protocols.SetUnencryptedHTTP2(true)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	return listener.Addr().String()
}

// cable is a way to a backend that can be cut.
type cable struct {
	address string

	mu    sync.Mutex
	conns []net.Conn // guarded by mu
}

func newCable(t testing.TB, to string) *cable {
	t.Helper()
	w := &cable{}
	w.address = accept(t, func(from net.Conn) {
		up, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", to)
		if err != nil {
			return
		}
		w.mu.Lock()
		w.conns = append(w.conns, from, up)
		w.mu.Unlock()
		back := make(chan struct{})
		go func() {
			defer close(back)
			_, _ = io.Copy(from, up)
			_ = from.Close()
		}()
		_, _ = io.Copy(up, from)
		_ = up.Close()
		<-back
	})
	return w
}

// cut closes all connections that go through.
func (w *cable) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
}

// gate lets calls pass when all that it was made for have come, behind a deed. Who will not come says so by coming.
type gate struct {
	deed func()
	open chan struct{}

	mu      sync.Mutex
	missing int // guarded by mu
}

func newGate(calls int, deed func()) *gate {
	return &gate{deed: deed, open: make(chan struct{}), missing: calls}
}

func (g *gate) come() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.missing--; g.missing == 0 {
		g.deed()
		close(g.open)
	}
}

// errEnded tells whether a request has ended.
func errEnded(err error) bool { return errors.Is(err, io.EOF) }
