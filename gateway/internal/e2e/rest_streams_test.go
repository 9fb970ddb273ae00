// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	ws "github.com/coder/websocket"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

const repeat = "/test/v1/streams/repeat"

// lines splits an answer of JSON lines.
func lines(t testing.TB, body string) []string {
	t.Helper()
	if body == "" {
		return nil
	}
	rest, ok := strings.CutSuffix(body, "\n")
	if !ok {
		t.Errorf("the last line has no end: %q", body)
	}
	return strings.Split(rest, "\n")
}

// TestT132_T133_Records: a record is a message on a line of its own, without a wrapper.
func TestT132_T133_Records(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, c := range d.both(t) {
		t.Run(c.name, func(t *testing.T) {
			a := c.call(t, "POST", repeat, `{"text":"two\nlines","behavior":{"messages":5}}`)
			records := lines(t, a.body)
			if a.status != 200 || a.header.Get("Content-Type") != "application/x-ndjson" || a.header.Get("X-Content-Type-Options") != "nosniff" || len(records) != 5 { // T131
				t.Fatalf("%d %v, %d records", a.status, a.header, len(records))
			}
			for i, r := range records {
				m := fromJSON(t, r, &testv1.BindResponse{})
				if m.GetSeen().GetSequence() != int32(i)+1 || m.GetText() != "two\nlines" { //nolint:gosec // few records
					t.Errorf("record %d: %s", i, r)
				}
			}
			if a := c.call(t, "GET", "/test/v1/streams/repeat-thing?thing.name=x&behavior.messages=2", ""); a.body != strings.Repeat(`{"name":"x","title":"","size":0,"tags":[],"labels":{},"color":"COLOR_UNSPECIFIED","count":"0"}`+"\n", 2) {
				t.Errorf("response_body message: %q", a.body)
			}
			if a := c.call(t, "GET", "/test/v1/streams/repeat-text?text=x&behavior.messages=2", ""); a.body != "\"x\"\n\"x\"\n" {
				t.Errorf("response_body text: %q", a.body)
			}
			// T135: none at all.
			if a := c.call(t, "POST", repeat, `{"behavior":{"noMessage":true}}`); a.status != 200 || a.body != "" || a.header.Get("Content-Type") != "application/x-ndjson" {
				t.Errorf("empty stream: %d %q %v", a.status, a.body, a.header)
			}
		})
	}
}

// stepper is a backend whose streams send a message for each step, and end as the last one says.
type stepper struct {
	address string
	steps   chan func(grpc.ServerStream) error // a nil func ends the stream well
	ended   chan error                         // the context's error at the end of each call
}

func newStepper(t testing.TB) *stepper {
	s := &stepper{steps: make(chan func(grpc.ServerStream) error), ended: make(chan error, 100)}
	s.address = misbehave(t, func(_ string, ss grpc.ServerStream) error {
		defer func() { s.ended <- ss.Context().Err() }()
		for {
			select {
			case step := <-s.steps:
				if step == nil {
					return nil
				}
				if err := step(ss); err != nil {
					return err
				}
			case <-ss.Context().Done():
				return ss.Context().Err()
			}
		}
	})
	return s
}

// step makes the backend do something; it fails the test if no call takes it.
func (s *stepper) step(t testing.TB, do func(grpc.ServerStream) error) {
	t.Helper()
	select {
	case s.steps <- do:
	case <-within(t).Done():
		t.Fatal("no call of the backend takes the step")
	}
}

// send makes the backend send a message.
func (s *stepper) send(t testing.TB, data string) {
	t.Helper()
	s.step(t, func(ss grpc.ServerStream) error { return ss.SendMsg(raw(data)) })
}

// fail makes the backend end its call.
func (s *stepper) fail(t testing.TB, code codes.Code, message string) {
	t.Helper()
	s.step(t, func(grpc.ServerStream) error { return status.Error(code, message) })
}

