// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
)

// PollConfig are the settings of [Poll]. One of Method and Do is required.
type PollConfig struct {
	// Method is the unary method to call, "/package.Service/Method": OK is healthy, any error is not.
	Method string
	// Request is the message to call Method with, as protobuf bytes; empty: one without fields.
	Request []byte
	// Do asks one endpoint over its connection, for who wants to look at the answer; an error is what is
	// wrong with it.
	Do func(ctx context.Context, conn grpc.ClientConnInterface) error
	// Interval is how often it is asked, each time up to a tenth sooner; at least 10 ms. 0: DefaultInterval.
	Interval time.Duration
	// Timeout is how long that may take; at least 10 ms. 0: DefaultTimeout.
	Timeout time.Duration
	// Rise is how many good answers in a row make an unhealthy endpoint healthy; at least 1. 0: DefaultRise.
	Rise int
	// Fall is how many bad ones make a healthy endpoint unhealthy; at least 1. 0: DefaultFall. The first answer
	// on a connection counts at once.
	Fall int
}

// Poll is the check by calls.
type Poll struct {
	cfg PollConfig
}

var methodForm = regexp.MustCompile(`^/[A-Za-z_][\w.]*/[A-Za-z_]\w*$`)

// NewPoll checks cfg and returns the check.
func NewPoll(cfg PollConfig) (*Poll, error) {
	var errs []error
	refuse := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("health: "+format, args...))
	}
	switch {
	case (cfg.Method == "") == (cfg.Do == nil):
		refuse("one of method and do must be set")
	case cfg.Method != "" && !methodForm.MatchString(cfg.Method):
		refuse("method is %q; it must be a full name, as in %q", cfg.Method, "/books.v1.Books/Ping")
	}
	setDefault(&cfg.Interval, DefaultInterval)
	setDefault(&cfg.Timeout, DefaultTimeout)
	setDefault(&cfg.Rise, DefaultRise)
	setDefault(&cfg.Fall, DefaultFall)
	if cfg.Interval < leastTime {
		refuse("interval is %v; it must be %v or more", cfg.Interval, leastTime)
	}
	if cfg.Timeout < leastTime {
		refuse("timeout is %v; it must be %v or more", cfg.Timeout, leastTime)
	}
	if cfg.Rise < 1 {
		refuse("rise is %d; it must be 1 or more", cfg.Rise)
	}
	if cfg.Fall < 1 {
		refuse("fall is %d; it must be 1 or more", cfg.Fall)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	cfg.Request = slices.Clone(cfg.Request)
	return &Poll{cfg}, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Run implements Check.
func (p *Poll) Run(ctx context.Context, conn grpc.ClientConnInterface, report func(Verdict)) {
	c := &counter{rise: p.cfg.Rise, fall: p.cfg.Fall, report: report}
	for {
		err := p.once(ctx, conn)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			c.add(Verdict{Reason: reason(err)})
		} else {
			c.add(Verdict{Healthy: true})
		}
		if !sleep(ctx, p.cfg.Interval) {
			return
		}
	}
}

func (p *Poll) once(ctx context.Context, conn grpc.ClientConnInterface) error {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	if p.cfg.Do != nil {
		return p.cfg.Do(ctx, conn)
	}
	var answer []byte
	return conn.Invoke(ctx, p.cfg.Method, p.cfg.Request, &answer, grpc.ForceCodecV2(bytesCodec{}))
}

// bytesCodec moves messages as the bytes that they are.
type bytesCodec struct{}

var _ encoding.CodecV2 = bytesCodec{}

// Name implements encoding.CodecV2: what moves is protobuf.
func (bytesCodec) Name() string { return "proto" }

// Marshal implements encoding.CodecV2.
func (bytesCodec) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("health: a message of type %T", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(b)}, nil
}

// Unmarshal implements encoding.CodecV2.
func (bytesCodec) Unmarshal(data mem.BufferSlice, v any) error {
	b, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("health: a message of type %T", v)
	}
	*b = data.Materialize()
	return nil
}
