// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package handler provides a whole transcoder as an http.Handler: every method of a schema as REST, gRPC, gRPC-Web and Connect, in front
// of any gRPC channel.
//
// It is for programs that bring their own server. The gateway itself does more: it reloads, balances, and holds calls to policies.
package handler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/connect"
	"github.com/dragoman-gateway/dragoman/transcoder/grpcweb"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/native"
	"github.com/dragoman-gateway/dragoman/transcoder/nethttp"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
	"github.com/dragoman-gateway/dragoman/transcoder/rpc"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/websocket"
)

// Config says how calls are served. The zero value is the strict profile with all default limits.
type Config struct {
	// REST says how each method is served over REST.
	REST rest.Configs
	// RPC says how gRPC, gRPC-Web and Connect are served.
	RPC rpc.Config
	// Rules are HTTP rules with their selectors, beside or instead of the annotations in the schema.
	Rules []*annotations.HttpRule
	// Routes say how paths are matched; Rules and DefaultBinding of it are not used.
	Routes httprule.Config
	// Codec are the limits of conversion.
	Codec codec.Config
	// Limits are what every request is held to.
	Limits transcoder.Limits
	// Timeouts bound how long calls take.
	Timeouts transcoder.Timeouts
	// WriteStall is how long a client may take nothing of an answer; 0 means nethttp.DefaultWriteStall.
	WriteStall time.Duration
	// Interceptors stand between the client and the channel, the first outermost.
	Interceptors []grpc.StreamServerInterceptor
	// Log has a line for each panic; nil means slog.Default().
	Log *slog.Logger
}

// New returns the handler of a schema's methods. No http.ServeMux may stand before it: that one cleans paths and redirects. The error
// joins all that is wrong with the schema's rules and the configuration.
//
// gRPC needs HTTP/2; in clear text, a server must be told: see http.Server.Protocols.
func New(conn grpc.ClientConnInterface, s *schema.Schema, cfg Config) (http.Handler, error) {
	timeouts, err := cfg.Timeouts.WithDefaults()
	if err != nil {
		return nil, err
	}
	mux, err := transcoder.NewMux(transcoder.Config{Schemas: []*schema.Schema{s}, Codec: cfg.Codec})
	if err != nil {
		return nil, err
	}
	if err := addRoutes(mux, cfg); err != nil {
		return nil, err
	}
	if err := addProtocols(mux, cfg); err != nil {
		return nil, err
	}
	h := &handler{mux: mux, conn: conn, timeouts: timeouts, interceptors: slices.Clone(cfg.Interceptors), log: cfg.Log}
	if h.log == nil {
		h.log = slog.Default()
	}
	return nethttp.Handler(nethttp.Config{Limits: cfg.Limits, WriteStall: cfg.WriteStall}, h.serve), nil
}

// addRoutes makes the route table of all methods; those without a rule are at POST /package.Service/Method.
func addRoutes(mux *transcoder.Mux, cfg Config) error {
	var methods []protoreflect.MethodDescriptor
	for _, m := range mux.Methods() {
		methods = append(methods, m.Desc)
	}
	routes := cfg.Routes
	routes.Rules = cfg.Rules
	routes.DefaultBinding = func(protoreflect.ServiceDescriptor) bool { return true }
	table, problems := httprule.Build(methods, routes)
	if httprule.HasErrors(problems) {
		var errs []error
		for i := range problems {
			if p := &problems[i]; p.Severity == httprule.SeverityError {
				errs = append(errs, fmt.Errorf("%s: %s", p.Place.Method, p.Message))
			}
		}
		return errors.Join(errs...)
	}
	mux.SetRoutes(table)
	return nil
}

// addProtocols gives the Mux what it speaks, REST last: it takes what no other protocol accepts.
func addProtocols(mux *transcoder.Mux, cfg Config) error {
	n, errNative := native.New(cfg.RPC)
	w, errWeb := grpcweb.New(cfg.RPC)
	c, errConnect := connect.New(connect.Config{Config: cfg.RPC, Bare: connect.Unrouted(mux)})
	r, errREST := rest.New(cfg.REST, mux)
	s, errSocket := websocket.New(func(m *transcoder.Method) *websocket.Config {
		own := &cfg.REST.Default
		if cfg.REST.Of != nil {
			own = cmp.Or(cfg.REST.Of(m), own)
		}
		return &websocket.Config{Bind: own.Bind, Encode: own.Encode}
	})
	if err := errors.Join(errNative, errWeb, errConnect, errREST, errSocket); err != nil {
		return err
	}
	mux.SetProtocols(n, w, c, s, r)
	return nil
}

// handler serves exchanges.
type handler struct {
	mux          *transcoder.Mux
	conn         grpc.ClientConnInterface
	timeouts     transcoder.Timeouts
	interceptors []grpc.StreamServerInterceptor
	log          *slog.Logger
}

func (h *handler) serve(ex transcoder.Exchange) {
	transcoder.DropInvalid(ex.Request())
	c := transcoder.NewCallOf(ex)
	framer, err := h.mux.Open(c)
	if bad := transcoder.CheckHead(c.Request); bad != nil {
		err = bad
	}
	stream := transcoder.NewStream(c, ex, framer)
	if err == nil {
		err = h.run(c, stream)
	}
	c.Err = err
	_ = stream.Finish() // the client may have gone: there is nobody else to tell
}

// run takes a call through the interceptors to the channel. A panic on the way is the call's outcome.
func (h *handler) run(c *transcoder.Call, s transcoder.Stream) (err error) {
	defer func() {
		if r := recover(); r != nil {
			stack := debug.Stack()
			if p, ok := r.(*transcoder.Panic); ok {
				r, stack = p.Value, p.Stack
			}
			h.log.LogAttrs(context.WithoutCancel(c.Context()), slog.LevelError, "a call panicked",
				slog.String("method", c.Method.Path), slog.Any("panic", r), slog.String("stack", string(stack)))
			err = &status.Error{Code: codes.Internal, Reason: status.ReasonInternal, Message: "internal error", Cause: fmt.Errorf("panic: %v", r)}
		}
	}()
	if err := h.timeouts.Apply(c); err != nil {
		return err
	}
	return h.intercept(0, c, s)
}

// intercept runs the interceptors from one on, and then the call.
func (h *handler) intercept(i int, c *transcoder.Call, s transcoder.Stream) error {
	if i == len(h.interceptors) {
		return transcoder.Forward(c, s, h.conn)
	}
	info := &grpc.StreamServerInfo{FullMethod: c.Method.Path, IsClientStream: c.Method.ClientStreams, IsServerStream: c.Method.ServerStreams}
	return h.interceptors[i](nil, transcoder.ServerStream(c, s), info, func(_ any, ss grpc.ServerStream) error {
		c.SetContext(ss.Context())
		return h.intercept(i+1, c, transcoder.StreamOf(ss, s))
	})
}