// wantCancelled waits for the end of a call and fails unless it was cancelled, within a second of from.
func (s *stepper) wantCancelled(t testing.TB, from time.Time) {
	t.Helper()
	select {
	case err := <-s.ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the backend's call ended with %v; want cancelled", err)
		}
		if took := time.Since(from); took > time.Second {
			t.Errorf("the backend's call was cancelled after %s; want at most 1s", took)
		}
	case <-within(t).Done():
		t.Fatal("the backend's call goes on")
	}
}

// text is a BindResponse with a text.
func text(s string) string { return "\x1a" + string(rune(len(s))) + s }

// TestT133_EachRecordIsFlushed: the client has each record before the backend sends the next.
func TestT133_EachRecordIsFlushed(t *testing.T) {
	t.Parallel()
	s := newStepper(t)
	d := startFor(t, s.address, nil)
	for _, c := range d.both(t) {
		t.Run(c.name, func(t *testing.T) {
			answers := c.open(t, c.request(t, "GET", "/test/v1/streams/repeat-text", "")) //nolint:bodyclose // it is closed when the test ends
			s.send(t, text("0"))                                                          // the head waits for this one (T134)
			response := <-answers
			if response == nil {
				return
			}
			r := bufio.NewReader(response.Body)
			for i := range 5 {
				line, err := r.ReadString('\n')
				if err != nil || line != fmt.Sprintf("\"%d\"\n", i) {
					t.Fatalf("record %d: %q, %v", i, line, err)
				}
				if i < 4 {
					s.send(t, text(fmt.Sprint(i+1)))
				}
			}
			s.step(t, nil)
			if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
				t.Errorf("behind the last record: %q, %v", rest, err)
			}
			<-s.ended
		})
	}
}

// TestT134_T136_ErrorsOfStreams: before the first record an error is an answer of its own, behind it the last line.
func TestT134_T136_ErrorsOfStreams(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, c := range d.both(t) {
		t.Run(c.name, func(t *testing.T) {
			a := c.call(t, "POST", repeat, `{"behavior":{"status":{"code":7,"message":"no"},"headerFirst":true,"header":[{"key":"x-a","values":["1"]}]}}`)
			if st := statusBody(t, a); a.status != 403 || st.GetCode() != 7 || st.GetMessage() != "no" || a.header.Get("X-A") != "1" {
				t.Errorf("before the first record: %d %s %v", a.status, a.body, a.header)
			}
			a = c.call(t, "POST", repeat, `{"behavior":{"messages":2,"status":{"code":7,"message":"no\nmore","details":[{"@type":"type.googleapis.com/dragoman.test.v1.Thing","name":"n"}]},"trailer":[{"key":"x-t","values":["1"]}]}}`)
			records := lines(t, a.body)
			const want = `{"error":{"code":7,"message":"no\nmore","details":[{"@type":"type.googleapis.com/dragoman.test.v1.Thing","name":"n"}]}}`
			if a.status != 200 || len(records) != 3 || records[2] != want {
				t.Errorf("behind the first: %d, %d records, the last one\n%s\nwant\n%s", a.status, len(records), records[len(records)-1], want)
			}
			if c.name == "h2c" && a.trailer.Get("X-T") != "1" { // T168
				t.Errorf("trailers are %v", a.trailer)
			}
		})
	}
}

