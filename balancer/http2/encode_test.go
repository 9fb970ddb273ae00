// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2/hpack"

	"github.com/dragoman-gateway/dragoman/internal/frames"
)

// heads writes heads as a connection does, and reads them as a server.
type heads struct {
	*testing.T

	conn    *Conn
	next    uint32
	decoder *hpack.Decoder
	table   int // what the server lets it have
}

func newHeads(t *testing.T, secure bool) *heads {
	h := &heads{T: t, conn: &Conn{config: &Config{UserAgent: "test/1", Secure: secure}}, next: 1, table: frames.TableSize}
	h.conn.heads.init()
	h.decoder = hpack.NewDecoder(frames.TableSize, nil)
	return h
}

// resize is the server's settings.
func (h *heads) resize(size int) {
	h.table = size
	h.decoder.SetAllowedMaxDynamicTableSize(uint32(size)) //nolint:gosec // small
	h.conn.heads.resize(min(size, frames.TableSize))
}

// check writes a head and fails unless it is read as it was asked for. It returns how long it was.
func (h *heads) check(r *Request) int {
	h.Helper()
	id := h.next
	h.next += 2
	h.conn.begin(&Stream{id: id}, r)
	sent := h.conn.out.Take()
	block := h.joined(id, sent.Bytes)
	sent.Free()
	got, err := h.decoder.DecodeFull(block)
	if err != nil {
		h.Fatalf("%x cannot be decoded: %v", block, err)
	}
	want := asked(r, h.conn.config)
	if !slices.Equal(got, want) {
		h.Fatalf("got %.1000q\nwant %.1000q", got, want)
	}
	e := &h.conn.heads
	if e.size > min(h.table, frames.TableSize) || e.used > e.size || e.metadata > mostMetadata {
		h.Fatalf("the table has %d of %d bytes, %d of metadata; the server lets it have %d", e.used, e.size, e.metadata, h.table)
	}
	if len(e.entries) != e.count || len(e.prefixes) > mostPrefixes {
		h.Fatalf("%d entries are known of %d, and %d prefixes", len(e.entries), e.count, len(e.prefixes))
	}
	size := 0
	for f := range maps.Keys(e.entries) {
		size += len(f.name) + len(f.value) + fieldOverhead
		if sensitive(f.name) {
			h.Fatalf("%s is in the table", f.name)
		}
	}
	if size != e.used {
		h.Fatalf("the table has %d bytes, and counts %d", size, e.used)
	}
	return len(block)
}

// joined puts the frames of a head together.
func (h *heads) joined(id uint32, sent []byte) []byte {
	h.Helper()
	var block []byte
	for kind := uint8(frames.Headers); ; kind = frames.Continuation {
		if len(sent) < frames.HeaderSize {
			h.Fatal("the end of a head is missing")
		}
		f := frames.Parse(sent)
		if sent = sent[frames.HeaderSize:]; f.Kind != kind || f.Stream != id || f.Flags&^frames.FlagEndHeaders != 0 || f.Length > frames.LeastSize || f.Length > len(sent) {
			h.Fatalf("a frame is %+v", f)
		}
		block = append(block, sent[:f.Length]...)
		if sent = sent[f.Length:]; f.Has(frames.FlagEndHeaders) {
			break
		}
		if f.Length < frames.LeastSize {
			h.Fatalf("a frame that is not the last has %d bytes", f.Length)
		}
	}
	if len(sent) > 0 {
		h.Fatalf("%d bytes are behind the head", len(sent))
	}
	return block
}

func sensitive(name string) bool {
	return name == "authorization" || name == "cookie" || name == "proxy-authorization"
}

// asked is what a head must have.
func asked(r *Request, cfg *Config) []hpack.HeaderField {
	var fields []hpack.HeaderField
	add := func(name, value string) {
		fields = append(fields, hpack.HeaderField{Name: name, Value: value, Sensitive: sensitive(name)})
	}
	add(":method", "POST")
	if cfg.Secure {
		add(":scheme", "https")
	} else {
		add(":scheme", "http")
	}
	add(":path", r.Path)
	add(":authority", r.Authority)
	add("content-type", r.ContentType)
	add("user-agent", cfg.UserAgent)
	add("te", "trailers")
	if r.Encoding != "" {
		add("grpc-encoding", r.Encoding)
		add("grpc-accept-encoding", r.Encoding)
	}
	if r.Timeout > 0 {
		add("grpc-timeout", string(appendTimeout(nil, r.Timeout)))
	}
	for _, f := range r.Fields {
		add(f.Name, f.Value)
	}
	return fields
}

// What is the same in many heads is written once: a head that came before is a byte for each of its fields at most.
func TestHeadsThatComeAgain(t *testing.T) {
	t.Parallel()
	h := newHeads(t, true)
	r := &Request{Path: "/a.Service/Method", Authority: "a.example", ContentType: "application/grpc", Fields: []Field{{"x-same", "1"}}}
	first, second, third := h.check(r), h.check(r), h.check(r)
	if first < 80 || second != 8 || third != 8 {
		t.Errorf("heads have %d, %d and %d bytes", first, second, third)
	}
}

// Calls of one method may name other servers, content types and compressions, in turns.
func TestHeadsOfOneMethod(t *testing.T) {
	t.Parallel()
	h := newHeads(t, false)
	for range 4 {
		for _, authority := range []string{"a.example", "b.example"} {
			for _, contentType := range []string{"application/grpc", "application/grpc+json"} {
				for _, encoding := range []string{"", "gzip", ""} {
					h.check(&Request{Path: "/a.Service/Method", Authority: authority, ContentType: contentType, Encoding: encoding})
				}
			}
		}
	}
}

