// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"
	grpcbalancer "google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/http2"
)

// mostKept is how many bytes of a request are kept so that it can be sent to another server if the first has not looked at it, unless a call says
// otherwise, as in gRPC.
const mostKept = 256 << 10

// NewStream implements grpc.ClientConnInterface.
func (c *Channel) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return open(ctx, &c.config, c, desc, method, opts)
}

// clientStream is a call as a grpc.ClientStream: one goroutine may send while another receives.
type clientStream struct {
	options
	desc    *grpc.StreamDesc
	by      placer
	config  *Config
	request http2.Request
	ctx     context.Context //nolint:containedctx // what gRPC's interface returns
	cancel  context.CancelFunc
	stop    func() bool // ends waiting for ctx

	mu       sync.Mutex // guards what follows, while the request is sent and when there is another attempt
	place    place
	stream   *http2.Stream
	kept     []sent // of the request, while it may be sent again
	size     int    // of kept
	again    bool   // there may be another attempt
	lost     error  // why there was none, though there might have been
	ending   sync.Once
	one      bool // a message has come; only RecvMsg touches it, which is called by one goroutine at a time
	sentLast bool // the request has ended; only SendMsg and CloseSend touch it, likewise
	trailer  metadata.MD
}

// sent is a message of the request, or its end.
type sent struct {
	message http2.Message
	last    bool // the request ends with it
	none    bool // there is no message
}

func open(ctx context.Context, cfg *Config, by placer, desc *grpc.StreamDesc, method string, opts []grpc.CallOption) (grpc.ClientStream, error) {
	s := &clientStream{desc: desc, by: by, config: cfg, again: true}
	err := s.read(opts)
	if err == nil {
		s.request, err = s.options.request(ctx, method, cfg.Authority)
	}
	if err == nil {
		s.ctx, s.cancel = context.WithCancel(ctx)
		err = s.attempt(nil)
	}
	if err != nil {
		if s.cancel != nil {
			s.cancel()
		}
		s.finished(err)
		return nil, err
	}
	s.ctx = peer.NewContext(s.ctx, ptr(peerOf(&s.place)))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop = context.AfterFunc(ctx, func() { s.abandoned(ctx) })
	return s, nil
}

func ptr[T any](v T) *T { return &v }

// attempt opens a stream, which is none of gone's places. The caller holds mu, or is the only one to know of s.
func (s *clientStream) attempt(gone *picking) error {
	for {
		r := &s.request
		var err error
		if r.Timeout, err = timeout(s.ctx); err != nil {
			return err
		}
		p, err := s.by.pick(s.ctx, r.Path, s.wait, gone)
		if err != nil {
			return err
		}
		if r.Authority, err = s.authorityOf(&p, s.config.Authority); err != nil {
			p.ended(grpcbalancer.DoneInfo{Err: err})
			return err
		}
		stream := http2.NewStream(s.received, false)
		err = p.conn.Open(s.ctx, stream, r, nil, false)
		if err == nil {
			s.place, s.stream = p, stream
			return nil
		}
		if !http2.ErrLeaving(err) {
			err = statusOf(err).Err()
			p.ended(grpcbalancer.DoneInfo{Err: err})
			return err
		}
		p.ended(grpcbalancer.DoneInfo{})
		gone = p.by
	}
}

// abandoned ends a call whose caller's context has: the stream's own may end a moment later.
func (s *clientStream) abandoned(ctx context.Context) {
	st := status.FromContextError(ctx.Err())
	s.current().Cancel(st)
	s.end(st.Err())
}

func (s *clientStream) current() *http2.Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stream
}

// end ends a call, once.
func (s *clientStream) end(err error) {
	s.ending.Do(func() {
		s.close(err)
		s.cancel()
		s.finished(err) // without mu: it may look at the stream
	})
}

// close settles what is known of a call that has ended.
func (s *clientStream) close(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil {
		s.stop()
	}
	s.again = false
	s.forget()
	s.trailer = s.tell(s.stream)
	if s.peer != nil {
		*s.peer = peerOf(&s.place)
	}
	s.place.ended(grpcbalancer.DoneInfo{Err: err, Trailer: s.trailer, BytesSent: true, BytesReceived: s.stream.Answered()})
}

// forget frees what was kept. The caller holds mu.
func (s *clientStream) forget() {
	for i := range s.kept {
		s.kept[i].message.Data.Free()
	}
	s.kept, s.size = nil, 0
}

// keep keeps what is sent, as long as that is little. The caller holds mu.
func (s *clientStream) keep(m sent) {
	if !s.again {
		return
	}
	if s.size += m.message.Data.Len(); s.size > s.options.kept {
		s.again = false
		s.forget()
		return
	}
	m.message.Data.Ref()
	s.kept = append(s.kept, m)
}