// TestT126_T128_Downloads: pieces of a body come one behind the other, and what fails midway does not look whole.
func TestT126_T128_Downloads(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	s := newStepper(t)
	broken := startFor(t, s.address, nil)
	for i, c := range d.both(t) {
		t.Run(c.name, func(t *testing.T) {
			for _, target := range []string{"/test/v1/streams/download", "/test/v1/streams/download-field"} {
				a := c.call(t, "GET", target+"?behavior.messages=7&file.content_type=text/csv&file.data=YSxiCmMsZAplLGYK", "")
				if a.status != 200 || a.body != "a,b\nc,d\ne,f\n" || a.header.Get("Content-Type") != "text/csv" {
					t.Errorf("%s: %d %q %v", target, a.status, a.body, a.header)
				}
			}
			c := broken.both(t)[i]
			answers := c.open(t, c.request(t, "GET", "/test/v1/streams/download", "")) //nolint:bodyclose // it is closed when the test ends
			s.send(t, "\x0a\x03a/b\x12\x04\x01\n\xff.")
			response := <-answers
			if response == nil {
				return
			}
			s.send(t, "\x12\x03end")
			s.fail(t, codes.DataLoss, "disk")
			body, err := io.ReadAll(response.Body)
			if string(body) != "\x01\n\xff.end" || err == nil || response.Header.Get("Content-Type") != "a/b" {
				t.Errorf("cut off: %q %v, %v", body, response.Header, err)
			}
			switch c.name {
			case "h2c":
				var reset http2.StreamError
				if !errors.As(err, &reset) && !strings.Contains(err.Error(), "stream error") {
					t.Errorf("the stream was not reset: %v", err)
				}
			case "HTTP/3":
				if reset, ok := errors.AsType[*http3.Error](err); !ok || !reset.Remote || reset.ErrorCode != http3.ErrCodeInternalError {
					t.Errorf("the stream was not reset: %v", err)
				}
			default:
				if !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("the body has its final chunk: %v", err)
				}
			}
			<-s.ended
		})
	}
}

// TestT140_ClientGoesAway: the backend's call is cancelled within a second, whether or not anything flows.
func TestT140_ClientGoesAway(t *testing.T) {
	s := newStepper(t)
	d := startFor(t, s.address, nil)
	for _, c := range d.both(t) {
		for _, tt := range []struct {
			name, method, target string
			sent                 int
		}{
			{"unary", "GET", "/test/v1/things/1", 0},
			{"unary with a body", "PUT", "/test/v1/things/1", 0},
			{"stream before its first record", "GET", "/test/v1/streams/repeat-text", 0},
			{"stream behind a record", "GET", "/test/v1/streams/repeat-text", 1},
		} {
			t.Run(tt.name+"/"+c.name, func(t *testing.T) {
				ctx, cancel := context.WithCancel(within(t))
				defer cancel()
				body := ""
				if tt.method == "PUT" {
					body = "{}"
				}
				r := c.request(t, tt.method, tt.target, body, "content-type", "application/json", "x-request-id", "T140."+strings.ReplaceAll(t.Name()[len("TestT140_ClientGoesAway/"):], "/", "."))
				done := make(chan struct{})
				got := make(chan struct{})
				go func() {
					defer close(done)
					response, err := c.http.Do(r.WithContext(ctx))
					if err != nil {
						return
					}
					defer func() { _ = response.Body.Close() }()
					if _, err := io.ReadFull(response.Body, make([]byte, 4)); err == nil {
						close(got)
					}
					_, _ = io.Copy(io.Discard, response.Body)
				}()
				if tt.sent > 0 {
					s.send(t, text("0"))
					<-got
				} else {
					s.step(t, func(grpc.ServerStream) error { return nil })
				}
				from := time.Now()
				cancel()
				s.wantCancelled(t, from)
				<-done
				id := r.Header.Get("X-Request-Id")
				if id = strings.ReplaceAll(id, "_", "_"); len(id) <= 64 && !strings.Contains(id, " ") { // T177
					if line := d.access.await(t, id); line.Status != 499 || line.Code != "CANCELLED" || line.Reason != "client_cancelled" {
						t.Errorf("the log has %+v", line)
					}
				}
			})
		}
	}
}

