// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package compression_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder/compression"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// names are those that Known lists.
func names() []string { return strings.Split(compression.Known, ",") }

func slice(data []byte) mem.BufferSlice { return mem.BufferSlice{mem.SliceBuffer(data)} }

// inPieces cuts data, so that nothing relies on one buffer.
func inPieces(data []byte) mem.BufferSlice {
	var s mem.BufferSlice
	for piece := range slices.Chunk(data, 7) {
		s = append(s, mem.SliceBuffer(piece))
	}
	return s
}

func compress(t testing.TB, name string, data []byte) []byte {
	t.Helper()
	out, err := compression.Find(name).Compress(inPieces(data))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	defer out.Free()
	return out.Materialize()
}

func code(err error) codes.Code {
	if e, ok := errors.AsType[*status.Error](err); ok {
		return e.Code
	}
	return codes.Unknown
}

// What is compressed comes back, whatever its size, and both ways leave what they read as it is.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	random := make([]byte, 100_000)
	_, _ = rand.Read(random)
	for _, name := range names() {
		for _, data := range [][]byte{{}, {0}, []byte("short"), random, bytes.Repeat([]byte("abc"), 100_000)} {
			packed := compress(t, name, data)
			kept := slices.Clone(packed)
			e := compression.Find(name)
			if err := e.Check(inPieces(packed), int64(len(data))); err != nil {
				t.Errorf("%s: %d bytes: Check: %v", name, len(data), err)
			}
			got, err := e.Decompress(inPieces(packed), int64(len(data)))
			if err != nil || !bytes.Equal(got.Materialize(), data) {
				t.Errorf("%s: %d bytes came back as %d, %v", name, len(data), got.Len(), err)
			}
			if !bytes.Equal(packed, kept) {
				t.Errorf("%s: what was read was changed", name)
			}
		}
	}
}

// T191: a message of no bytes is no compressed message.
func TestT191_NoBytesAreNotDecompressed(t *testing.T) {
	t.Parallel()
	for _, name := range names() {
		got, err := compression.Find(name).Decompress(nil, 10)
		if err != nil || got.Len() != 0 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if err := compression.Find(name).Check(nil, 10); err != nil {
			t.Errorf("%s: Check: %v", name, err)
		}
	}
}

// E8, T201: one byte over the limit is refused, and so is what grows too much, long before the limit.
func TestE8_Limits(t *testing.T) {
	t.Parallel()
	for _, name := range names() {
		e := compression.Find(name)
		for _, tt := range []struct {
			why         string
			size, limit int64
			want        codes.Code
		}{
			{"as large as allowed", 1000, 1000, codes.OK},
			{"a byte more", 1001, 1000, codes.ResourceExhausted},
			{"grows a thousandfold but is small", 1 << 20, 1 << 30, codes.OK},
			{"a bomb", 8 << 20, 1 << 30, codes.ResourceExhausted},
		} {
			packed := compress(t, name, make([]byte, tt.size))
			got, err := e.Decompress(slice(packed), tt.limit)
			if want := tt.want; (err == nil) != (want == codes.OK) || (err != nil && code(err) != want) {
				t.Errorf("%s: %s: %v; want %s", name, tt.why, err, want)
			}
			if err == nil && int64(got.Len()) != tt.size {
				t.Errorf("%s: %s: got %d bytes", name, tt.why, got.Len())
			}
			if check := e.Check(slice(packed), tt.limit); (check == nil) != (err == nil) {
				t.Errorf("%s: %s: Check says %v, Decompress %v", name, tt.why, check, err)
			}
		}
	}
}

// T197: what is cut off anywhere, or has something behind it, is an error and never a short message; and io.EOF, which means a good
// end to others, does not come out.
func TestT197_BrokenData(t *testing.T) {
	t.Parallel()
	for _, name := range names() {
		e := compression.Find(name)
		packed := compress(t, name, []byte(strings.Repeat("some text ", 20)))
		for n := 1; n < len(packed); n++ {
			if got, err := e.Decompress(slice(packed[:n]), 1000); code(err) != codes.InvalidArgument || errors.Is(err, io.EOF) {
				t.Errorf("%s: cut off after %d of %d bytes: %d bytes, %v", name, n, len(packed), got.Len(), err)
			}
		}
		if _, err := e.Decompress(slice(append(slices.Clone(packed), "garbage"...)), 1000); code(err) != codes.InvalidArgument {
			t.Errorf("%s: garbage behind it: %v", name, err)
		}
		// A decoder that failed is used again and works.
		if got, err := e.Decompress(slice(packed), 1000); err != nil || got.Len() != 200 {
			t.Errorf("%s: after errors: %d bytes, %v", name, got.Len(), err)
		}
	}
}

