// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"crypto/rand"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"

	"github.com/dragoman-gateway/dragoman/transcoder/compression"
)

// passed is the one encoding in which messages pass between clients and backends as they are. It is what gRPC implementations have
// in common.
const passed = compression.Gzip

// DialOptions are for channels to backends that are to carry messages compressed with gzip as they are (T182). Such a channel, and no
// other, is to be a CompressedConn; calls that Forward does not make have no compression on it.
//
// gRPC's registry of compressors is one for the whole process, and would decompress; the older options are for one channel and
// leave the bytes to us. Decision 9 has more.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithCompressor(passCompressor{}),     //nolint:staticcheck // deprecated, and supported throughout 1.x: decision 9
		grpc.WithDecompressor(passDecompressor{}), //nolint:staticcheck // likewise
		grpc.WithDefaultCallOptions(grpc.UseCompressor(encoding.Identity)),
	}
}

// CompressedConn is what a channel is, beside, that was made with DialOptions.
type CompressedConn interface {
	// ReadsCompressed tells whether the backend reads messages compressed with gzip. Requests that come so are decompressed for
	// one that does not; answers pass as they are in any case.
	ReadsCompressed() bool
}

// callOptions are those of a call to a backend. It settles what stays compressed on the way.
func callOptions(c *Call, conn grpc.ClientConnInterface) []grpc.CallOption {
	options := make([]grpc.CallOption, 0, 6)
	cc, ok := conn.(CompressedConn)
	if !ok {
		c.AnswerEncoding = ""
		return append(options, grpc.ForceCodecV2(RawCodec{}), grpc.MaxCallRecvMsgSize(c.Request.MaxAnswer()))
	}
	codec := compressedCodec{sends: c.RequestEncoding == passed && cc.ReadsCompressed()}
	if codec.sends {
		c.KeepCompressed = true
		options = append(options, grpc.UseCompressor("")) // the channel's own
	}
	if c.AnswerEncoding != passed {
		c.AnswerEncoding = ""
	}
	return append(options, grpc.ForceCodecV2(codec), grpc.MaxCallRecvMsgSize(c.Request.MaxAnswer()+len(compressedMark)))
}

// acceptCompressed tells the backend that its answer may come compressed. When requests are, gRPC says so itself.
func acceptCompressed(c *Call, md metadata.MD) {
	if c.AnswerEncoding == passed && !c.KeepCompressed {
		md.Set("grpc-accept-encoding", passed)
	}
}

// What stands before a message that a compressedCodec sends, for the passCompressor, which takes it off again.
const (
	sentPlain      = 0
	sentCompressed = 1
)

// compressedMark stands before a message that the passDecompressor had. It is random, so that no message begins like it.
var compressedMark = func() (mark [16]byte) {
	_, _ = rand.Read(mark[:]) // never fails since Go 1.24
	return mark
}()

// compressedCodec is the RawCodec of channels with DialOptions.
type compressedCodec struct {
	RawCodec

	sends bool // the call's messages go through the passCompressor
}

// Marshal returns the bytes of a *Message, and before them whether they are compressed.
func (c compressedCodec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(*Message)
	if !ok || !c.sends || m.Data.Len() == 0 { // gRPC never marks a message of no bytes as compressed
		return c.RawCodec.Marshal(v)
	}
	how := byte(sentPlain)
	if m.Encoding == passed {
		how = sentCompressed
	}
	m.Data.Ref()
	data := make(mem.BufferSlice, 0, len(m.Data)+1)
	return append(append(data, mem.SliceBuffer{how}), m.Data...), nil
}

// Unmarshal gives a *Message the bytes, and finds out whether they are compressed.
func (c compressedCodec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(*Message)
	if !ok || len(data) != 1 || data.Len() < len(compressedMark) { // the passDecompressor gives one buffer
		return c.RawCodec.Unmarshal(data, v)
	}
	all, isSlice := data[0].(mem.SliceBuffer)
	if !isSlice || [len(compressedMark)]byte(all) != compressedMark {
		return c.RawCodec.Unmarshal(data, v)
	}
	*m = Message{Data: mem.BufferSlice{all[len(compressedMark):]}, Encoding: passed}
	return nil
}

// passCompressor writes what is compressed already as it is, and compresses the rest: in one call there may be both.
type passCompressor struct{}

// Type returns the value of grpc-encoding.
func (passCompressor) Type() string { return passed }

// Do writes a message that a compressedCodec made.
func (passCompressor) Do(w io.Writer, p []byte) error {
	if p[0] == sentCompressed {
		_, err := w.Write(p[1:])
		return err
	}
	return compression.Find(passed).CompressTo(w, mem.BufferSlice{mem.SliceBuffer(p[1:])})
}

// passDecompressor leaves a message as it is and marks it.
type passDecompressor struct{}

// Type returns the value of grpc-encoding.
func (passDecompressor) Type() string { return passed }

// Do reads a compressed message.
func (passDecompressor) Do(r io.Reader) ([]byte, error) {
	size := 0
	if sized, ok := r.(interface{ Remaining() int }); ok {
		size = sized.Remaining()
	}
	data := make([]byte, len(compressedMark), len(compressedMark)+size+1) // one more, so that a read finds the end
	copy(data, compressedMark[:])
	for {
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
	}
}
