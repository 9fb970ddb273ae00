// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	ws "github.com/coder/websocket"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/internal/percent"
	gatewaystatus "github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// verdict is what a client makes of an answer.
type verdict struct {
	messages []string
	// code is OK only if the client takes the answer for whole and good; text and details are the status's.
	code    codes.Code
	text    string
	details []*anypb.Any
	// cut says that the answer did not end as its form or HTTP wants it; why is how.
	cut bool
	why error

	http            int
	contentType     string
	header, trailer http.Header
	packed          bool // something of it was compressed
}

// clientCall is the client's side of a call. It is used by one goroutine.
type clientCall interface {
	// send sends a message, end says that it was the last.
	send(text string)
	end()
	// receive waits for a message; false says that the verdict is settled.
	receive() (text string, more bool)
	// leave goes away in the middle of it.
	leave()
	// close gives back what the call holds, and returns when nothing of it runs.
	close()
	// settled is the verdict.
	settled() *verdict
}

// httpCall is a call that is a request and its answer.
type httpCall struct {
	cell   *cell
	cancel context.CancelFunc
	ctx    context.Context //nolint:containedctx // it is cancelled as the request is

	whole  bytes.Buffer   // a request that does not stream
	pipe   *io.PipeWriter // of one that does
	sent   int
	begun  bool
	result chan error // the answer's head has come, or will not
	ran    sync.WaitGroup

	response *http.Response
	body     *bufio.Reader
	array    *json.Decoder
	done     bool // the one body was read
	packed   bool
	verdict  verdict
}

func (c *cell) callHTTP(ctx context.Context) *httpCall {
	ctx, cancel := context.WithCancel(ctx)
	a := &httpCall{cell: c, result: make(chan error, 1), ctx: ctx, cancel: cancel}
	if c.kind.client {
		r, w := io.Pipe()
		a.pipe = w
		// net/http's client waits for who reads a body before it sees that it is not to.
		context.AfterFunc(ctx, func() { _ = r.CloseWithError(context.Canceled) })
		a.begin(r, "")
	}
	return a
}

// begin sends the request.
func (a *httpCall) begin(body io.Reader, message string) {
	c := a.cell
	a.begun = true
	h := http.Header{}
	c.fields(h.Add)
	method, target := c.form.head(c, h, message)
	if method == http.MethodGet {
		body = nil
	}
	request, err := http.NewRequestWithContext(a.ctx, method, c.at.base+target, body)
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header = h
	a.ran.Go(func() {
		response, err := c.at.transport.RoundTrip(request) //nolint:bodyclose // close does
		a.response = response
		a.result <- err
	})
}

func (a *httpCall) send(text string) {
	if a.cell.form.body == nil {
		a.begin(nil, text)
		return
	}
	data := a.cell.form.body(a.cell, text, a.sent)
	a.sent++
	if a.pipe != nil {
		_, _ = a.pipe.Write(data) // the answer says what went wrong
		return
	}
	a.whole.Write(data)
}

func (a *httpCall) end() {
	if a.pipe == nil {
		if !a.begun {
			a.begin(bytes.NewReader(a.whole.Bytes()), "")
		}
		return
	}
	_, _ = io.WriteString(a.pipe, a.cell.form.end(a.sent)) // likewise
	_ = a.pipe.Close()
}

func (a *httpCall) receive() (string, bool) {
	if a.body == nil {
		if err := <-a.result; err != nil {
			a.verdict.code = codes.Unavailable
			return a.cutOff(err)
		}
		a.body = bufio.NewReader(a.response.Body)
		if strings.Contains(a.response.Header.Get("Content-Type"), "grpc-web-text") {
			a.body = bufio.NewReader(&unitReader{from: bufio.NewReader(a.response.Body)})
		}
		a.verdict.http, a.verdict.header, a.verdict.contentType = a.response.StatusCode, a.response.Header, a.response.Header.Get("Content-Type")
	}
	return a.cell.form.next(a)
}

func (a *httpCall) leave() { a.cancel() }

func (a *httpCall) close() {
	a.cancel()
	if a.pipe != nil {
		_ = a.pipe.CloseWithError(context.Canceled)
	}
	a.ran.Wait()
	if a.response != nil {
		_ = a.response.Body.Close()
	}
}

func (a *httpCall) settled() *verdict {
	a.verdict.packed = a.packed
	return &a.verdict
}

// unitReader decodes base64 with padding in its middle.
type unitReader struct {
	from *bufio.Reader
	left []byte
}

func (u *unitReader) Read(p []byte) (int, error) {
	if len(u.left) == 0 {
		unit := make([]byte, 4)
		if _, err := io.ReadFull(u.from, unit); err != nil {
			return 0, err
		}
		var err error
		if u.left, err = base64.StdEncoding.DecodeString(string(unit)); err != nil {
			return 0, err
		}
	}
	n := copy(p, u.left)
	u.left = u.left[n:]
	return n, nil
}

// message takes a message.
func (a *httpCall) message(data []byte) (string, bool) {
	text, err := a.cell.form.text(data)
	if err != nil {
		return a.cutOff(fmt.Errorf("a message is %q: %w", data, err))
	}
	a.verdict.messages = append(a.verdict.messages, text)
	return text, true
}

// cutOff settles the verdict on an answer that is not whole.
func (a *httpCall) cutOff(err error) (string, bool) {
	a.verdict.cut, a.verdict.why = true, err
	if a.verdict.code == codes.OK {
		a.verdict.code = codes.Internal
	}
	return "", false
}

