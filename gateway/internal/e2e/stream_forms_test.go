// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// event is one Server-Sent Event.
type event struct{ kind, id, data, retry string }

// events reads Server-Sent Events as a browser does, the comments with them as events of the kind ":".
func events(t testing.TB, body string) []event {
	t.Helper()
	var all []event
	for block := range strings.SplitSeq(strings.TrimSuffix(body, "\n\n"), "\n\n") {
		if block == "" {
			continue
		}
		var e event
		for line := range strings.SplitSeq(block, "\n") {
			name, value, _ := strings.Cut(line, ":")
			value = strings.TrimPrefix(value, " ")
			switch name {
			case "event":
				e.kind = value
			case "id":
				e.id = value
			case "data":
				e.data = value
			case "retry":
				e.retry = value
			case "":
				e.kind = ":"
			default:
				t.Errorf("a line of an event is %q", line)
			}
		}
		all = append(all, e)
	}
	return all
}

// TestT130_Forms: each form, whole and broken off, over both versions of HTTP.
func TestT130_Forms(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	const fails = `,"status":{"code":9,"message":"broke"}`
	for _, c := range d.both(t) {
		for _, f := range []struct {
			accept, contentType string
			whole, broken       func(t *testing.T, body string) // of two records
			empty               string
			aborts              bool // broken off it does not end well
		}{
			{
				"application/x-ndjson", "application/x-ndjson",
				func(t *testing.T, body string) { wantRecords(t, lines(t, body), 2) },
				func(t *testing.T, body string) {
					all := lines(t, body)
					if len(all) != 3 || !strings.HasPrefix(all[2], `{"error":{"code":9,"message":"broke"`) {
						t.Errorf("%q", body)
					}
				}, "", false,
			},
			{
				"application/json", "application/json",
				func(t *testing.T, body string) {
					var all []json.RawMessage
					if err := json.Unmarshal([]byte(body), &all); err != nil {
						t.Fatalf("%v: %s", err, body)
					}
					wantRecords(t, texts(all), 2)
				},
				func(t *testing.T, body string) {
					if json.Valid([]byte(body)) || !strings.HasPrefix(body, "[{") {
						t.Errorf("it looks whole: %q", body)
					}
				}, "[]", true,
			},
			{
				"text/event-stream", "text/event-stream",
				func(t *testing.T, body string) {
					all := events(t, body)
					if len(all) != 3 || all[0].id != "1" || all[1].id != "2" || all[2].kind != "end" {
						t.Fatalf("%+v", all)
					}
					wantRecords(t, []string{all[0].data, all[1].data}, 2)
				},
				func(t *testing.T, body string) {
					all := events(t, body)
					if len(all) != 3 || all[2].kind != "error" || !strings.HasPrefix(all[2].data, `{"code":9,"message":"broke"`) {
						t.Errorf("%+v", all)
					}
				}, "event: end\ndata: {}\n\n", false,
			},
			{
				"application/json-seq", "application/json-seq",
				func(t *testing.T, body string) {
					wantRecords(t, strings.Split(strings.TrimPrefix(body, "\x1e"), "\x1e"), 2)
				},
				func(*testing.T, string) {}, "", true,
			},
			{
				"application/x-protobuf; delimited=true", "application/x-protobuf; delimited=true",
				func(t *testing.T, body string) {
					r := strings.NewReader(body)
					for i := range 2 {
						n, err := binary.ReadUvarint(r)
						if err != nil {
							t.Fatal(err)
						}
						data := make([]byte, n)
						if _, err := io.ReadFull(r, data); err != nil {
							t.Fatal(err)
						}
						m := &testv1.CanaryResponse{}
						if err := proto.Unmarshal(data, m); err != nil || m.GetSeen().GetSequence() != int32(i)+1 { //nolint:gosec // two records
							t.Errorf("record %d: %v, %v", i, m, err)
						}
					}
					if r.Len() > 0 {
						t.Errorf("%d bytes are left", r.Len())
					}
				},
				func(*testing.T, string) {}, "", true,
			},
		} {
			t.Run(c.name+"/"+f.contentType, func(t *testing.T) {
				call := func(behavior string) (*answer, error) {
					r := c.request(t, "POST", "/canary/v1/stream", `{"behavior":`+behavior+`}`, "content-type", "application/json", "accept", f.accept)
					response, err := c.http.Do(r)
					if err != nil {
						t.Fatal(err)
					}
					defer func() { _ = response.Body.Close() }()
					body, err := io.ReadAll(response.Body)
					return &answer{status: response.StatusCode, header: response.Header, body: string(body)}, err
				}
				a, err := call(`{"messages":2}`)
				if err != nil || a.status != 200 || a.header.Get("Content-Type") != f.contentType { // T131
					t.Fatalf("%v, %d, %v", err, a.status, a.header)
				}
				if got := a.header.Get("Cache-Control"); !strings.Contains(got, "no-store") {
					t.Errorf("cache-control is %q", got)
				}
				if got := a.header.Get("X-Accel-Buffering"); (got == "no") != (f.accept == "text/event-stream") {
					t.Errorf("x-accel-buffering is %q", got)
				}
				f.whole(t, a.body)
				if a, err := call(`{"no_message":true}`); err != nil || a.status != 200 || a.body != f.empty { // T135
					t.Errorf("empty: %v, %d, %q", err, a.status, a.body)
				}
				a, err = call(`{"messages":2` + fails + `}`) // T136
				if (err != nil) != f.aborts {
					t.Errorf("broken off: %v", err)
				}
				f.broken(t, a.body)
				// T134: before the first record an error has its status.
				if a, err := call(`{"status":{"code":5,"message":"none"}}`); err != nil || a.status != 404 || a.header.Get("Content-Type") != "application/json" || !strings.HasPrefix(a.body, `{"code":5,`) {
					t.Errorf("failed at once: %v, %d, %q", err, a.status, a.body)
				}
			})
		}
		a := c.call(t, "GET", "/canary/v1/stream", "", "accept", "text/html")
		if a.status != 406 || a.header.Get("X-Dragoman-Reason") != "not_acceptable" {
			t.Errorf("%s: nothing acceptable: %d %s", c.name, a.status, a.body)
		}
		if a := c.call(t, "GET", "/canary/v1/echo", "", "accept", "text/html"); a.status != 200 {
			t.Errorf("%s: a unary answer is JSON whatever Accept says: %d", c.name, a.status)
		}
	}
}

