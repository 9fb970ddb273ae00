// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"io"
	"net"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/transcoder/compression"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// passed is the one encoding in which messages pass between clients and backends as they are. It is what gRPC implementations have
// in common.
const passed = compression.Gzip

// DialOptions are for channels to backends that are to carry messages compressed with gzip as they are (T182). Such a channel, and no
// other, is to be a CompressedConn, which says the same of what the backend reads. Calls that Forward does not make are not
// compressed by whoever makes them; what gRPC itself calls, for health or load, is where the backend reads it.
//
// gRPC's registry of compressors is one for the whole process, and would decompress; the older options are for one channel and
// leave the bytes to us. Decision 9 has more.
func DialOptions(readsCompressed bool) []grpc.DialOption {
	options := []grpc.DialOption{
		grpc.WithDecompressor(passDecompressor{}), //nolint:staticcheck // deprecated, and supported throughout 1.x: decision 9
	}
	if readsCompressed {
		options = append(options,
			grpc.WithCompressor(passCompressor{}), //nolint:staticcheck // likewise
			grpc.WithDefaultCallOptions(grpc.UseCompressor(encoding.Identity)),
		)
	}
	return options
}

// CompressedConn is what a channel is, beside, that was made with DialOptions.
type CompressedConn interface {
	// ReadsCompressed tells whether the backend reads messages compressed with gzip. Requests that come so are decompressed for
	// one that does not; answers pass as they are in any case.
	ReadsCompressed() bool
}

// Carrier is what a channel is, beside, that takes calls as they are here: it needs no DialOptions to be a CompressedConn, since it takes a codec's word
// for what is compressed, and it reads the fields of a MetadataOption.
type Carrier interface {
	// Carries tells whether it does.
	Carries() bool
}

func carries(conn grpc.ClientConnInterface) bool {
	c, ok := conn.(Carrier)
	return ok && c.Carries()
}

// MetadataOption has the metadata of a request as fields, for a Carrier; nobody needs to make a map of them. It does not change while a
// call goes on.
type MetadataOption struct {
	grpc.EmptyCallOption

	fields wire.Header
	accept string // what the answer may be compressed with; "" for nothing
}

// Len returns how many fields there are.
func (o *MetadataOption) Len() int {
	if o.accept != "" {
		return len(o.fields) + 1
	}
	return len(o.fields)
}

// At returns a field, as it is on the wire.
func (o *MetadataOption) At(i int) (name, value string) {
	if i == len(o.fields) {
		return acceptEncoding, o.accept
	}
	return o.fields[i].Name, o.fields[i].Value
}

// AnswerOption is told by a Carrier what other channels tell grpc.Header, grpc.Trailer and grpc.Peer, of a call that does not stream. It serves one attempt
// at a time.
type AnswerOption struct {
	grpc.EmptyCallOption

	header, trailer wire.Header
	pushback        []string // what the server says of retries
	from            net.Addr
}

// TakeHeader takes a field of the head.
func (o *AnswerOption) TakeHeader(name, value string) {
	o.header = wire.AppendField(o.header, name, value)
}

// TakeTrailer takes a field of the trailers.
func (o *AnswerOption) TakeTrailer(name, value string) {
	if name == retryPushback {
		o.pushback = append(o.pushback, value)
		return
	}
	o.trailer = wire.AppendField(o.trailer, name, value)
}

// TakePeer takes the address of the server.
func (o *AnswerOption) TakePeer(from net.Addr) { o.from = from }

// Pushback returns what the server says of retries, which is a number of milliseconds if it stands there once (gRFC A6).
func (o *AnswerOption) Pushback() []string { return o.pushback }

// Reset makes it ready for another attempt.
func (o *AnswerOption) Reset() { *o = AnswerOption{} }

const acceptEncoding = "grpc-accept-encoding"

