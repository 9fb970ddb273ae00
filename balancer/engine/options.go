// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"encoding/base64"
	"io"
	"math"
	"net"
	"reflect"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding"
	encodingproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/http2"
)

// CompressedCodec is a codec that takes and gives messages as they are compressed. A call that is forced to use one says by it what its messages
// are compressed with.
type CompressedCodec interface {
	encoding.CodecV2
	// Compression returns what messages of the request may be compressed with; "" for nothing.
	Compression() string
	// MarshalCompressed returns a message of the request, and whether it is compressed.
	MarshalCompressed(v any) (data mem.BufferSlice, compressed bool, err error)
	// UnmarshalCompressed takes a message of the answer that is compressed.
	UnmarshalCompressed(data mem.BufferSlice, compression string, v any) error
}

// defaultMostReceived is how large messages of an answer are unless a call says otherwise, as in gRPC.
const defaultMostReceived = 4 << 20

// Metadata is a call option that has metadata of a request as fields, as they are on the wire: names in lower case, what is binary encoded. It
// does not change while the call goes on. Metadata of the context with the same name takes its place.
type Metadata interface {
	grpc.CallOption
	// Len returns how many fields there are.
	Len() int
	// At returns one of them.
	At(i int) (name, value string)
}

// Answer is a call option that is told of an answer what grpc.Header, grpc.Trailer and grpc.Peer are, as fields that are as on the wire. It is told by
// one goroutine, before a call that does not stream returns; streams tell nothing.
type Answer interface {
	grpc.CallOption
	// TakeHeader and TakeTrailer are called for each field.
	TakeHeader(name, value string)
	TakeTrailer(name, value string)
	// TakePeer is called with the server's address.
	TakePeer(from net.Addr)
}

// options are what the options of a call say.
type options struct {
	codec      encoding.CodecV2
	compressed CompressedCodec // codec, if it is one
	subtype    string
	authority  string
	wait       bool
	received   int
	sent       int
	kept       int
	header     *metadata.MD
	trailer    *metadata.MD
	peer       *peer.Peer
	finish     []func(error)
	metadata   Metadata
	told       Answer
}

// read reads the options of a call. What gRPC has and this channel does not is refused; what others have made rides along.
func (o *options) read(all []grpc.CallOption) error {
	o.received, o.sent, o.kept = defaultMostReceived, math.MaxInt32, mostKept
	for _, option := range all {
		switch v := option.(type) {
		case grpc.ForceCodecV2CallOption:
			o.codec = v.CodecV2
		case grpc.HeaderCallOption:
			o.header = v.HeaderAddr
		case grpc.TrailerCallOption:
			o.trailer = v.TrailerAddr
		case grpc.PeerCallOption:
			o.peer = v.PeerAddr
		case grpc.MaxRecvMsgSizeCallOption:
			o.received = v.MaxRecvMsgSize
		case grpc.MaxSendMsgSizeCallOption:
			o.sent = v.MaxSendMsgSize
		case grpc.FailFastCallOption:
			o.wait = !v.FailFast
		case grpc.ContentSubtypeCallOption:
			o.subtype = v.ContentSubtype
		case grpc.AuthorityOverrideCallOption:
			o.authority = v.Authority
		case grpc.OnFinishCallOption:
			o.finish = append(o.finish, v.OnFinish)
		case grpc.MaxRetryRPCBufferSizeCallOption:
			o.kept = v.MaxRetryRPCBufferSize
		case grpc.EmptyCallOption, grpc.StaticMethodCallOption:
		case grpc.CompressorCallOption:
			if v.CompressorType != "" && v.CompressorType != encoding.Identity {
				return status.Errorf(codes.Internal, "requests are not compressed with %q here; give a CompressedCodec", v.CompressorType)
			}
		case Metadata:
			o.metadata = v
		case Answer:
			o.told = v
		default:
			of := reflect.TypeOf(option)
			if of.Kind() == reflect.Pointer {
				of = of.Elem() // it is an option as well
			}
			if of.PkgPath() == "google.golang.org/grpc" {
				return status.Errorf(codes.Internal, "the option %T has no meaning here", option)
			}
		}
	}
	switch {
	case o.codec != nil && o.subtype == "":
		o.subtype = strings.ToLower(o.codec.Name())
	case o.codec != nil:
	case o.subtype == "":
		o.codec = encoding.GetCodecV2(encodingproto.Name)
	default:
		if o.codec = encoding.GetCodecV2(o.subtype); o.codec == nil {
			return status.Errorf(codes.Internal, "no codec registered for content-subtype %s", o.subtype)
		}
	}
	o.compressed, _ = o.codec.(CompressedCodec)
	return nil
}