// repeat makes another attempt at a call that its server has not looked at (gRFC A6: once, at once and without a word). The caller holds mu.
func (s *clientStream) repeat() bool {
	if !s.again || !s.stream.Unseen() {
		return false
	}
	s.again = false
	st, _ := s.stream.Ended()
	s.place.ended(grpcbalancer.DoneInfo{Err: st.Err(), BytesSent: true})
	old, place := s.stream, s.place
	if s.lost = s.attempt(nil); s.lost != nil {
		s.stream, s.place = old, place
		s.place.done = nil // it was told
		return false
	}
	for i := range s.kept {
		m := &s.kept[i]
		if m.none {
			s.stream.CloseSend()
		} else if s.stream.Send(s.ctx, &m.message, m.last) != nil {
			break // the status says why
		}
	}
	s.forget()
	return true
}

// why returns why a call ended, of which its stream says err.
func (s *clientStream) why(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost != nil {
		return s.lost
	}
	return err
}

// answered notes that a call was answered, so that there is no other attempt.
func (s *clientStream) answered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.again {
		s.again = false
		s.forget()
	}
}

// repeated tells whether a call that has ended goes on in another attempt.
func (s *clientStream) repeated(of *http2.Stream) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stream != of || s.repeat()
}

// Header implements grpc.ClientStream.
func (s *clientStream) Header() (metadata.MD, error) {
	for {
		stream := s.current()
		fields := stream.Header(s.ctx)
		if fields != nil {
			s.answered()
			return toMD(fields), nil
		}
		if s.repeated(stream) {
			continue
		}
		if stream.Headed() {
			return metadata.MD{}, nil
		}
		st, _ := stream.Ended()
		s.end(s.why(st.Err()))
		return nil, nil //nolint:nilnil // as in gRPC: RecvMsg has the status
	}
}

// Trailer implements grpc.ClientStream.
func (s *clientStream) Trailer() metadata.MD {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trailer
}

// Context implements grpc.ClientStream.
func (s *clientStream) Context() context.Context { return s.ctx }

// CloseSend implements grpc.ClientStream.
func (s *clientStream) CloseSend() error {
	if s.sentLast {
		return nil
	}
	s.sentLast = true
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep(sent{last: true, none: true})
	s.stream.CloseSend()
	return nil
}

// SendMsg implements grpc.ClientStream. Where there is one message, it ends the request.
func (s *clientStream) SendMsg(v any) error {
	if s.sentLast {
		return s.broken(status.Error(codes.Internal, "SendMsg called after CloseSend"))
	}
	s.sentLast = !s.desc.ClientStreams
	m, err := s.marshal(v)
	if err != nil {
		return s.broken(err)
	}
	defer m.Data.Free()
	s.mu.Lock()
	stream := s.stream
	s.keep(sent{message: m, last: s.sentLast})
	s.mu.Unlock()
	switch err := stream.Send(s.ctx, &m, s.sentLast); {
	case err == nil:
		return nil
	case err != io.EOF: //nolint:errorlint // the very error
		return s.broken(status.FromContextError(err).Err())
	case s.repeated(stream): // with what was kept, and this was
		return nil
	case s.sentLast:
		return nil // RecvMsg has the status
	default:
		return io.EOF
	}
}

// broken ends a call whose request cannot be sent.
func (s *clientStream) broken(err error) error {
	s.current().Cancel(status.Convert(err))
	s.end(err)
	return err
}

// RecvMsg implements grpc.ClientStream.
func (s *clientStream) RecvMsg(v any) error {
	for {
		stream := s.current()
		m, err := stream.Recv(s.ctx)
		if err == nil {
			s.answered()
			s.one = true
			err = s.unmarshal(&m, stream.Encoding(), v)
			if err != nil {
				stream.Cancel(status.Convert(err))
				s.end(err)
				return err
			}
			if s.desc.ServerStreams {
				return nil
			}
			return s.only(stream)
		}
		if s.repeated(stream) {
			continue
		}
		if errors.Is(err, io.EOF) {
			if !s.desc.ServerStreams && !s.one {
				s.end(errMissing)
				return errMissing
			}
			s.end(nil)
			return io.EOF
		}
		err = s.why(err)
		s.end(err)
		return err
	}
}

// only sees to it that an answer of one message has no other.
func (s *clientStream) only(stream *http2.Stream) error {
	m, err := stream.Recv(s.ctx)
	switch {
	case err == nil:
		m.Data.Free()
		stream.Cancel(status.New(codes.Internal, "a second message"))
		err = status.Error(codes.Internal, "cardinality violation: expected <EOF> for non server-streaming RPCs, but received another message")
	case errors.Is(err, io.EOF):
		err = nil
	}
	s.end(err)
	return err
}
