// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// rawH1 sends bytes as they are over HTTP/1.1 and reads one answer.
func (d *dragoman) rawH1(t testing.TB, request string) (*answer, error) {
	t.Helper()
	c := d.socket(t)
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, request); err != nil {
		return nil, err
	}
	method, _, _ := strings.Cut(request, " ")
	return readH1(bufio.NewReader(c), method)
}

// readH1 reads one answer.
func readH1(r *bufio.Reader, method string) (*answer, error) {
	response, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	a := &answer{status: response.StatusCode, header: response.Header, body: string(body), trailer: response.Trailer, length: response.ContentLength}
	a.last = response.Close
	return a, err
}

// prober is a client of HTTP/2 that sends any frames and shows what comes back. It is used by one goroutine.
type prober struct {
	t      testing.TB
	conn   net.Conn
	framer *http2.Framer
	next   uint32

	encode bytes.Buffer
	hpack  *hpack.Encoder
	manual bool // leave the windows as they are
	goAway *http2.GoAwayFrame
}

// errReset is the reset of a stream.
type errReset struct{ code http2.ErrCode }

func (e errReset) Error() string { return "stream was reset with " + e.code.String() }

// probe opens a connection.
func (d *dragoman) probe(t testing.TB, settings ...http2.Setting) *prober {
	t.Helper()
	c := d.socket(t)
	p := &prober{t: t, conn: c, framer: http2.NewFramer(c, bufio.NewReader(c)), next: 1}
	p.hpackTo()
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	p.must(p.framer.WriteSettings(settings...))
	return p
}

// hpackTo gives both directions their tables.
func (p *prober) hpackTo() {
	p.hpack = hpack.NewEncoder(&p.encode)
	p.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	p.framer.AllowIllegalWrites = true
}

func (p *prober) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// open sends the head of a request and returns its stream. fields alternate names and values, pseudo fields first.
func (p *prober) open(end bool, fields ...string) uint32 {
	p.t.Helper()
	p.encode.Reset()
	for i := 0; i < len(fields); i += 2 {
		p.must(p.hpack.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}))
	}
	id := p.next
	p.next += 2
	const most = 16 << 10
	block := p.encode.Bytes()
	first := block[:min(len(block), most)]
	block = block[len(first):]
	p.must(p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: first, EndStream: end, EndHeaders: len(block) == 0}))
	for len(block) > 0 {
		piece := block[:min(len(block), most)]
		block = block[len(piece):]
		p.must(p.framer.WriteContinuation(id, len(block) == 0, piece))
	}
	return id
}

// head returns the pseudo fields of a request, and what else is given.
func (p *prober) head(method, path string, more ...string) []string {
	return append([]string{":method", method, ":scheme", "http", ":path", path, ":authority", p.conn.RemoteAddr().String()}, more...)
}

// get sends a request without a body and reads its answer.
func (p *prober) get(method, path string, more ...string) (*answer, error) {
	p.t.Helper()
	return p.read(p.open(true, p.head(method, path, more...)...))
}

// frame reads the next frame that is not about the connection as such.
func (p *prober) frame() (http2.Frame, error) {
	for {
		f, err := p.framer.ReadFrame()
		if err != nil {
			return nil, err
		}
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				p.must(p.framer.WriteSettingsAck())
			}
		case *http2.PingFrame:
			if !f.IsAck() {
				p.must(p.framer.WritePing(true, f.Data))
			}
		case *http2.GoAwayFrame:
			p.goAway = f
			return f, nil
		case *http2.WindowUpdateFrame:
		case *http2.DataFrame:
			if n := uint32(len(f.Data())); n > 0 && !p.manual { //nolint:gosec // a frame is small
				p.must(p.framer.WriteWindowUpdate(0, n))
				if !f.StreamEnded() {
					p.must(p.framer.WriteWindowUpdate(f.StreamID, n))
				}
			}
			return f, nil
		default:
			return f, nil
		}
	}
}

// read reads the answer of a stream until it ends. The error is an errReset or that of the connection.
func (p *prober) read(stream uint32) (*answer, error) {
	a := &answer{header: http.Header{}, trailer: http.Header{}, length: -1}
	for {
		f, err := p.frame()
		if err != nil {
			return a, err
		}
		if f.Header().StreamID != stream {
			if g, ok := f.(*http2.GoAwayFrame); ok && g.ErrCode != http2.ErrCodeNo {
				return a, fmt.Errorf("the connection is closed with %s", g.ErrCode)
			}
			continue
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			if err := a.fields(f); err != nil {
				return a, err
			}
			if f.StreamEnded() {
				return a, nil
			}
		case *http2.DataFrame:
			a.body += string(f.Data())
			if f.StreamEnded() {
				return a, nil
			}
		case *http2.RSTStreamFrame:
			return a, errReset{f.ErrCode}
		}
	}
}

func (a *answer) fields(f *http2.MetaHeadersFrame) error {
	into := a.trailer
	if a.status == 0 {
		into = a.header
		var err error
		if a.status, err = strconv.Atoi(f.PseudoValue("status")); err != nil {
			return errors.New("the answer has no status")
		}
	}
	for _, field := range f.RegularFields() {
		into.Add(field.Name, field.Value)
	}
	return nil
}