// request returns the head of a call.
func (o *options) request(ctx context.Context, method, authority string) (http2.Request, error) {
	r := http2.Request{Path: method, Authority: authority, ContentType: contentType(o.subtype)}
	if o.authority != "" {
		r.Authority = o.authority
	}
	if o.compressed != nil {
		r.Encoding = o.compressed.Compression()
	}
	if !strings.HasPrefix(method, "/") {
		r.Path = "/" + method
	}
	md, _ := metadata.FromOutgoingContext(ctx)
	n := len(md)
	if o.metadata != nil {
		n += o.metadata.Len()
	}
	if n == 0 {
		return r, nil
	}
	r.Fields = make([]http2.Field, 0, n)
	if o.metadata != nil {
		for i := range o.metadata.Len() {
			name, value := o.metadata.At(i)
			if err := check(name); err != nil {
				return r, err
			}
			if err := checkValue(name, value); err != nil { // it is encoded already, if it is binary
				return r, err
			}
			if _, ok := md[name]; !ok && !reserved(name) {
				r.Fields = append(r.Fields, http2.Field{Name: name, Value: value})
			}
		}
	}
	for name, values := range md {
		if err := check(name, values...); err != nil {
			return r, err
		}
		if reserved(name) {
			continue
		}
		for _, value := range values {
			if strings.HasSuffix(name, binary) {
				value = base64.RawStdEncoding.EncodeToString([]byte(value))
			}
			r.Fields = append(r.Fields, http2.Field{Name: name, Value: value})
		}
	}
	return r, nil
}

const binary = "-bin"

func contentType(subtype string) string {
	switch subtype {
	case "":
		return "application/grpc"
	case encodingproto.Name:
		return "application/grpc+proto"
	}
	return "application/grpc+" + subtype
}

// reserved tells whether a field is gRPC's own, which no caller sets.
func reserved(name string) bool {
	if strings.HasPrefix(name, ":") {
		return true
	}
	switch name {
	case "content-type", "user-agent", "grpc-message-type", "grpc-encoding", "grpc-message", "grpc-status", "grpc-timeout", "te":
		return true
	}
	return false
}

