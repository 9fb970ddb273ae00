// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http3_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/qpack"
	"github.com/quic-go/quic-go"
	quichttp3 "github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
	"github.com/quic-go/quic-go/testutils/simnet"
	"go.uber.org/goleak"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/http3"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// identity is the server's certificate. It is made before any test holds the clock.
var identity = func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(100, 0, 0), DNSNames: []string{"test"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}()

// world is one connection between a client of QUIC, which can say whatever it likes, and a Conn, over a network in memory.
type world struct {
	t      *testing.T
	conn   *http3.Conn
	client *quic.Conn
	log    *bytes.Buffer
	served chan struct{} // closed when Serve has returned
	own    *quichttp3.ClientConn
}

// setting is what a test changes.
type setting struct {
	config         http3.Config
	server, client quic.Config
	age            time.Duration
}

// connect makes a world. serve is called for each request.
func connect(t *testing.T, serve func(transcoder.Exchange), edit func(*setting)) *world {
	t.Helper()
	w := &world{t: t, log: &bytes.Buffer{}, served: make(chan struct{})}
	s := &setting{
		config: http3.Config{
			Listener: "main", MaxHeader: 4 << 10, HeaderTimeout: 10 * time.Second, WriteStall: 30 * time.Second, IdleTimeout: 5 * time.Minute,
			Serve: serve, Log: slog.New(slog.NewTextHandler(w.log, nil)),
		},
		server: quic.Config{MaxIdleTimeout: time.Hour, EnableStreamResetPartialDelivery: true},
		client: quic.Config{MaxIdleTimeout: time.Hour, KeepAlivePeriod: time.Minute},
		age:    time.Hour,
	}
	if edit != nil {
		edit(s)
	}
	var router simnet.PerfectRouter
	here, there := &net.UDPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1000}, &net.UDPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 443}
	sockets := []*simnet.SimConn{simnet.NewBlockingSimConn(here, &router), simnet.NewBlockingSimConn(there, &router)}
	transports := []*quic.Transport{{Conn: sockets[0]}, {Conn: sockets[1]}}
	listener, err := transports[1].Listen(&tls.Config{Certificates: []tls.Certificate{identity}, NextProtos: []string{http3.NextProto}}, &s.server) //nolint:gosec // QUIC has TLS 1.3
	if err != nil {
		t.Fatal(err)
	}
	w.client, err = transports[0].Dial(t.Context(), there, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{http3.NextProto}}, &s.client) //nolint:gosec // nothing is secret here
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := listener.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.conn = http3.NewConn(accepted, &s.config, s.age)
	go func() {
		defer close(w.served)
		w.conn.Serve()
	}()
	t.Cleanup(func() {
		_ = w.client.CloseWithError(0x100, "")
		<-w.served
		for i := range transports {
			_ = transports[i].Close()
			_ = sockets[i].Close()
		}
	})
	return w
}

// http returns the client of quic-go on the connection.
func (w *world) http() *quichttp3.ClientConn {
	if w.own == nil {
		w.own = (&quichttp3.Transport{DisableCompression: true}).NewClientConn(w.client)
	}
	return w.own
}

// reply is an answer that quic-go's client has read to its end.
type reply struct {
	status          int
	header, trailer http.Header
	length          int64 // what it said, -1 for nothing
	body            string
}

// do makes a request with quic-go's client. The reply has what came before an error.
func (w *world) do(method, path string, body io.Reader, fields ...string) (*reply, error) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, "https://test"+path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	response, err := w.http().RoundTrip(r)
	if err != nil {
		return &reply{}, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return &reply{response.StatusCode, response.Header, response.Trailer, response.ContentLength, string(text)}, err
}

// greet opens the client's control stream and sends what it is given on it.
func (w *world) greet(frames ...[]byte) *quic.SendStream {
	w.t.Helper()
	return w.uni(append([][]byte{{0x00}}, frames...)...)
}

func (w *world) uni(pieces ...[]byte) *quic.SendStream {
	w.t.Helper()
	str, err := w.client.OpenUniStream()
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := str.Write(bytes.Join(pieces, nil)); err != nil {
		w.t.Fatal(err)
	}
	return str
}