// TestT139_BackPressure: a client that reads nothing holds up the backend; what is in between is bounded.
func TestT139_BackPressure(t *testing.T) {
	var sent atomic.Int64
	const size, bound = 32 << 10, 16 << 20 // the bound is mostly the sockets' buffers
	address := misbehave(t, func(_ string, ss grpc.ServerStream) error {
		m := "\x12\x80\x80\x02" + strings.Repeat("x", size) // google.api.HttpBody.data
		for range 1 << 30 / size {
			if err := ss.SendMsg(raw(m)); err != nil {
				return err
			}
			sent.Add(size)
		}
		return nil
	})
	d := startFor(t, address, nil)
	for _, c := range d.both(t) {
		t.Run(c.name, func(t *testing.T) {
			sent.Store(0)
			response, err := c.http.Do(c.request(t, "GET", "/test/v1/streams/download", ""))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			before := steady(t, &sent)
			if before > bound {
				t.Errorf("the backend could send %d bytes to a client that reads none; want at most %d", before, bound)
			}
			// The stream is not stuck: reading lets more come.
			if _, err := io.CopyN(io.Discard, response.Body, before+bound); err != nil {
				t.Fatal(err)
			}
			if after := sent.Load(); after <= before {
				t.Errorf("the backend has sent %d bytes and then no more", after)
			}
		})
	}
}

// TestT139_SlowClients: whatever a client speaks that takes nothing, its backend is held up, what is in between is bounded, and when it has taken
// nothing for write_stall, the backend's call is cancelled.
func TestT139_SlowClients(t *testing.T) {
	t.Parallel()
	const (
		stall, slack = 2 * time.Second, 10 * time.Second
		size, bound  = 32 << 10, 16 << 20
	)
	for name, request := range map[string]string{
		"events":   "GET /test/v1/streams/repeat-text HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n",
		"array":    "GET /test/v1/streams/repeat-text HTTP/1.1\r\nhost: x\r\naccept: application/json\r\n\r\n",
		"gRPC-Web": "POST " + streams + "RepeatNoRule HTTP/1.1\r\nhost: x\r\ncontent-type: application/grpc-web-text\r\ncontent-length: 8\r\n\r\nAAAAAAA=",
		"Connect":  "POST " + streams + "RepeatNoRule HTTP/1.1\r\nhost: x\r\ncontent-type: application/connect+json\r\ncontent-length: 7\r\n\r\n\x00\x00\x00\x00\x02{}",
		"WebSocket": "GET /test/v1/streams/repeat-text HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n" +
			"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int64
			ended := make(chan error, 1)
			address := misbehave(t, func(_ string, ss grpc.ServerStream) error {
				defer func() { ended <- ss.Context().Err() }()
				for {
					if err := ss.SendMsg(raw("\x1a\x80\x80\x02" + strings.Repeat("x", size))); err != nil { // BindResponse.text
						return err
					}
					sent.Add(size)
				}
			})
			d := startFor(t, address, func(cfg *config.Config) { cfg.Listeners[0].WriteStall = stall })
			c := d.small(t)
			if _, err := io.WriteString(c, request); err != nil {
				t.Fatal(err)
			}
			from := time.Now()
			if before := steady(t, &sent); before > bound {
				t.Errorf("the backend could send %d bytes to a client that reads none; want at most %d", before, bound)
			}
			select {
			case err := <-ended:
				if took := time.Since(from); !errors.Is(err, context.Canceled) || took < stall || took > stall+slack {
					t.Errorf("the backend's call ended after %s with %v; want cancelled after %s", took, err, stall)
				}
			case <-within(t).Done():
				t.Error("the backend's call goes on")
			}
		})
	}
}

// steady waits until a counter has not moved for a while.
func steady(t testing.TB, n *atomic.Int64) int64 {
	t.Helper()
	const quiet = 300 * time.Millisecond
	last, since := n.Load(), time.Now()
	eventually(t, func() error {
		if now := n.Load(); now != last || now == 0 {
			last, since = now, time.Now()
		}
		if time.Since(since) < quiet {
			return errors.New("it still moves")
		}
		return nil
	})
	return last
}