// check tells what is wrong with metadata.
//
// https://github.com/grpc/grpc/blob/v1.75.0/doc/PROTOCOL-HTTP2.md#requests, "Custom-Metadata".
func check(name string, values ...string) error {
	if name == "" {
		return status.Error(codes.Internal, "there is an empty key in the header")
	}
	for i := range len(name) {
		if name[0] == ':' {
			break // it is dropped
		}
		if b := name[i]; (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '.' && b != '-' && b != '_' {
			return status.Errorf(codes.Internal, "header key %q contains illegal characters not in [0-9a-z-_.]", name)
		}
	}
	if strings.HasSuffix(name, binary) {
		return nil
	}
	for _, value := range values {
		if err := checkValue(name, value); err != nil {
			return err
		}
	}
	return nil
}

// checkValue tells what is wrong with a value as it is on the wire.
func checkValue(name, value string) error {
	for i := range len(value) {
		if value[i] < ' ' || value[i] > '~' {
			return status.Errorf(codes.Internal, "header key %q contains value with non-printable ASCII characters", name)
		}
	}
	return nil
}

// marshal encodes a message.
func (o *options) marshal(v any) (m http2.Message, err error) {
	if o.compressed != nil {
		m.Data, m.Compressed, err = o.compressed.MarshalCompressed(v)
	} else {
		m.Data, err = o.codec.Marshal(v)
	}
	if err != nil {
		return m, status.Errorf(codes.Internal, "grpc: error while marshaling: %v", err)
	}
	if size := m.Data.Len(); size > o.sent {
		m.Data.Free()
		return m, status.Errorf(codes.ResourceExhausted, "trying to send message larger than max (%d vs. %d)", size, o.sent)
	}
	return m, nil
}

// unmarshal decodes a message, and frees it.
func (o *options) unmarshal(m *http2.Message, compression string, v any) error {
	data := m.Data
	defer func() { data.Free() }()
	var err error
	switch {
	case !m.Compressed:
		err = o.codec.Unmarshal(data, v)
	case compression == "" || compression == encoding.Identity:
		return status.Error(codes.Internal, "grpc: compressed flag set with identity or empty encoding")
	case o.compressed != nil:
		err = o.compressed.UnmarshalCompressed(data, compression, v)
	default:
		if data, err = decompress(data, compression, o.received); err == nil {
			err = o.codec.Unmarshal(data, v)
		}
	}
	if err == nil {
		return nil
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	return status.Errorf(codes.Internal, "grpc: failed to unmarshal the received message: %v", err)
}

// decompress decompresses a message by gRPC's registry, for calls of codecs that know nothing of it. It frees what it is given.
func decompress(data mem.BufferSlice, compression string, most int) (mem.BufferSlice, error) {
	defer data.Free()
	by := encoding.GetCompressor(compression)
	if by == nil {
		return nil, status.Errorf(codes.Internal, "grpc: Decompressor is not installed for grpc-encoding %q", compression)
	}
	from := data.Reader()
	defer func() { _ = from.Close() }()
	plain, err := by.Decompress(from)
	if err != nil {
		return nil, status.Errorf(codes.Internal, "grpc: failed to decompress the message: %v", err)
	}
	if c, ok := plain.(io.Closer); ok {
		defer func() { _ = c.Close() }()
	}
	all, err := readMost(plain, most)
	if err != nil {
		return nil, err
	}
	return mem.BufferSlice{mem.SliceBuffer(all)}, nil
}

// tell gives the caller what it wants to know of an answer.
func (o *options) tell(s *http2.Stream) (trailer metadata.MD) {
	trailer = toMD(s.Trailer())
	if o.header != nil {
		*o.header = toMD(s.Head())
	}
	if o.trailer != nil {
		*o.trailer = trailer
	}
	return trailer
}

// toMD makes gRPC's map of fields; nil of none.
func toMD(fields []http2.Field) metadata.MD {
	if len(fields) == 0 {
		return nil
	}
	md := make(metadata.MD, len(fields))
	for i := range fields {
		f := &fields[i]
		value := f.Value
		if strings.HasSuffix(f.Name, binary) {
			value, _ = http2.DecodeBinary(value) // it was, before it was taken
		}
		md[f.Name] = append(slices.Clip(md[f.Name]), value)
	}
	return md
}

// finished calls what is to be called at the end.
func (o *options) finished(err error) {
	for _, f := range o.finish {
		f(err)
	}
}

// timeout returns how long a call may take; 0 for any time. The error is that of a call whose time is up.
func timeout(ctx context.Context) (time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return 0, status.FromContextError(err).Err()
	}
	until, ok := ctx.Deadline()
	if !ok {
		return 0, nil
	}
	left := time.Until(until)
	if left <= 0 {
		return 0, status.FromContextError(context.DeadlineExceeded).Err()
	}
	return left, nil
}

func peerOf(p *place) peer.Peer {
	return peer.Peer{Addr: p.conn.RemoteAddr(), LocalAddr: p.conn.LocalAddr(), AuthInfo: p.sub.info}
}

// authorityOf returns what a request names as its server. A name that a caller gives must be one that the server's certificate has.
func (o *options) authorityOf(p *place, otherwise string) (string, error) {
	switch {
	case o.authority != "":
		v, ok := p.sub.info.(credentials.AuthorityValidator)
		if !ok {
			return "", status.Errorf(codes.Unavailable, "the authority is %q; a %T cannot tell whether the server has that name", o.authority, p.sub.info)
		}
		if err := v.ValidateAuthority(o.authority); err != nil {
			return "", status.Errorf(codes.Unavailable, "failed to validate authority %q : %v", o.authority, err)
		}
		return o.authority, nil
	case p.sub.address.ServerName != "":
		return p.sub.address.ServerName, nil
	}
	return otherwise, nil
}