// callOptions appends those of a call to a backend to options. It settles what stays compressed on the way.
func callOptions(options []grpc.CallOption, c *Call, conn grpc.ClientConnInterface) []grpc.CallOption {
	cc, ok := conn.(CompressedConn)
	if !ok {
		c.AnswerEncoding = ""
		return append(options, rawOption, limitOptions(c.Request.MaxAnswer()).answer)
	}
	if c.AnswerEncoding != passed {
		c.AnswerEncoding = ""
	}
	carries := carries(conn)
	if c.RequestEncoding == passed && cc.ReadsCompressed() {
		c.KeepCompressed = true
		if carries {
			return limitOptions(c.Request.MaxAnswer()).append(options, true)
		}
		options = append(options, channelCompressor, sendingOption)
	} else if carries {
		return limitOptions(c.Request.MaxAnswer()).append(options, false)
	} else {
		options = append(options, readingOption)
	}
	return append(options, limitOptions(c.Request.MaxAnswer()).answer)
}

// Options that are the same for every call, made once: each is an allocation.
//
//nolint:gochecknoglobals // constants, if there could be such, and the last of one kind
var (
	rawOption         = grpc.ForceCodecV2(RawCodec{})
	sendingOption     = grpc.ForceCodecV2(compressedCodec{sends: true})
	readingOption     = grpc.ForceCodecV2(compressedCodec{})
	channelCompressor = grpc.UseCompressor("") // the channel's own
	lastLimitOptions  atomic.Pointer[limited]
)

// limited are the options that depend on how large a message of an answer may be.
type limited struct {
	limit               int
	answer, sends, only grpc.CallOption
}

// append appends the options of a call to a Carrier: one whose messages are sent compressed, or one that only receives such.
func (l *limited) append(options []grpc.CallOption, sends bool) []grpc.CallOption {
	if sends {
		return append(options, l.answer, l.sends)
	}
	return append(options, l.answer, l.only)
}

// limitOptions bounds the messages of an answer. Most calls of a process have the same bound.
func limitOptions(limit int) *limited {
	if last := lastLimitOptions.Load(); last != nil && last.limit == limit {
		return last
	}
	l := &limited{
		limit, grpc.MaxCallRecvMsgSize(limit),
		grpc.ForceCodecV2(&carriedCodec{most: limit, sends: true}), grpc.ForceCodecV2(&carriedCodec{most: limit}),
	}
	lastLimitOptions.Store(l)
	return l
}

// acceptCompressed returns what the backend is told that its answer may be compressed with; "" for nothing. When requests are, gRPC says so itself.
func acceptCompressed(c *Call) string {
	if c.AnswerEncoding == passed && !c.KeepCompressed {
		return passed
	}
	return ""
}

// compressedMark stands at messages on their way between our codec and our compressors, which gRPC takes for bytes like all others. It
// is random, so that no other message has it.
var compressedMark = func() (mark [markSize]byte) {
	_, _ = rand.Read(mark[:]) // never fails since Go 1.24
	return mark
}()

const (
	markSize = 16
	// sentPlain and sentCompressed stand behind the mark of a message that is sent.
	sentPlain      = 0
	sentCompressed = 1
)

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
	head := append(make([]byte, 0, markSize+1), compressedMark[:]...)
	if m.Encoding == passed {
		head = append(head, sentCompressed)
	} else {
		head = append(head, sentPlain)
	}
	m.Data.Ref()
	data := make(mem.BufferSlice, 0, len(m.Data)+1)
	return append(append(data, mem.SliceBuffer(head)), m.Data...), nil
}

// Unmarshal gives a *Message the bytes, and finds out whether they are compressed.
func (c compressedCodec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(*Message)
	if ok && len(data) == 1 { // the passDecompressor gives one buffer
		if all, ok := data[0].(mem.SliceBuffer); ok {
			if compressed := markedBytes(all); compressed != nil {
				*m = Message{Data: mem.BufferSlice{mem.SliceBuffer(compressed)}, Encoding: passed}
				return nil
			}
		}
	}
	return c.RawCodec.Unmarshal(data, v)
}

// carriedCodec is the RawCodec of channels that are CompressedCarriers.
type carriedCodec struct {
	RawCodec

	most  int  // bytes of a message of the answer
	sends bool // the call's messages may be compressed
}

// Compression returns what messages of the request may be compressed with.
func (c *carriedCodec) Compression() string {
	if c.sends {
		return passed
	}
	return ""
}

// MarshalCompressed returns the bytes of a message, and whether they are compressed.
func (c *carriedCodec) MarshalCompressed(v any) (data mem.BufferSlice, compressed bool, err error) {
	m, ok := v.(*Message)
	data, err = c.Marshal(v)
	return data, ok && c.sends && m.Encoding == passed, err
}