// TestT127_Uploads: a body is passed on in pieces as it comes; the first message has what path and query say.
func TestT127_Uploads(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	size := 6 << 20 // more than a message may have
	for _, c := range d.both(t) {
		for _, tt := range []struct {
			target, rpc string
			chunked     bool
		}{
			{"/test/v1/streams/upload", streams + "Upload", false},
			{"/test/v1/streams/upload", streams + "Upload", true},
			{"/test/v1/streams/upload-field?name=x", streams + "UploadField", true},
			{"/test/v1/uploads/one:upload?parent=p", "/dragoman.test.v1.BeyondStreamService/UploadNamed", false},
		} {
			t.Run(fmt.Sprintf("%s/%s/chunked=%t", c.name, tt.target, tt.chunked), func(t *testing.T) {
				r := c.request(t, "POST", tt.target, "x", "content-type", "video/mp4")
				r.Body = io.NopCloser(io.LimitReader(pattern{}, int64(size)))
				if r.ContentLength = int64(size); tt.chunked {
					r.ContentLength = -1
				}
				a := c.do(t, r)
				if a.status != 200 {
					t.Fatalf("%d %s", a.status, a.body)
				}
				m := fromJSON(t, a.body, &testv1.BindResponse{})
				if m.GetCount() != int64(size) || m.GetSeen().GetSequence() < 2 {
					t.Errorf("the backend had %d bytes in %d messages", m.GetCount(), m.GetSeen().GetSequence())
				}
				if seen := d.backend.Last(tt.rpc); seen.GetDeadlineLeft() != nil { // T176
					t.Error("an upload has a deadline that nobody set")
				}
			})
		}
		t.Run(c.name+"/empty", func(t *testing.T) {
			a := c.call(t, "POST", "/test/v1/uploads/one:upload?parent=p", "", "content-type", "image/png")
			if a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			d.wantSeen(t, "/dragoman.test.v1.BeyondStreamService/UploadNamed", `{"name":"uploads/one","parent":"p","file":{"contentType":"image/png"}}`)
		})
		t.Run(c.name+"/small", func(t *testing.T) {
			a := c.call(t, "POST", "/test/v1/streams/upload-field?id=i&labels[a]=b", "hello", "content-type", "text/plain")
			if a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			d.wantSeen(t, streams+"UploadField", `{"id":"i","labels":{"a":"b"},"file":{"contentType":"text/plain","data":"aGVsbG8="}}`)
		})
	}
}

// pattern is an endless body.
type pattern struct{}

func (pattern) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte('a' + i%26)
	}
	return len(p), nil
}