func texts(all []json.RawMessage) []string {
	var list []string
	for _, m := range all {
		list = append(list, string(m))
	}
	return list
}

func wantRecords(t *testing.T, records []string, n int) {
	t.Helper()
	if len(records) != n {
		t.Fatalf("%d records; want %d: %q", len(records), n, records)
	}
	for i, r := range records {
		if m := fromJSON(t, r, &testv1.CanaryResponse{}); m.GetSeen().GetSequence() != int32(i)+1 { //nolint:gosec // few records
			t.Errorf("record %d: %s", i, r)
		}
	}
}

// TestT137_Events: the id from a field, the time to wait, what the client has seen; for GET and for POST (T138).
func TestT137_Events(t *testing.T) {
	t.Parallel()
	d := start(t, func(cfg *config.Config) {
		cfg.Defaults.REST = config.REST{StreamFormat: "sse", SSERetry: 3 * time.Second}
		cfg.Services[0].Methods = []config.Method{{Name: "RepeatThing", Policy: config.Policy{REST: config.REST{SSEID: "title"}}}}
	})
	for _, c := range d.both(t) {
		for _, method := range []string{"GET", "POST"} {
			target, body := "/canary/v1/stream?text=x", ""
			if method == "POST" {
				target, body = "/canary/v1/stream", `{"text":"x"}`
			}
			a := c.call(t, method, target, body, "last-event-id", "7")
			all := events(t, a.body)
			if a.header.Get("Content-Type") != "text/event-stream" || len(all) != 12 || all[0].retry != "3000" || all[11].kind != "end" || all[1].id != "1" || all[10].id != "10" {
				t.Fatalf("%s %s: %v, %d events", c.name, method, a.header, len(all))
			}
			seen := fromJSON(t, all[1].data, &testv1.CanaryResponse{}).GetSeen()
			if got := metadataOf(seen, "last-event-id"); len(got) != 1 || got[0] != "7" {
				t.Errorf("%s %s: the backend saw last-event-id %q", c.name, method, got)
			}
		}
		all := events(t, c.call(t, "GET", "/test/v1/streams/repeat-thing?thing.title=rev%207", "").body)
		if len(all) < 2 || all[1].id != "rev 7" {
			t.Errorf("%s: the id from a field: %+v", c.name, all)
		}
		all = events(t, c.call(t, "GET", "/test/v1/streams/repeat-thing?thing.title=a%0Ab", "").body)
		if len(all) < 2 || all[1].id != "1" {
			t.Errorf("%s: an id that cannot stand in an event: %+v", c.name, all)
		}
	}
}

// TestT133_Heartbeats: a silent stream of events is kept alive, its head comes with the first sign of life, and what then
// comes is as before.
func TestT133_Heartbeats(t *testing.T) {
	t.Parallel()
	var releases atomic.Pointer[chan struct{}]
	address := misbehave(t, func(_ string, s grpc.ServerStream) error {
		m := raw("")
		for s.RecvMsg(m) == nil {
			m.Free()
		}
		select {
		case <-*releases.Load():
		case <-s.Context().Done():
			return s.Context().Err()
		}
		return s.SendMsg(raw(""))
	})
	d := startFor(t, address, func(cfg *config.Config) { cfg.Listeners[0].Heartbeat = 5 * time.Millisecond })
	for _, c := range d.both(t) {
		release := make(chan struct{})
		releases.Store(&release)
		r := c.request(t, "GET", "/test/v1/streams/safe-repeat", "", "accept", "text/event-stream")
		response, err := c.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != 200 || response.Header.Get("Content-Type") != "text/event-stream" { // T134
			t.Errorf("%s: %d %v", c.name, response.StatusCode, response.Header)
		}
		body := bufio.NewReader(response.Body)
		for range 6 { // three comments
			if line, err := body.ReadString('\n'); err != nil || line != ": \n" && line != "\n" {
				t.Fatalf("%s: %q, %v", c.name, line, err)
			}
		}
		close(release)
		rest, err := io.ReadAll(body)
		if err != nil || !strings.Contains(string(rest), "id: 1\ndata: {") || !strings.HasSuffix(string(rest), "event: end\ndata: {}\n\n") {
			t.Errorf("%s: %q, %v", c.name, rest, err)
		}
		_ = response.Body.Close()
	}
}
