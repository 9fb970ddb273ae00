// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	ws "github.com/coder/websocket"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/cors"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// talk is a WebSocket as a client has it.
type talk struct {
	t    testing.TB
	conn *ws.Conn
	ctx  context.Context //nolint:containedctx // the test's
}

// connect opens a WebSocket; fields alternate names and values.
func (d *dragoman) connect(t testing.TB, target string, subprotocols []string, fields ...string) *talk {
	t.Helper()
	k, a, err := d.tryConnect(t, target, subprotocols, fields...)
	if err != nil {
		t.Fatalf("%v, %+v", err, a)
	}
	return k
}

func (d *dragoman) tryConnect(t testing.TB, target string, subprotocols []string, fields ...string) (*talk, answer, error) {
	t.Helper()
	h := http.Header{}
	for i := 0; i < len(fields); i += 2 {
		h.Add(fields[i], fields[i+1])
	}
	ctx := within(t)
	conn, response, err := ws.Dial(ctx, "ws://"+d.address+target, &ws.DialOptions{Subprotocols: subprotocols, HTTPHeader: h})
	var a answer
	if response != nil {
		a = answer{status: response.StatusCode, header: response.Header}
		if err != nil && response.Body != nil {
			body, errBody := io.ReadAll(response.Body) // of which the library has kept the beginning
			if errBody = errors.Join(errBody, response.Body.Close()); errBody != nil {
				t.Fatal(errBody)
			}
			a.body = string(body)
		}
	}
	if err != nil {
		return nil, a, err
	}
	conn.SetReadLimit(-1)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &talk{t: t, conn: conn, ctx: ctx}, a, nil
}

func (k *talk) send(text string) {
	k.t.Helper()
	if err := k.conn.Write(k.ctx, ws.MessageText, []byte(text)); err != nil {
		k.t.Fatal(err)
	}
}

// next returns the next message; kind is what it must be.
func (k *talk) next(kind ws.MessageType) string {
	k.t.Helper()
	got, data, err := k.conn.Read(k.ctx)
	if err != nil || got != kind {
		k.t.Fatalf("%v, %v: %s", got, err, data)
	}
	return string(data)
}

// ends reads the end.
func (k *talk) ends(code int, reason string) {
	k.t.Helper()
	_, data, err := k.conn.Read(k.ctx)
	closed, ok := errors.AsType[ws.CloseError](err)
	if !ok || int(closed.Code) != code || !strings.Contains(closed.Reason, reason) {
		k.t.Errorf("it ends with %v after %q; want %d %q", err, data, code, reason)
	}
}

