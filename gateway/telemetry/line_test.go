// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry_test

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	"github.com/dragoman-gateway/dragoman/internal/race"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// made is a record whose fields are made up, some of them empty, some with what needs escapes.
func made(from *rand.Rand) *telemetry.Record {
	pieces := []string{"", "a", "books", "/v1/shelves/7", `"`, `\`, "\n", "\x7f", "é", "\xff", "\u2028", "0123456789abcdef", strings.Repeat("x", 1100)}
	text := func() string {
		var s string
		for range from.IntN(4) {
			s += pieces[from.IntN(len(pieces))]
		}
		return s
	}
	r := &telemetry.Record{Time: time.Unix(from.Int64N(1<<32), from.Int64N(1e9)), Code: codes.Code(from.IntN(17)), Reason: status.ReasonOK} //nolint:gosec // small
	v := reflect.ValueOf(r).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case !f.CanSet() || f.Type() == reflect.TypeFor[codes.Code]() || f.Type() == reflect.TypeFor[status.Reason]():
		case f.Kind() == reflect.String:
			f.SetString(text())
		case f.Kind() == reflect.Int || f.Kind() == reflect.Int64:
			f.SetInt(from.Int64N(1 << from.IntN(40)))
		}
	}
	if from.IntN(2) == 0 {
		r.Client = netip.AddrFrom4([4]byte{10, 0, 0, byte(from.IntN(256))}) //nolint:gosec // small
	}
	return r
}

// The line of a call of which nothing is redacted is made in a way of its own, and is the same.
func TestLinesAreTheSameByBothWays(t *testing.T) {
	t.Parallel()
	// Of a field that no record has nothing is written, and it takes the way of fields one by one.
	none, other := telemetry.NewRedacted(nil), telemetry.NewRedacted([]string{"no such field"})
	from := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // no secret
	for range 20_000 {
		r := made(from)
		fast, slow := string(telemetry.JSON(nil, r, none)), string(telemetry.JSON(nil, r, other))
		if fast != slow {
			t.Fatalf("got  %s\nwant %s", fast, slow)
		}
		if !json.Valid([]byte(fast)) {
			t.Fatalf("no JSON: %s", fast)
		}
	}
}

// The time of a line is as the standard library writes it.
func TestTimesOfLines(t *testing.T) {
	t.Parallel()
	from := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // no secret
	for _, ns := range []int64{0, 1, 10, 100_000_000, 120_000_000, 999_999_999, -1} {
		for range 100 {
			at := time.Unix(from.Int64N(1<<33), ns).In(time.FixedZone("", int(from.Int64N(3600))))
			line := telemetry.JSON(nil, &telemetry.Record{Time: at}, nil)
			var fields struct {
				Time string `json:"time"`
			}
			if err := json.Unmarshal(line, &fields); err != nil || fields.Time != at.UTC().Format(time.RFC3339Nano) {
				t.Fatalf("got %q, want %q: %v", fields.Time, at.UTC().Format(time.RFC3339Nano), err)
			}
		}
	}
}

// filled is a call of which everything is set that its record tells.
func filled() *transcoder.Call {
	c := call("/v1/books/7")
	c.TraceID, c.Denied, c.DryRun, c.Cache = "0af7651916cd43dd8448eb211c80319c", "keys", "trial", transcoder.CacheMiss
	c.Identity = &transcoder.Identity{Provider: "keys", Subject: "ann", Tenant: "acme"}
	c.Method = transcoder.BareMethod("/acme.Books/Get", true, false)
	c.Method.Rule = "acme.**"
	c.BytesIn, c.BytesOut, c.MessagesIn, c.MessagesOut, c.FirstByte = 1, 2, 3, 4, c.Start.Add(time.Millisecond)
	c.Err = &status.Error{Code: codes.Unavailable, Reason: status.ReasonRateLimited, Message: "later", Metadata: map[string]string{"rule": "r"}, Cause: io.EOF}
	c.Trace = transcoder.Trace{ID: transcoder.NewTraceID(), Span: transcoder.NewSpanID(), Sampled: true, State: "a=1"}
	c.SetTries([]transcoder.Try{{Endpoint: "a"}, {Endpoint: "b"}})
	for range transcoder.MaxStops {
		c.Stopped("auth", 0)
	}
	return c
}

// taken keeps copies of records.
type taken []telemetry.Record

func (k *taken) Record(r *telemetry.Record) { *k = append(*k, *r) }

// The record of a call has nothing of the call whose record was there before.
func TestRecordsKeepNothingOfOthers(t *testing.T) {
	t.Parallel()
	bare := &transcoder.Call{Request: &transcoder.Request{}}
	var alone, behind taken
	telemetry.NewRecorder(&alone).Observe(bare)
	recorder := telemetry.NewRecorder(&behind).WithHeaders([]string{"user-agent"})
	for range 3 { // a pool may drop what it is given
		recorder.Observe(filled())
		recorder.Observe(bare)
		if got := behind[len(behind)-1]; !reflect.DeepEqual(got, alone[0]) {
			t.Fatalf("got %+v\nwant %+v", got, alone[0])
		}
	}
}

// Recording a call and writing its line allocates nothing.
//
//nolint:paralleltest // it counts allocations
func TestRecordsAllocateNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	log := telemetry.NewAccessLog(io.Discard, telemetry.AccessLogConfig{Format: telemetry.JSON, Redact: telemetry.NewRedacted(nil)})
	defer log.Close()
	feed, err := telemetry.NewFeed(telemetry.DefaultRecent)
	if err != nil {
		t.Fatal(err)
	}
	recorder := telemetry.NewRecorder(feed, telemetry.NewHistory(), log)
	c := filled()
	c.Err = nil
	if n := testing.AllocsPerRun(1000, func() { recorder.Observe(c) }); n > 0.1 { // the log's buffers grow at first
		t.Errorf("%.2f allocations", n)
	}
}

func BenchmarkRecord(b *testing.B) {
	log := telemetry.NewAccessLog(io.Discard, telemetry.AccessLogConfig{Format: telemetry.JSON, Redact: telemetry.NewRedacted(nil)})
	defer log.Close()
	feed, err := telemetry.NewFeed(telemetry.DefaultRecent)
	if err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct {
		name  string
		sinks []telemetry.Sink
	}{{"record", nil}, {"feed", []telemetry.Sink{feed}}, {"history", []telemetry.Sink{telemetry.NewHistory()}}, {"access log", []telemetry.Sink{log}}} {
		b.Run(bench.name, func(b *testing.B) {
			recorder := telemetry.NewRecorder(bench.sinks...)
			c := filled()
			c.Err = nil
			b.ReportAllocs()
			for b.Loop() {
				recorder.Observe(c)
			}
		})
	}
}
