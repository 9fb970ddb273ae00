// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package envoy

import (
	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/file/v3"
	streamlogv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/stream/v3"
	corsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/cors/v3"
	extauthzv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_authz/v3"
	transcoderv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/grpc_json_transcoder/v3"
	grpcwebv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/grpc_web/v3"
	jwtv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/jwt_authn/v3"
	localv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/local_ratelimit/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	managerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
)

// converted are the extensions that are read; of all others there is a note.
var converted = extensions( //nolint:gochecknoglobals // a table
	&accesslogv3.FileAccessLog{}, &streamlogv3.StdoutAccessLog{}, &streamlogv3.StderrAccessLog{},
	&corsv3.Cors{}, &corsv3.CorsPolicy{}, &extauthzv3.ExtAuthz{}, &extauthzv3.ExtAuthzPerRoute{},
	&transcoderv3.GrpcJsonTranscoder{}, &grpcwebv3.GrpcWeb{}, &jwtv3.JwtAuthentication{}, &jwtv3.PerRouteConfig{},
	&localv3.LocalRateLimit{}, &routerv3.Router{}, &managerv3.HttpConnectionManager{},
	&tlsv3.DownstreamTlsContext{}, &tlsv3.UpstreamTlsContext{}, &httpv3.HttpProtocolOptions{},
)

func extensions(list ...proto.Message) map[protoreflect.FullName]proto.Message {
	byName := map[protoreflect.FullName]proto.Message{}
	for _, m := range list {
		byName[m.ProtoReflect().Descriptor().FullName()] = m
	}
	return byName
}

// opened returns the message in an extension; nil where there is none, or where there is a note of it already.
func opened(a *anypb.Any) proto.Message {
	m, err := a.UnmarshalNew()
	if err != nil {
		return nil
	}
	if _, noted := m.(*emptypb.Empty); noted {
		return nil
	}
	return m
}