func seenIn(t testing.TB, text string) *testv1.Seen {
	t.Helper()
	m := &testv1.CanaryResponse{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal([]byte(text), m); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return m.GetSeen()
}

// TestT144_EveryKind: all four kinds, in JSON, by the path of the method and by routes.
func TestT144_EveryKind(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	t.Run("unary", func(t *testing.T) {
		t.Parallel()
		k := d.connect(t, "/dragoman.test.v1.EchoService/Echo", nil, "x-own", "1")
		k.send(`{"text":"a"}`)
		seen := seenIn(t, k.next(ws.MessageText))
		if seen.GetRequestJson() != `{"text":"a"}` || !slices.Equal(metadataOf(seen, "x-own"), []string{"1"}) {
			t.Errorf("%v", seen)
		}
		k.ends(1000, "")
	})
	t.Run("unary by a route without a body", func(t *testing.T) {
		t.Parallel()
		k := d.connect(t, "/canary/v1/users/7?text=x", nil)
		if seen := seenIn(t, k.next(ws.MessageText)); seen.GetRequestJson() != `{"userId":"7","text":"x"}` {
			t.Errorf("%v", seen)
		}
		k.ends(1000, "")
	})
	t.Run("server stream", func(t *testing.T) {
		t.Parallel()
		k := d.connect(t, "/canary/v1/stream?behavior.messages=3", nil)
		for i := range 3 {
			if seen := seenIn(t, k.next(ws.MessageText)); seen.GetSequence() != int32(i)+1 { //nolint:gosec // few messages
				t.Errorf("%v", seen)
			}
		}
		k.ends(1000, "")
	})
	t.Run("client stream", func(t *testing.T) {
		t.Parallel()
		k := d.connect(t, "/test/v1/collect/p", nil)
		k.send(`{"name":"a"}`)
		k.send(`{"name":"b"}`)
		k.send("")
		m := &testv1.BindResponse{}
		if err := protojson.Unmarshal([]byte(k.next(ws.MessageText)), m); err != nil || m.GetSeen().GetSequence() != 2 {
			t.Errorf("%v, %v", m, err)
		}
		k.ends(1000, "")
	})
	t.Run("bidi", func(t *testing.T) {
		t.Parallel()
		k := d.connect(t, "/test/v1/converse/p", []string{"dragoman.json"})
		if got := k.conn.Subprotocol(); got != "dragoman.json" {
			t.Errorf("subprotocol %q", got)
		}
		for i, want := range []string{`{"parent":"p","text":"0"}`, `{"text":"1"}`, `{"text":"2"}`} {
			k.send(`{"text":"` + string(rune('0'+i)) + `"}`)
			m := &testv1.BindResponse{}
			if err := protojson.Unmarshal([]byte(k.next(ws.MessageText)), m); err != nil || m.GetSeen().GetRequestJson() != want {
				t.Errorf("%s, %v; want %s", m.GetSeen().GetRequestJson(), err, want)
			}
		}
		k.send("")
		k.ends(1000, "")
	})
	t.Run("response_body", func(t *testing.T) {
		t.Parallel()
		k := d.connect(t, "/test/v1/streams/repeat-text?text=x&behavior.messages=1", nil)
		if got := k.next(ws.MessageText); got != `"x"` {
			t.Errorf("%s", got)
		}
		k.ends(1000, "")
	})
	t.Run("protobuf", func(t *testing.T) {
		t.Parallel()
		k := d.connect(t, "/dragoman.test.v1.EchoService/Converse", []string{"nonsense", "dragoman.proto", "dragoman.json"})
		data, err := proto.Marshal(&testv1.CanaryRequest{Text: "a"})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []bool{false, true} { // each frame says itself what it is
			kind, message := ws.MessageBinary, data
			if text {
				kind, message = ws.MessageText, []byte(`{"text":"a"}`)
			}
			if err := k.conn.Write(k.ctx, kind, message); err != nil {
				t.Fatal(err)
			}
			m := &testv1.CanaryResponse{}
			if err := proto.Unmarshal([]byte(k.next(ws.MessageBinary)), m); err != nil || m.GetSeen().GetRequestJson() != `{"text":"a"}` {
				t.Errorf("text %t: %v, %v", text, m, err)
			}
		}
		k.send("")
		k.ends(1000, "")
	})
}

// TestT144_Errors: the close frame says what went wrong, and who is refused beforehand gets an HTTP status.
func TestT144_Errors(t *testing.T) {
	t.Parallel()
	d := start(t, func(cfg *config.Config) { cfg.Listeners[0].MaxMessage = 1000 })
	const echo = "/dragoman.test.v1.EchoService/"
	for _, r := range []struct {
		reason, target, send string
		code                 int
		says                 string
	}{
		{"of the backend", echo + "Echo", `{"behavior":{"status":{"code":9,"message":"broke"}}}`, 4009, "broke"},
		{"of the backend, behind a message", echo + "Stream", `{"behavior":{"messages":1,"status":{"code":14,"message":"gone"}}}`, 4014, "gone"},
		{"a long message", echo + "Echo", `{"behavior":{"status":{"code":9,"message":"` + strings.Repeat("ä", 100) + `"}}}`, 4009, strings.Repeat("ä", 61)},
		{"no JSON", echo + "Echo", "{", 4003, "JSON"},
		{"an unknown field", echo + "Echo", `{"nope":1}`, 4003, "nope"},
		{"too large", echo + "Echo", `{"text":"` + strings.Repeat("a", 2000) + `"}`, 4008, "larger than the limit"},
		{"no message", echo + "Echo", "", 4012, "no message"},
		{"a contradiction of the path", "/test/v1/converse/p", `{"parent":"q"}`, 4003, "parent"},
	} {
		k := d.connect(t, r.target, nil)
		k.send(r.send)
		if strings.Contains(r.send, `"messages":1`) {
			k.next(ws.MessageText)
		}
		k.ends(r.code, r.says)
	}
	k := d.connect(t, "/test/v1/converse/p", nil)
	if err := k.conn.Write(k.ctx, ws.MessageBinary, nil); err != nil {
		t.Fatal(err)
	}
	k.ends(4003, "text frames")
	k = d.connect(t, echo+"Converse", nil)
	k.send("")
	k.send(`{}`)
	_, _, err := k.conn.Read(k.ctx)
	if _, ok := errors.AsType[ws.CloseError](err); !ok {
		t.Errorf("a message behind the end: %v", err)
	}
	a, err := d.rawH1(t, "GET "+echo+"Echo HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	if err != nil || a.status != 400 || a.header.Get("Sec-Websocket-Version") != "13" {
		t.Errorf("another version: %+v, %v", a, err)
	}

	for _, r := range []struct {
		reason, target string
		subprotocols   []string
		fields         []string
		status         int
		says           string
	}{
		{"no route", "/nowhere", nil, nil, 404, "no_route"},
		{"a bad path", "/canary/v1/users/%00", nil, nil, 400, "bad_path_param"},
		{"unknown subprotocols", echo + "Echo", []string{"graphql-ws"}, nil, 400, "unsupported"},
		{"a token alone", echo + "Echo", []string{"bearer.abc"}, nil, 400, "bad_header"},
		{"two tokens", echo + "Echo", []string{"bearer.abc", "bearer.def", "dragoman.json"}, nil, 400, "bad_header"},
		{"a query where no route is", echo + "Echo?text=x", nil, nil, 400, "bad_query"},
		{"another page", echo + "Echo", nil, []string{"origin", "https://evil.example"}, 403, "origin_not_allowed"},
		{"a sandboxed page", echo + "Echo", nil, []string{"origin", "null"}, 403, "origin_not_allowed"},
	} {
		_, a, err := d.tryConnect(t, r.target, r.subprotocols, r.fields...)
		if err == nil || a.status != r.status || a.header.Get("X-Dragoman-Reason") != r.says {
			t.Errorf("%s: %v, %+v; want %d %s", r.reason, err, a, r.status, r.says)
		}
	}
}

// TestT142_WhatThePathBinds: into the first message, or by option into each.
func TestT142_WhatThePathBinds(t *testing.T) {
	t.Parallel()
	for _, every := range []bool{false, true} {
		d := start(t, restPolicy(config.REST{BindEvery: &every}))
		k := d.connect(t, "/test/v1/converse/p", nil)
		for n := range 2 {
			want := `{"text":"x"}`
			if n == 0 || every {
				want = `{"parent":"p","text":"x"}`
			}
			k.send(`{"text":"x"}`)
			m := &testv1.BindResponse{}
			if err := protojson.Unmarshal([]byte(k.next(ws.MessageText)), m); err != nil || m.GetSeen().GetRequestJson() != want {
				t.Errorf("every %t: message %d is %s, %v; want %s", every, n, m.GetSeen().GetRequestJson(), err, want)
			}
		}
		k.send("")
		k.ends(1000, "")
	}
}

// TestT174_DeadlineOfWebSocket: a client that can set fields says how long it waits, as one of REST does.
func TestT174_DeadlineOfWebSocket(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, field := range [][]string{{"x-server-timeout", "1.5"}, {"grpc-timeout", "1500m"}, {"connect-timeout-ms", "1500"}, {"x-server-timeout", "9", "grpc-timeout", "1500m"}} {
		t.Run(strings.Join(field, " "), func(t *testing.T) {
			t.Parallel()
			k := d.connect(t, echo+"Converse", nil, field...)
			k.send(`{}`)
			if left := seenIn(t, k.next(ws.MessageText)).GetDeadlineLeft().AsDuration(); left <= 0 || left > 1500*time.Millisecond { // T175
				t.Errorf("the backend had %s", left)
			}
			k.ends(4004, "deadline")
		})
	}
	_, a, err := d.tryConnect(t, echo+"Echo", nil, "x-server-timeout", "NaN") // T173
	if err == nil || a.status != 400 || a.header.Get("X-Dragoman-Reason") != "bad_header" {
		t.Errorf("malformed: %v, %+v", err, a)
	}
}

// TestT144_TokenAndOrigin: a token by way of the subprotocols; pages that CORS lets in, and those of the same origin.
func TestT144_TokenAndOrigin(t *testing.T) {
	t.Parallel()
	d := start(t, func(cfg *config.Config) { cfg.Defaults.CORS = &cors.Config{AllowOrigins: []string{page}} })
	for _, origin := range []string{page, "http://" + d.address, ""} {
		var fields []string
		if origin != "" {
			fields = []string{"origin", origin}
		}
		k := d.connect(t, "/dragoman.test.v1.EchoService/Echo", []string{"bearer.a.b-c_d", "dragoman.json"}, fields...)
		if got := k.conn.Subprotocol(); got != "dragoman.json" {
			t.Errorf("subprotocol %q", got)
		}
		k.send(`{}`)
		seen := seenIn(t, k.next(ws.MessageText))
		if got := metadataOf(seen, "authorization"); !slices.Equal(got, []string{"Bearer a.b-c_d"}) {
			t.Errorf("authorization is %q", got)
		}
		for _, m := range seen.GetMetadata() {
			if strings.HasPrefix(m.GetKey(), "sec-") {
				t.Errorf("%s reached the backend", m.GetKey())
			}
		}
		k.ends(1000, "")
	}
	if strings.Contains(d.access.String(), "a.b-c_d") || strings.Contains(d.log.String(), "a.b-c_d") {
		t.Error("the token is in a log")
	}
}

// TestT144_T140_ClientsThatGo: the backend's call ends when the client does, politely or not, and when it answers no ping.
func TestT144_T140_ClientsThatGo(t *testing.T) {
	t.Parallel()
	d := start(t, func(cfg *config.Config) { cfg.Listeners[0].Heartbeat = 5 * time.Millisecond })
	const method = "/dragoman.test.v1.EchoService/Converse"
	for i, leave := range []func(*talk){
		func(k *talk) { _ = k.conn.Close(ws.StatusGoingAway, "") },
		func(k *talk) { _ = k.conn.CloseNow() },
	} {
		k := d.connect(t, method, nil)
		k.send(`{}`)
		k.next(ws.MessageText)
		// Pings are answered while the client reads.
		reading, stop := context.WithTimeout(k.ctx, 50*time.Millisecond)
		_, _, _ = k.conn.Read(reading)
		stop()
		leave(k)
		if _, err := d.backend.Wait(within(t), method, func(n testbackend.Counts) bool { return n.Running == 0 && n.Cancelled == i+1 }); err != nil {
			t.Error(err)
		}
	}
}

// TestT146_WebSocketsAreTold: at the end of the drain a conversation is closed with UNAVAILABLE.
func TestT146_WebSocketsAreTold(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Shutdown.Drain = 50 * time.Millisecond })
	k := d.connect(t, "/dragoman.test.v1.EchoService/Converse", nil)
	k.send(`{}`)
	k.next(ws.MessageText)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		k.ends(4014, "shutting down")
	}()
	if err := d.stopsBadly(t, patience); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the drain ended with %v", err)
	}
	<-ended
}