// E8: a decoder takes no memory for a window that the message only says it needs.
func TestE8_Windows(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		to   func(io.Writer) io.WriteCloser
		ok   bool
	}{
		{"br", func(w io.Writer) io.WriteCloser { return brotli.NewWriterOptions(w, brotli.WriterOptions{LGWin: 24}) }, false},
		{"br", func(w io.Writer) io.WriteCloser { return brotli.NewWriterOptions(w, brotli.WriterOptions{LGWin: 23}) }, true},
		{"br", func(w io.Writer) io.WriteCloser { return brotli.NewWriterLevel(w, brotli.BestCompression) }, true},
		{"zstd", func(w io.Writer) io.WriteCloser { return zstdWriter(w, zstd.WithWindowSize(16<<20)) }, false},
		{"zstd", func(w io.Writer) io.WriteCloser { return zstdWriter(w, zstd.WithWindowSize(8<<20)) }, true},
		{"gzip", func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }, true},
	} {
		var packed bytes.Buffer
		w := tt.to(&packed)
		for range 100 { // in pieces, so that the encoder does not know how little there is
			if _, err := w.Write([]byte("0123456789")); err != nil {
				t.Fatal(err)
			}
			if f, ok := w.(interface{ Flush() error }); ok {
				if err := f.Flush(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := compression.Find(tt.name).Decompress(slice(packed.Bytes()), 1<<20)
		if (err == nil) != tt.ok {
			t.Errorf("%s, first bytes %x: %v; want ok %v", tt.name, packed.Bytes()[:6], err, tt.ok)
		}
	}
}

func zstdWriter(w io.Writer, o ...zstd.EOption) io.WriteCloser {
	z, err := zstd.NewWriter(w, append(o, zstd.WithEncoderConcurrency(1))...)
	if err != nil {
		panic(err)
	}
	return z
}

// T191: what is not known has no encoding, and lists give what is known in their order.
func TestT191_Names(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "identity", "deflate", "GZIP", "gzip "} {
		if compression.Find(name) != nil {
			t.Errorf("%q is found", name)
		}
	}
	for _, tt := range []struct{ list, want string }{
		{"", ""},
		{"identity", ""},
		{"gzip", "gzip"},
		{"identity,deflate,gzip", "gzip"}, // what C++ and Python send
		{"zstd, br ,gzip", "zstd br gzip"},
		{"gzip;q=0, br;q=1.0, zstd; q=0.001", "br zstd"},
		{"gzip; q=0.000,br ; Q=0", ""},
		{"GZip", "gzip"},
		{"*", ""},
		{",,gzip,,", "gzip"},
	} {
		var got []string
		for e := range compression.Accepted(tt.list) {
			got = append(got, e.Name())
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%q gives %q, want %q", tt.list, s, tt.want)
		}
	}
}

// Decoders and encoders are pooled: many at a time must not meet.
func TestManyAtATime(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			data := bytes.Repeat([]byte{byte(i)}, 10_000+i)
			for range 20 {
				for _, name := range names() {
					e := compression.Find(name)
					packed, err := e.Compress(slice(data))
					if err != nil {
						t.Error(err)
						return
					}
					got, err := e.Decompress(packed, 1<<20)
					if err != nil || !bytes.Equal(got.Materialize(), data) {
						t.Errorf("%s: %d bytes, %v", name, got.Len(), err)
					}
					got.Free()
				}
			}
		})
	}
	all.Wait()
}

func FuzzDecompress(f *testing.F) {
	for _, name := range names() {
		f.Add(name, compress(f, name, []byte("hello hello hello hello")))
		f.Add(name, []byte{0x1f, 0x8b, 8})
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		e := compression.Find(name)
		if e == nil {
			return
		}
		const limit = 1 << 16
		got, err := e.Decompress(slice(slices.Clone(data)), limit)
		if err == nil && got.Len() > limit {
			t.Errorf("%d bytes came out, over the limit of %d", got.Len(), limit)
		}
		if check := e.Check(slice(data), limit); (check == nil) != (err == nil) {
			t.Errorf("Check says %v, Decompress %v", check, err)
		}
		got.Free()
	})
}