// UnmarshalCompressed gives a *Message the bytes as they are; for what else there is, it decompresses them.
func (c *carriedCodec) UnmarshalCompressed(data mem.BufferSlice, by string, v any) error {
	data.Ref()
	packed := Message{Data: data, Encoding: by}
	if m, ok := v.(*Message); ok && by == passed {
		if size := plainSize(data); size > c.most {
			packed.Free()
			return grpcstatus.Errorf(codes.ResourceExhausted, "grpc: received message after decompression larger than max %d", c.most)
		}
		*m = packed
		return nil
	}
	if err := packed.Decompress(int64(c.most)); err != nil {
		return err
	}
	defer packed.Free()
	return c.Unmarshal(packed.Data, v)
}

// plainSize returns how large what gzip has compressed says that it is (RFC 1952 section 2.3.1, ISIZE). A server that does not tell the truth harms nothing
// here: the message passes as it is.
func plainSize(data mem.BufferSlice) int {
	var size [4]byte
	left := len(size)
	for i := len(data) - 1; i >= 0 && left > 0; i-- {
		b := data[i].ReadOnlyData()
		n := min(left, len(b))
		copy(size[left-n:left], b[len(b)-n:])
		left -= n
	}
	return int(binary.LittleEndian.Uint32(size[:]))
}

// passCompressor writes what is compressed already as it is, and compresses the rest: in one call there may be both.
type passCompressor struct{}

// Type returns the value of grpc-encoding.
func (passCompressor) Type() string { return passed }

// Do writes a message of a compressedCodec, or of anybody else.
func (passCompressor) Do(w io.Writer, p []byte) error {
	own, ok := bytes.CutPrefix(p, compressedMark[:])
	switch {
	case !ok:
		own = p
	case own[0] == sentCompressed:
		_, err := w.Write(own[1:])
		return err
	default:
		own = own[1:]
	}
	return compression.Find(passed).CompressTo(w, mem.BufferSlice{mem.SliceBuffer(own)})
}

// passDecompressor leaves a message as it is, for a compressedCodec. What gRPC itself calls has codecs of its own and small messages: those
// are decompressed as well.
type passDecompressor struct{}

// Type returns the value of grpc-encoding.
func (passDecompressor) Type() string { return passed }

// Bounds of messages that are decompressed for codecs other than ours.
const (
	smallCompressed = 4 << 10
	smallPlain      = 64 << 10
)

// Do reads a compressed message. It returns it decompressed, if it is small, and behind that, where only who looks for it finds it, as it
// came. What is not decompressed is returned as it came, and no codec takes that for a message: gzip begins with a tag that
// protobuf does not have.
func (passDecompressor) Do(r io.Reader) ([]byte, error) {
	compressed, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if len(compressed) <= smallCompressed {
		plain, err := compression.Find(passed).Decompress(mem.BufferSlice{mem.SliceBuffer(compressed)}, smallPlain)
		if err == nil {
			defer plain.Free()
			n := plain.Len()
			all := make([]byte, n, n+len(compressed)+lengthSize+markSize)
			plain.CopyTo(all)
			return appendMarked(all, compressed)[:n], nil
		}
	}
	n := len(compressed)
	return appendMarked(make([]byte, 0, n+lengthSize+markSize), compressed)[:n], nil
}

// lengthSize is the size of the length that stands between compressed bytes and their mark.
const lengthSize = 4

// appendMarked appends compressed bytes, their length and the mark.
func appendMarked(dst, compressed []byte) []byte {
	dst = append(dst, compressed...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(compressed))) //nolint:gosec // a message of gRPC is shorter
	return append(dst, compressedMark[:]...)
}

// markedBytes returns the compressed bytes that a passDecompressor has put behind b; nil if it has not made b.
func markedBytes(b []byte) []byte {
	all := b[:cap(b)]
	end := len(all) - markSize - lengthSize
	if end < len(b) || !bytes.Equal(all[len(all)-markSize:], compressedMark[:]) {
		return nil
	}
	n := int(binary.BigEndian.Uint32(all[end:]))
	return all[end-n : end : end]
}