// ends settles it where an answer ends that has no words for its end: well, if HTTP says so and nothing is left.
func (a *httpCall) ends(left int, err error) (string, bool) {
	if left > 0 || !errors.Is(err, io.EOF) {
		return a.cutOff(fmt.Errorf("with %d bytes that are no message: %w", left, err))
	}
	a.verdict.trailer = a.response.Trailer
	return "", false
}

// failed settles it by an error in JSON: a google.rpc.Status, or Connect's own.
func (a *httpCall) failed(body []byte) (string, bool) {
	v := &a.verdict
	if !strings.HasPrefix(a.cell.form.name, "Connect") {
		st := &status.Status{}
		if err := protojson.Unmarshal(body, st); err != nil {
			return a.cutOff(fmt.Errorf("the error is %q: %w", body, err))
		}
		return a.status(st)
	}
	var e struct {
		Code, Message string
		Details       []struct{ Type, Value string }
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return a.cutOff(fmt.Errorf("the error is %q: %w", body, err))
	}
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		if gatewaystatus.ConnectName(code) == e.Code {
			v.code = code
		}
	}
	v.text = e.Message
	for _, d := range e.Details {
		value, err := base64.RawStdEncoding.DecodeString(d.Value)
		if err != nil {
			return a.cutOff(err)
		}
		v.details = append(v.details, &anypb.Any{TypeUrl: "type.googleapis.com/" + d.Type, Value: value})
	}
	if v.code == codes.OK {
		return a.cutOff(fmt.Errorf("the error is %q", body))
	}
	return "", false
}

func (a *httpCall) status(st *status.Status) (string, bool) {
	if st.GetCode() == 0 {
		return a.cutOff(errors.New("an error has no code"))
	}
	a.verdict.code, a.verdict.text, a.verdict.details = codes.Code(st.GetCode()), st.GetMessage(), st.GetDetails() //nolint:gosec // codes are small
	return "", false
}

// grpcStatus settles it by gRPC's trailers.
func (a *httpCall) grpcStatus() (string, bool) {
	h := a.verdict.trailer
	code, err := strconv.ParseUint(h.Get("Grpc-Status"), 10, 8)
	if err != nil || len(h.Values("Grpc-Status")) != 1 {
		return a.cutOff(fmt.Errorf("grpc-status is %q: %w", h.Values("Grpc-Status"), err))
	}
	a.verdict.code, a.verdict.text = codes.Code(code), percent.Decode(h.Get("Grpc-Message"))
	if data := h.Get("Grpc-Status-Details-Bin"); data != "" {
		st := &status.Status{}
		raw, err := wire.DecodeBinary(data)
		if err == nil {
			err = proto.Unmarshal(raw, st)
		}
		if err != nil || codes.Code(st.GetCode()) != a.verdict.code { //nolint:gosec // codes are small
			return a.cutOff(fmt.Errorf("the details are %v: %w", st, err))
		}
		a.verdict.details = st.GetDetails()
	}
	return "", false
}

// socketCall is a call over a WebSocket.
type socketCall struct {
	cell    *cell
	ctx     context.Context //nolint:containedctx // the cell's
	conn    *ws.Conn
	verdict verdict
}

func (c *cell) callSocket(ctx context.Context) *socketCall {
	h := http.Header{}
	c.fields(h.Add)
	if c.timeout > 0 {
		h.Set("X-Server-Timeout", fmt.Sprint(c.timeout.Seconds()))
	}
	conn, response, err := ws.Dial(ctx, c.at.base+c.kind.path, &ws.DialOptions{
		Subprotocols: []string{map[bool]string{true: "dragoman.json", false: "dragoman.proto"}[c.form.json]}, HTTPHeader: h,
		HTTPClient: &http.Client{Transport: c.at.transport},
	})
	if response != nil && response.Body != nil {
		_ = response.Body.Close()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	conn.SetReadLimit(-1)
	return &socketCall{cell: c, ctx: ctx, conn: conn, verdict: verdict{http: response.StatusCode, header: response.Header}}
}

func (k *socketCall) send(text string) {
	kind := ws.MessageBinary
	if k.cell.form.json {
		kind = ws.MessageText
	}
	_ = k.conn.Write(k.ctx, kind, k.cell.form.message(k.cell.t, text)) // the end says what went wrong
}

func (k *socketCall) end() {
	if k.cell.kind.client {
		_ = k.conn.Write(k.ctx, ws.MessageText, nil)
	}
}

func (k *socketCall) receive() (string, bool) {
	kind, data, err := k.conn.Read(k.ctx)
	if err != nil {
		closed, ok := errors.AsType[ws.CloseError](err)
		switch {
		case ok && closed.Code == ws.StatusNormalClosure:
		case ok && closed.Code > 4000 && closed.Code < 4100:
			k.verdict.code, k.verdict.text = codes.Code(closed.Code-4000), closed.Reason //nolint:gosec // codes are small
		default:
			k.verdict.cut, k.verdict.why, k.verdict.code = true, err, codes.Internal
		}
		return "", false
	}
	if (kind == ws.MessageText) != k.cell.form.json {
		k.cell.t.Errorf("an answer is a frame of kind %v", kind)
	}
	text, err := k.cell.form.text(data)
	if err != nil {
		k.cell.t.Errorf("a message is %q: %v", data, err)
	}
	k.verdict.messages = append(k.verdict.messages, text)
	return text, true
}

func (k *socketCall) leave()            { _ = k.conn.CloseNow() }
func (k *socketCall) close()            { _ = k.conn.CloseNow() }
func (k *socketCall) settled() *verdict { return &k.verdict }

// thing is a detail of errors.
var thing = &testv1.Thing{Name: "n", Size: 7}