// A head that is larger than a frame is as many as it takes, and no more.
func TestHeadsOfManyFrames(t *testing.T) {
	t.Parallel()
	h := newHeads(t, false)
	const around = frames.LeastSize - 200
	for size := around; size < around+200; size++ {
		h.check(&Request{Path: "/", Fields: []Field{{"x-large", strings.Repeat("v", size)}}})
	}
	h.check(&Request{Path: "/", Fields: []Field{{"x-large", strings.Repeat("v", 5*frames.LeastSize)}}})
	h.check(&Request{Path: "/", Fields: []Field{{"x-small", "v"}}})
}

// The table is never so large that anything is evicted, however many values and methods there are, and whatever a server says of its size.
func TestTableSizes(t *testing.T) {
	t.Parallel()
	for _, size := range []int{frames.TableSize, 0, 1, 31, 32, 100, 2048, 4095, 4097, 1 << 20} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			t.Parallel()
			h := newHeads(t, false)
			for i := range 3 {
				h.check(&Request{Path: "/a.Service/Before", Authority: "a.example", Fields: []Field{{"x-id", strconv.Itoa(i)}}})
			}
			h.resize(size)
			for range 2 {
				for i := range 200 {
					name := fmt.Sprintf("x-%d", i)
					h.check(&Request{Path: "/a.Service/Method" + name, Authority: "a.example", Fields: []Field{{name, "a"}, {name, "b"}, {"authorization", name}}})
				}
			}
		})
	}
}

// FuzzHeads: whatever is asked for in whatever order, and whatever a server says of its table, is decoded as it was asked for.
func FuzzHeads(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00\x00\x02\x05\x06\x01\x01\x00\x01\x00\x00"))
	f.Add([]byte("\x01\x00\x00\x00\x01\x00\x00\x00\x01\x01\x01\x00\x00\x40\x01\x02\x03\x04\x00\x00\x01\x00\x00\x00"))
	f.Add(bytes.Repeat([]byte{1, 7, 3, 9, 5, 0xff, 2}, 50))
	f.Add(bytes.Repeat([]byte{0, 0, 16, 1, 2, 3}, 20))
	names := []string{
		"x-a", "x-b", "authorization", "cookie", "proxy-authorization", "x-bin", "user-agent", "content-type", "te", "grpc-timeout", "grpc-encoding",
		":path", "x-long-name-of-a-field-that-somebody-has-thought-of", "a", "",
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		h := newHeads(t, len(ops)%2 == 1)
		next := func() int {
			if len(ops) == 0 {
				return 0
			}
			n := int(ops[0])
			ops = ops[1:]
			return n
		}
		text := func() string {
			switch n := next(); {
			case n < 64:
				return strconv.Itoa(n % 8)
			case n < 128: // of what was given
				n = min(n-64, len(ops))
				s := string(ops[:n])
				ops = ops[n:]
				return s
			case n < 250:
				return strings.Repeat("v", n)
			default:
				return strings.Repeat("v", (n-249)*4000)
			}
		}
		for range 300 {
			if len(ops) == 0 {
				break
			}
			if op := next(); op%8 == 0 {
				h.resize(next()<<8 | next())
				continue
			}
			r := &Request{Path: "/" + text(), Authority: text(), ContentType: "application/grpc" + text()}
			if n := next(); n%4 == 1 {
				r.Encoding = text()
			} else if n%4 == 2 {
				r.Timeout = time.Duration(next()) * time.Duration(next()) * time.Duration(next()) * time.Microsecond
			}
			for range next() % 8 {
				name := names[next()%len(names)]
				if name == "" {
					name = "x-" + text()
				}
				r.Fields = append(r.Fields, Field{name, text()})
			}
			h.check(r)
		}
	})
}

// FuzzTimeouts: a timeout has at most eight digits, is never less than what was asked for, and at most one of its units more.
func FuzzTimeouts(f *testing.F) {
	for _, d := range []time.Duration{
		1, 99_999_999, 100_000_000, 100_000_001, time.Second, 99_999_999 * time.Microsecond, 99_999_999*time.Microsecond + 1, time.Minute, 99_999_999 * time.Millisecond,
		99_999_999*time.Millisecond + 1, 99_999_999 * time.Second, 99_999_999*time.Second + 1, 99_999_999 * time.Minute, 99_999_999*time.Minute + 1, 1<<63 - 1,
	} {
		f.Add(int64(d))
	}
	units := map[byte]time.Duration{'n': time.Nanosecond, 'u': time.Microsecond, 'm': time.Millisecond, 'S': time.Second, 'M': time.Minute, 'H': time.Hour}
	f.Fuzz(func(t *testing.T, n int64) {
		n = max(n&math.MaxInt64, 1) // there are no others
		text := string(appendTimeout(nil, time.Duration(n)))
		digits, unit := text[:len(text)-1], units[text[len(text)-1]]
		value, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || unit == 0 || len(digits) > 8 || value <= 0 {
			t.Fatalf("%d ns are %q", n, text)
		}
		// value*unit may be more than a Duration has room for.
		if whole, rest := n/int64(unit), n%int64(unit); rest == 0 && value != whole || rest > 0 && value != whole+1 {
			t.Errorf("%d ns are %q", n, text)
		}
		if unit > 1 && n < 99_999_999*int64(smaller(unit)) {
			t.Errorf("%d ns are %q, and could be more exact", n, text)
		}
	})
}

func smaller(unit time.Duration) time.Duration {
	switch unit {
	case time.Minute, time.Hour:
		return unit / 60
	default:
		return unit / 1000
	}
}
