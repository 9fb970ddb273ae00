// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"encoding/base64"
	"iter"
	"net/url"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder/rpc"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// query is a call by GET.
//
// https://connectrpc.com/docs/protocol#unary-get-request
type query struct {
	version, encoding, compression string
	message                        string
}

// isCall tells whether a query is one: it says so with connect=v1, or has a message and the name of a form. Others are REST's.
func isCall(raw string) bool {
	var message, form bool
	for name, value := range parameters(raw) {
		switch name {
		case "connect":
			if value == "v"+protocolMajor {
				return true
			}
		case "message":
			message = true
		case "encoding":
			_, form = rpc.FormOf(value)
		}
	}
	return message && form
}

// parameters yields names and values as they stand in a query.
func parameters(raw string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for pair := range strings.SplitSeq(raw, "&") {
			name, value, _ := strings.Cut(pair, "=")
			if !yield(name, value) {
				return
			}
		}
	}
}

// parseQuery reads a query. Parameters that are not Connect's are ignored (T188); those that are may be there once only: of two
// readers that take one each, one would be fooled (threat B10).
func parseQuery(raw string) (*query, error) {
	q := &query{}
	inBase64 := ""
	seen := map[string]bool{}
	for name, value := range parameters(raw) {
		var field *string
		switch name {
		case "connect":
			field = &q.version
		case "encoding":
			field = &q.encoding
		case "compression":
			field = &q.compression
		case "base64":
			field = &inBase64
		case "message":
			field = &q.message
		default:
			continue
		}
		if seen[name] {
			return q, status.Errorf(codes.InvalidArgument, status.ReasonBadQuery, "parameter %q is given more than once", name)
		}
		seen[name] = true
		var err error
		if *field, err = url.QueryUnescape(value); err != nil {
			return q, status.Errorf(codes.InvalidArgument, status.ReasonBadQuery, "parameter %q: it is not percent-encoded", name)
		}
	}
	if !seen["message"] {
		return q, status.Errorf(codes.InvalidArgument, status.ReasonBadQuery, `parameter "message" is missing`)
	}
	if inBase64 == "1" {
		data, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(q.message, "="))
		if err != nil {
			return q, status.Errorf(codes.InvalidArgument, status.ReasonBadQuery, `parameter "message": it is not base64 of the alphabet for URLs`)
		}
		q.message = string(data)
	}
	return q, nil
}