// TestT127_UploadPieces: each piece is at the backend before the next is sent, and back-pressure reaches the client.
func TestT127_UploadPieces(t *testing.T) {
	pieces, ended := make(chan string), make(chan struct{}, 4)
	address := misbehave(t, func(_ string, ss grpc.ServerStream) error {
		defer func() { ended <- struct{}{} }()
		for {
			m := raw("")
			if err := ss.RecvMsg(m); err != nil {
				if errors.Is(err, io.EOF) {
					return ss.SendMsg(raw(text("done")))
				}
				return err
			}
			data, free := m.Bytes()
			piece := string(data)
			free()
			select {
			case pieces <- piece:
			case <-ss.Context().Done():
				return ss.Context().Err()
			}
		}
	})
	d := startFor(t, address, nil)
	for _, c := range d.both(t) {
		t.Run(c.name, func(t *testing.T) {
			body, w := io.Pipe()
			r := c.request(t, "POST", "/test/v1/streams/upload", "x", "content-type", "a/b")
			r.Body, r.ContentLength = body, -1
			answers := make(chan *answer, 1)
			go func() { answers <- c.do(t, r) }()
			for i, want := range []string{"\x0a\x03a/b\x12\x03one", "\x12\x03two", "\x12\x05three"} {
				if _, err := io.WriteString(w, []string{"one", "two", "three"}[i]); err != nil {
					t.Fatal(err)
				}
				if got := <-pieces; got != want {
					t.Errorf("piece %d is %q, want %q", i, got, want)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if a := <-answers; a.status != 200 || !strings.Contains(a.body, "done") {
				t.Errorf("%d %s", a.status, a.body)
			}
			<-ended

			// Nobody takes the pieces: the client cannot send for ever.
			ctx, cancel := context.WithCancel(within(t))
			defer cancel()
			var sent atomic.Int64
			r = c.request(t, "POST", "/test/v1/streams/upload", "x", "content-type", "a/b").WithContext(ctx)
			r.Body, r.ContentLength = io.NopCloser(counting{&sent}), -1
			done := make(chan struct{})
			go func() {
				defer close(done)
				if response, err := c.http.Do(r); err == nil {
					_ = response.Body.Close()
				}
			}()
			if n := steady(t, &sent); n > 16<<20 {
				t.Errorf("the client could send %d bytes that nobody takes", n)
			}
			cancel()
			<-done
			if c.name == "HTTP/1.1" {
				// A connection of HTTP/1.1 tells that its client is gone only behind what the client has sent. Nobody reads that
				// while the backend takes nothing; the idle time of streams bounds it (T145).
				for waiting := true; waiting; {
					select {
					case <-pieces:
					case <-ended:
						waiting = false
					}
				}
				return
			}
			from := time.Now()
			<-ended
			if took := time.Since(from); took > time.Second {
				t.Errorf("the backend's call was cancelled after %s; want at most 1s", took)
			}
		})
	}
}

// counting is an endless body that counts what was read of it.
type counting struct{ n *atomic.Int64 }

func (c counting) Read(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}

// TestT143_EarlyAnswers: a backend that has its answer before the upload is over does not have to wait for it.
func TestT143_EarlyAnswers(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, framing := range []string{"content-length: 100000", "content-length: 100000000", "transfer-encoding: chunked"} {
		for _, payload := range []int{0, 100_000} {
			for _, code := range []int{0, 7} {
				t.Run(fmt.Sprintf("%s/%d bytes/code %d", framing, payload, code), func(t *testing.T) {
					c := d.socket(t)
					first := "hello"
					if strings.HasPrefix(framing, "transfer") {
						first = "5\r\nhello\r\n"
					}
					_, err := fmt.Fprintf(c, "POST /test/v1/streams/upload-field?behavior.messages=1&behavior.payload_size=%d&behavior.status.code=%d HTTP/1.1\r\nhost: x\r\ncontent-type: a/b\r\n%s\r\n\r\n%s", payload, code, framing, first)
					if err != nil {
						t.Fatal(err)
					}
					began := time.Now()
					a, err := readH1(bufio.NewReader(c), "POST")
					if err != nil {
						t.Fatal(err)
					}
					if want := map[int]int{0: 200, 7: 403}[code]; a.status != want || len(a.body) < payload && code == 0 {
						t.Errorf("%d, %d bytes", a.status, len(a.body))
					}
					if took := time.Since(began); took > 5*time.Second {
						t.Errorf("the answer took %s", took)
					}
				})
			}
		}
	}
	t.Run("HTTP/2", func(t *testing.T) {
		p := d.probe(t)
		id := p.open(false, p.head("POST", "/test/v1/streams/upload-field?behavior.messages=1&behavior.payload_size=100000", "content-type", "a/b")...)
		p.must(p.framer.WriteData(id, false, []byte("hello")))
		if a, err := p.read(id); err != nil || a.status != 200 || len(a.body) < 100_000 {
			t.Errorf("%v, %d bytes", err, len(a.body))
		}
	})
}

// TestT128_UploadIsCutOff: an upload that breaks off is not taken for a whole one.
func TestT128_UploadIsCutOff(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, framing := range []string{"content-length: 100", "transfer-encoding: chunked"} {
		before := d.backend.Counts(streams + "Upload")
		c := d.socket(t)
		if _, err := fmt.Fprintf(c, "POST /test/v1/streams/upload HTTP/1.1\r\nhost: x\r\ncontent-type: a/b\r\n%s\r\n\r\n5\r\nhello\r\n", framing); err != nil {
			t.Fatal(err)
		}
		if _, err := d.backend.Wait(within(t), streams+"Upload", func(n testbackend.Counts) bool { return n.Running == 1 }); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		after, err := d.backend.Wait(within(t), streams+"Upload", func(n testbackend.Counts) bool { return n.Ended == before.Ended+1 })
		if err != nil || after.Cancelled != before.Cancelled+1 {
			t.Errorf("%s: %+v, %v: the call was not cancelled", framing, after, err)
		}
	}
}

// TestT152_UploadThatFailsBehindItsAnswer: the one answer of an upload waits for the status.
func TestT152_UploadThatFailsBehindItsAnswer(t *testing.T) {
	t.Parallel()
	serve := failsAfter(status.Error(codes.Aborted, "late"), text("ok"))
	d := startFor(t, misbehave(t, serve), nil)
	for _, c := range d.both(t) {
		if a := c.call(t, "POST", "/test/v1/streams/upload", "x", "content-type", "a/b"); a.status != 409 || statusBody(t, a).GetCode() != 10 {
			t.Errorf("%s: a message, then ABORTED: %d %s", c.name, a.status, a.body)
		}
	}
	two := startFor(t, misbehave(t, sends("", "")), nil)
	for _, c := range two.both(t) { // T153
		if a := c.call(t, "POST", "/test/v1/streams/upload", "x", "content-type", "a/b"); a.status != 500 || statusBody(t, a).GetCode() != 13 {
			t.Errorf("%s: two messages: %d %s", c.name, a.status, a.body)
		}
	}
	none := startFor(t, misbehave(t, sends()), nil)
	for _, c := range none.both(t) {
		if a := c.call(t, "POST", "/test/v1/streams/upload", "x", "content-type", "a/b"); a.status != 500 || statusBody(t, a).GetCode() != 13 {
			t.Errorf("%s: no message: %d %s", c.name, a.status, a.body)
		}
	}
}

// TestT145_Total: a stream ends when it has lasted its time, although it never rests, in every form.
func TestT145_Total(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Defaults.Deadline.StreamTimeout = 500 * time.Millisecond })
	for _, c := range d.both(t) {
		a := c.call(t, "POST", repeat, `{"behavior":{"messages":100000,"sleep":"0.02s"}}`)
		if records := lines(t, a.body); a.status != 200 || len(records) < 3 || !strings.HasPrefix(records[len(records)-1], `{"error":{"code":4,`) {
			t.Errorf("%s: %d, %d records, the last %s", c.name, a.status, len(records), records[len(records)-1])
		}
	}
	talk, err := testv1.NewEchoServiceClient(d.dial(t)).Converse(within(t))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		if err = talk.Send(&testv1.CanaryRequest{}); err == nil {
			_, err = talk.Recv()
		}
	}
	if errors.Is(err, io.EOF) {
		_, err = talk.Recv()
	}
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("gRPC: %v", err)
	}
	k := d.connect(t, echo+"Converse", nil)
	k.send(`{}`)
	k.next(ws.MessageText)
	k.ends(4004, "")
}

// TestT145_Idle: a stream in which nothing moves ends after its idle time; the timeout of unary calls is not for it.
func TestT145_Idle(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		c.Defaults.Deadline.Timeout, c.Defaults.Deadline.StreamIdle = 50*time.Millisecond, 600*time.Millisecond
	})
	for _, c := range d.both(t) {
		// 5 records, 200 ms apart: longer than both limits, but never idle.
		a := c.call(t, "POST", repeat, `{"behavior":{"messages":5,"sleep":"0.2s"}}`)
		if records := lines(t, a.body); a.status != 200 || len(records) != 5 || strings.Contains(a.body, `"error"`) {
			t.Errorf("%s: %d, %d records", c.name, a.status, len(records))
		}
		a = c.call(t, "POST", repeat, `{"behavior":{"messages":2,"sleep":"10s"}}`)
		if a.status != 504 || a.header.Get("X-Dragoman-Reason") != "stream_idle" {
			t.Errorf("%s: idle: %d %s", c.name, a.status, a.body)
		}
	}
}
