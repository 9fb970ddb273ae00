// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/deadline"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/connect"
	"github.com/dragoman-gateway/dragoman/transcoder/grpcweb"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/native"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
	"github.com/dragoman-gateway/dragoman/transcoder/rpc"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/websocket"
)

// Own returns the snapshot of an API of the gateway's own, which b serves, in all protocols: by the annotations of its schema, with the limits
// and the time of calls that are built in. admit may refuse calls; nil refuses none.
func Own(s *schema.Schema, b gateway.Backend, admit interceptor.Admitter) (*gateway.Snapshot, error) {
	mux, err := transcoder.NewMux(transcoder.Config{Schemas: []*schema.Schema{s}})
	if err != nil {
		return nil, err
	}
	var methods []protoreflect.MethodDescriptor
	for _, m := range mux.Methods() {
		methods = append(methods, m.Desc)
	}
	table, problems := httprule.Build(methods, httprule.Config{})
	if httprule.HasErrors(problems) {
		var errs []error
		for i := range problems {
			errs = append(errs, fmt.Errorf("%s: %s", problems[i].Place.Method, problems[i].Message))
		}
		return nil, errors.Join(errs...)
	}
	mux.SetRoutes(table)
	if err := speak(mux); err != nil {
		return nil, err
	}
	d, err := deadline.New(deadline.Config{})
	if err != nil {
		return nil, err
	}
	stages := []interceptor.Stage{{Name: "deadline", Admitter: d}}
	if admit != nil {
		stages = append(stages, interceptor.Stage{Name: "admission", Admitter: admit})
	}
	routes := make([]gateway.Route, mux.Len())
	for i := range routes {
		routes[i] = gateway.Route{Chain: interceptor.NewChain(stages...), Backend: b}
	}
	return gateway.NewSnapshot(mux, routes, nil)
}

// speak gives a Mux all protocols, each as it is by default.
func speak(mux *transcoder.Mux) error {
	n, errNative := native.New(rpc.Config{})
	w, errWeb := grpcweb.New(rpc.Config{})
	c, errConnect := connect.New(connect.Config{Bare: connect.Unrouted(mux)})
	r, errREST := rest.New(rest.Configs{}, mux)
	s, errSocket := websocket.New(func(*transcoder.Method) *websocket.Config {
		return &websocket.Config{}
	})
	if err := errors.Join(errNative, errWeb, errConnect, errREST, errSocket); err != nil {
		return err
	}
	mux.SetProtocols(n, w, c, s, r)
	return nil
}
