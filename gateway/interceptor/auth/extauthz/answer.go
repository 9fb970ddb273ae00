// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package extauthz

import (
	"net/http"
	"slices"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// malformed says that an answer cannot be taken for one.
type malformed struct{ reason string }

func (m *malformed) Error() string { return m.reason }

// decide reads an answer. One that says nothing, which is what bytes that mean nothing can look like, is no permission.
func (p *Provider) decide(answer *authv3.CheckResponse) (*transcoder.Identity, error) {
	code := codes.Code(answer.GetStatus().GetCode()) //nolint:gosec // codes are small
	switch {
	case answer.GetDeniedResponse() != nil, code != codes.OK:
		return nil, denied(code, int(answer.GetDeniedResponse().GetStatus().GetCode()))
	case answer.GetStatus() == nil && answer.GetOkResponse() == nil:
		return nil, &malformed{"its answer says neither yes nor no"}
	}
	id := &transcoder.Identity{Provider: p.config.Name, Subject: p.config.Name}
	if metadata := answer.GetDynamicMetadata(); len(metadata.GetFields()) > 0 {
		data, err := protojson.Marshal(metadata)
		if err != nil {
			return nil, &malformed{"its dynamic metadata cannot be read"}
		}
		claims, err := auth.ParseObject(data)
		if err != nil {
			return nil, &malformed{"its dynamic metadata cannot be read: " + err.Error()}
		}
		if id, err = p.config.Claims.Identity(p.config.Name, claims); err != nil {
			return nil, &malformed{err.Error()}
		}
	}
	fields, err := p.fields(answer.GetOkResponse().GetHeaders())
	if err != nil {
		return nil, err
	}
	id.Forward = append(id.Forward, fields...)
	return id, nil
}

// fields are what the backend is told: configured names alone, and values that can be fields (threat C15).
func (p *Provider) fields(options []*corev3.HeaderValueOption) (wire.Header, error) {
	if len(options) > maxFields {
		return nil, &malformed{"its answer has too many header fields"}
	}
	var fields wire.Header
	for _, o := range options {
		name := strings.ToLower(o.GetHeader().GetKey())
		if !slices.Contains(p.config.Forward, name) {
			continue
		}
		value := o.GetHeader().GetValue()
		if raw := o.GetHeader().GetRawValue(); len(raw) > 0 {
			value = string(raw)
		}
		if len(value) > auth.MaxForward || strings.ContainsAny(value, "\t") || !wire.ValidValue(value) {
			return nil, &malformed{"its answer has a header field that cannot be one: " + name}
		}
		if strings.HasSuffix(name, "-bin") {
			if _, err := wire.DecodeBinary(value); err != nil {
				return nil, &malformed{"its answer has a header field that is no base64: " + name}
			}
		}
		fields.Add(name, value)
	}
	return fields, nil
}

// denied is the refusal of a call. Of what the service says only the status is passed on: its fields and its body are for the clients
// of a proxy of HTTP, and a client of gRPC could not be told.
func denied(code codes.Code, httpStatus int) error {
	switch httpStatus {
	case http.StatusUnauthorized:
		code = codes.Unauthenticated
	case http.StatusForbidden:
		code = codes.PermissionDenied
	case http.StatusTooManyRequests:
		code = codes.ResourceExhausted
	}
	e := &status.Error{Code: code, Reason: status.ReasonAuthDenied, Message: "the call is not permitted"}
	switch code {
	case codes.Unauthenticated, codes.PermissionDenied, codes.ResourceExhausted, codes.NotFound, codes.FailedPrecondition:
	default: // the refusal is certain, whatever else it says
		e.Code = codes.PermissionDenied
	}
	return e
}
