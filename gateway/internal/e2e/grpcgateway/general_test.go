// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcgateway_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// general are the exceptions that apply to every call.
var general = []exception{
	{
		name:   "own words",
		reason: "T88, T89, T148: what the gateway itself refuses is said in words of the API, with a machine-readable reason; grpc-gateway tells what the packages of Go met",
		explain: func(_ *call, ours, theirs *observed) error {
			if len(ours.Calls)+len(theirs.Calls) > 0 || ours.Status < 400 || ours.code() == "" {
				return nil
			}
			if theirs.message() == "" {
				return nil
			}
			if err := isRefusal(ours); err != nil {
				return err
			}
			ours.object()["message"], ours.object()["details"] = theirs.message(), theirs.object()["details"]
			return nil
		},
	},
	{
		name:   "metadata of HTTP/2",
		reason: "T169: the content type of gRPC is no metadata, and says nothing to a client of REST",
		explain: func(_ *call, _, theirs *observed) error {
			for name, fields := range map[string]http.Header{"Grpc-Metadata-Content-Type": theirs.Header, "Grpc-Trailer-Content-Type": theirs.Trailer} {
				for _, v := range fields[name] {
					if v != "application/grpc" {
						return fmt.Errorf("%s is %q", name, v)
					}
				}
				delete(fields, name)
			}
			return nil
		},
	},
	{
		name:   "more fields",
		reason: "T118, T203: nosniff, no-store on errors and the reason are additions that no client of grpc-gateway looks at",
		explain: func(_ *call, ours, theirs *observed) error {
			for _, name := range []string{"X-Content-Type-Options", "X-Dragoman-Reason", "Cache-Control"} {
				ours.Header.Del(name)
				theirs.Header.Del(name) // where an exception has taken our answer for theirs
			}
			return nil
		},
	},
	{
		name:   "who is in front",
		reason: "T170: x-forwarded-* are the gateway's to say and not the transcoder's, which alone is tested here",
		explain: func(_ *call, _, theirs *observed) error {
			for _, c := range theirs.Calls {
				delete(c.Metadata, "x-forwarded-for")
				delete(c.Metadata, "x-forwarded-host")
			}
			return nil
		},
	},
}

// isRefusal checks that an answer is an error that Dragoman made by itself, that says what it should, and nothing about the
// program that says it.
func isRefusal(ours *observed) error {
	message := ours.message()
	for _, foreign := range []string{"json:", "Go value", "unmarshal", "strconv", "proto:", "base64 data", "runtime error"} {
		if strings.Contains(message, foreign) {
			return fmt.Errorf("the message %q is about the program: %q", message, foreign)
		}
	}
	details, _ := ours.object()["details"].([]any)
	own := slices.ContainsFunc(details, func(detail any) bool {
		d, _ := detail.(map[string]any)
		return d["@type"] == "type.googleapis.com/google.rpc.ErrorInfo" && d["domain"] == "dragoman" && d["reason"] != ""
	})
	if message == "" || !own {
		return fmt.Errorf("the error is not one of Dragoman's: %v", ours.Values)
	}
	return nil
}