// send opens a stream for a request and sends pieces on it; end says whether it is all.
func (w *world) send(end bool, pieces ...[]byte) *quic.Stream {
	w.t.Helper()
	str, err := w.client.OpenStreamSync(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := str.Write(bytes.Join(pieces, nil)); err != nil && reset(err) == 0 { // the server may want no more of it
		w.t.Fatal(err)
	}
	if end {
		_ = str.Close()
	}
	return str
}

// frame makes a frame.
func frame(kind uint64, payload []byte) []byte {
	return append(quicvarint.Append(quicvarint.Append(nil, kind), uint64(len(payload))), payload...)
}

// settings is an empty SETTINGS frame.
func settings() []byte { return frame(0x04, nil) }

// section encodes fields, which alternate names and values.
func section(fields ...string) []byte {
	var b bytes.Buffer
	e := qpack.NewEncoder(&b)
	for i := 0; i < len(fields); i += 2 {
		_ = e.WriteField(qpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return b.Bytes()
}

// get is the head of a GET, with more fields.
func get(path string, more ...string) []byte {
	return frame(0x01, section(append([]string{":method", "GET", ":scheme", "https", ":authority", "test", ":path", path}, more...)...))
}

// post is the head of a POST.
func post(more ...string) []byte {
	return frame(0x01, section(append([]string{":method", "POST", ":scheme", "https", ":authority", "test", ":path", "/"}, more...)...))
}

// message is what came on a stream: heads, data, and how it ended.
type message struct {
	heads []string
	data  string
	err   error // nil for a clean end
}

// read reads an answer to its end.
func read(r io.Reader) *message {
	m := &message{}
	in := quicvarint.NewReader(r)
	for {
		kind, err := quicvarint.Read(in)
		if errors.Is(err, io.EOF) {
			return m
		}
		var length uint64
		if err == nil {
			length, err = quicvarint.Read(in)
		}
		payload := make([]byte, length)
		if err == nil {
			_, err = io.ReadFull(r, payload)
		}
		if err != nil {
			m.err = err
			return m
		}
		switch kind {
		case 0x00:
			m.data += string(payload)
		case 0x01:
			head, next := "", qpack.NewDecoder().Decode(payload)
			for f, err := next(); err == nil; f, err = next() {
				head += f.Name + ": " + f.Value + "\n"
			}
			m.heads = append(m.heads, head)
		default:
			m.err = fmt.Errorf("a frame of kind %d", kind)
			return m
		}
	}
}

// control reads the server's control stream, frame by frame.
type control struct{ str *quic.ReceiveStream }

func (w *world) control() *control {
	w.t.Helper()
	str, err := w.client.AcceptUniStream(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if kind, err := quicvarint.Read(quicvarint.NewReader(str)); err != nil || kind != 0 {
		w.t.Fatalf("a stream of kind %d: %v", kind, err)
	}
	return &control{str}
}

func (c *control) frame() (kind uint64, payload []byte, err error) {
	in := quicvarint.NewReader(c.str)
	if kind, err = quicvarint.Read(in); err != nil {
		return 0, nil, err
	}
	length, err := quicvarint.Read(in)
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, length)
	_, err = io.ReadFull(c.str, payload)
	return kind, payload, err
}

// goAway waits for a GOAWAY and returns its number.
func (c *control) goAway() (uint64, error) {
	for {
		kind, payload, err := c.frame()
		if err != nil {
			return 0, err
		}
		if kind == 0x07 {
			id, _, err := quicvarint.Parse(payload)
			return id, err
		}
	}
}

// ended returns the code with which the connection ended, and how.
func (w *world) ended() (code uint64, text string) {
	<-w.client.Context().Done()
	if e, ok := errors.AsType[*quic.ApplicationError](context.Cause(w.client.Context())); ok {
		return uint64(e.ErrorCode), e.ErrorMessage
	}
	return 0, fmt.Sprint(context.Cause(w.client.Context()))
}

// reset returns the code with which a stream was reset by the server, 0 for anything else.
func reset(err error) uint64 {
	if e, ok := errors.AsType[*quic.StreamError](err); ok && e.Remote {
		return uint64(e.ErrorCode)
	}
	return 0
}

// body reads a body to its end.
func body(ex transcoder.Exchange) (string, error) {
	var all []byte
	for {
		b, err := ex.Read()
		if b != nil {
			all = append(all, b.ReadOnlyData()...)
			b.Free()
		}
		if errors.Is(err, io.EOF) {
			return string(all), nil
		}
		if err != nil {
			return string(all), err
		}
	}
}

// whole writes an answer that is all in one piece.
func whole(ex transcoder.Exchange, status int, text string) {
	out := &transcoder.Out{Status: status, End: transcoder.EndClean, Flush: true}
	if text != "" {
		out.Data = mem.BufferSlice{mem.SliceBuffer(text)}
	}
	_ = ex.Write(out)
}

// piece writes a piece of an answer and flushes it.
func piece(ex transcoder.Exchange, status int, text string) error {
	out := &transcoder.Out{Status: status, Flush: true}
	if text != "" {
		out.Data = mem.BufferSlice{mem.SliceBuffer(text)}
	}
	return ex.Write(out)
}

// gate is a request that waits for the test.
type gate struct {
	entered chan transcoder.Exchange
	leave   chan struct{}
	once    sync.Once
}

func newGate() *gate {
	return &gate{entered: make(chan transcoder.Exchange, 100), leave: make(chan struct{})}
}

func (g *gate) serve(ex transcoder.Exchange) {
	g.entered <- ex
	<-g.leave
	whole(ex, 200, "done")
}

func (g *gate) open() { g.once.Do(func() { close(g.leave) }) }
