// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"io"

	"google.golang.org/grpc"
	grpcbalancer "google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/http2"
)

// placer finds places for calls.
type placer interface {
	pick(ctx context.Context, method string, wait bool, after *picking) (place, error)
}

// Invoke implements grpc.ClientConnInterface.
func (c *Channel) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	return invoke(ctx, &c.config, c, method, args, reply, opts)
}

func invoke(ctx context.Context, cfg *Config, by placer, method string, args, reply any, opts []grpc.CallOption) error {
	var o options
	err := o.read(opts)
	if err == nil {
		err = o.invoke(ctx, cfg, by, method, args, reply)
	}
	if o.finish != nil {
		o.finished(err)
	}
	return err
}

func (o *options) invoke(ctx context.Context, cfg *Config, by placer, method string, args, reply any) error {
	r, err := o.request(ctx, method, cfg.Authority)
	if err != nil {
		return err
	}
	m, err := o.marshal(args)
	if err != nil {
		return err
	}
	defer m.Data.Free()
	var gone *picking
	for again := true; ; {
		if r.Timeout, err = timeout(ctx); err != nil {
			return err
		}
		p, err := by.pick(ctx, method, o.wait, gone)
		if err != nil {
			return err
		}
		if r.Authority, err = o.authorityOf(&p, cfg.Authority); err != nil {
			p.ended(grpcbalancer.DoneInfo{Err: err})
			return err
		}
		s := http2.NewStream(o.received, true)
		if err := p.conn.Open(ctx, s, &r, &m, true); http2.ErrLeaving(err) {
			p.ended(grpcbalancer.DoneInfo{})
			gone = p.by
			continue
		} else if err != nil && err != io.EOF { //nolint:errorlint // the very error: the call has ended while it was sent
			st := statusOf(err)
			if !s.Opened() {
				p.ended(grpcbalancer.DoneInfo{Err: st.Err()})
				return st.Err()
			}
			s.Cancel(st)
		}
		err = o.receive(ctx, &p, s, reply)
		if err != nil && again && s.Unseen() {
			again = false // as gRPC does: once, at once and without a word (gRFC A6)
			continue
		}
		return err
	}
}

// statusOf returns the status of an error of a connection: its own, or that of a context.
func statusOf(err error) *status.Status {
	if st, ok := status.FromError(err); ok {
		return st
	}
	return status.FromContextError(err)
}

// receive waits for the answer.
func (o *options) receive(ctx context.Context, p *place, s *http2.Stream, reply any) error {
	st := s.Wait(ctx)
	trailer := o.tell(s)
	if a := o.told; a != nil {
		a.TakePeer(p.conn.RemoteAddr())
		for _, f := range s.Head() {
			a.TakeHeader(f.Name, f.Value)
		}
		for _, f := range s.Trailer() {
			a.TakeTrailer(f.Name, f.Value)
		}
	}
	if o.peer != nil {
		*o.peer = peerOf(p)
	}
	m, one := s.Message()
	err := st.Err()
	switch {
	case err != nil:
		m.Data.Free()
	case !one:
		err = errMissing
	default:
		err = o.unmarshal(&m, s.Encoding(), reply)
	}
	p.ended(grpcbalancer.DoneInfo{Err: err, Trailer: trailer, BytesSent: true, BytesReceived: s.Answered()})
	return err
}

var errMissing = status.Error(codes.Internal, "cardinality violation: received no response message from non-server-streaming RPC")

// readMost reads all, which is at most so much.
func readMost(r io.Reader, most int) ([]byte, error) {
	all, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	if err != nil {
		return nil, status.Errorf(codes.Internal, "grpc: failed to read decompressed data: %v", err)
	}
	if len(all) > most {
		return nil, status.Errorf(codes.ResourceExhausted, "grpc: received message after decompression larger than max %d", most)
	}
	return all, nil
}
