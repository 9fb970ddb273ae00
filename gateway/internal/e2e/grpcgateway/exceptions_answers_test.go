// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcgateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// What an answer looks like.
var (
	unsetAlone = replacing("unset message alone",
		"T117: a message that is the whole body and is not set is null; grpc-gateway writes an empty one, and the year 1970 for a time",
		func(ours, theirs *observed) error { return values(ours, theirs, nil, notNull) })
	unsetValueAlone = replacing("unset Value alone",
		"T117: a message that is the whole body and is not set is null; grpc-gateway fails with 500 for a Value",
		func(ours, theirs *observed) error {
			if theirs.Status != http.StatusInternalServerError {
				return fmt.Errorf("grpc-gateway answers %d", theirs.Status)
			}
			return values(ours, theirs, nil, notNull)
		})
	noBytesAlone = replacing("no bytes alone", "T117: bytes are a string, also where there are none; grpc-gateway writes an empty list",
		func(ours, theirs *observed) error { return values(ours, theirs, "", isList) })
	integerAlone = replacing("integer of 64 bits alone",
		"T111, T117: an integer of 64 bits is a string wherever it stands, so that no reader rounds it; grpc-gateway writes a number where it is the whole body",
		func(ours, theirs *observed) error {
			number, _ := theirs.Values[0].(json.Number)
			return values(ours, theirs, number.String(), notNull)
		})
	unnamedAlone = replacing("unnamed number of an enum alone",
		"T113: a number without a name is written as a number; grpc-gateway writes it as a string where it is the whole body",
		func(ours, theirs *observed) error {
			text, _ := theirs.Values[0].(string)
			return values(ours, theirs, json.Number(text), notNull)
		})
	rawField = replacing("HttpBody in a field",
		"T125: an HttpBody in response_body is sent with the type that it has; grpc-gateway calls it JSON, and in a stream wraps it in JSON",
		func(ours, theirs *observed) error { return typed(ours, theirs, "application/json") })
	noType = replacing("HttpBody without a type",
		"T124: what has no usable type is application/octet-stream, for a browser guesses where there is none",
		func(ours, theirs *observed) error {
			if ours.Header.Get("Content-Type") != "application/octet-stream" {
				return fmt.Errorf("the type is %q", ours.Header.Get("Content-Type"))
			}
			return nil
		})
	emptyStream = pick("empty stream", "T131, T135: a stream has its type also where it has no message", func(ours, theirs *observed) error {
		if ours.Header.Get("Content-Type") == "" || theirs.Header.Get("Content-Type") != "" || len(ours.Values)+len(ours.Text) > 0 {
			return fmt.Errorf("the types are %q and %q", ours.Header.Get("Content-Type"), theirs.Header.Get("Content-Type"))
		}
		ours.Header.Del("Content-Type")
		return nil
	})
	delimiter = pick("delimiter of raw bytes",
		"T126: the pieces of an HttpBody make one body; grpc-gateway puts a line feed behind each, which is in no file",
		func(ours, theirs *observed) error {
			text, _, _ := strings.Cut(theirs.Text, `{"error":`)
			if strings.ReplaceAll(text, "\n", "") != ours.Text {
				return fmt.Errorf("the bodies are %q and %q", ours.Text, theirs.Text)
			}
			theirs.Text = ours.Text
			return nil
		})
	cutOff = pick("raw bytes that are not whole",
		"T128: an answer that fails midway does not end as if it were whole; grpc-gateway writes the error into the file",
		func(ours, theirs *observed) error {
			if !ours.Cut || theirs.Cut {
				return fmt.Errorf("cut off: %t and %t", ours.Cut, theirs.Cut)
			}
			theirs.Cut = true
			return nil
		})
	challenge = pick("challenge of a backend", "T157: what a backend says is no challenge of the gateway's; grpc-gateway makes a header of it", func(ours, theirs *observed) error {
		const name = "Www-Authenticate"
		if ours.Header.Get(name) != "" || theirs.Header.Get(name) != theirs.message() {
			return fmt.Errorf("%s is %q and %q", name, ours.Header.Get(name), theirs.Header.Get(name))
		}
		theirs.Header.Del(name)
		return nil
	})
	binaryOut = pick("binary values of an answer", "T164, T167: a binary value is base64 in a header; grpc-gateway writes its bytes", func(ours, theirs *observed) error {
		const name = "Grpc-Metadata-X-B-Bin"
		if ours.Header.Get(name) != "aGk" || theirs.Header.Get(name) != "hi" {
			return fmt.Errorf("%s is %q and %q", name, ours.Header.Get(name), theirs.Header.Get(name))
		}
		ours.Header.Del(name)
		theirs.Header.Del(name)
		return nil
	})
	noJSON = replacing("answers that have no JSON form", "T120: the backend's fault is 502; grpc-gateway answers 500 with what the packages of Go say", func(ours, theirs *observed) error {
		if ours.Status != http.StatusBadGateway || theirs.Status != http.StatusInternalServerError {
			return fmt.Errorf("status %d and %d", ours.Status, theirs.Status)
		}
		return isRefusal(ours)
	})
	wordsOfGRPC = pick("words of gRPC", "T88, T156: what gRPC for Go says of a connection is not for clients", func(ours, theirs *observed) error {
		if ours.Status != theirs.Status || ours.code() != theirs.code() {
			return fmt.Errorf("status %d and %d, code %s and %s", ours.Status, theirs.Status, ours.code(), theirs.code())
		}
		if err := isRefusal(ours); err != nil {
			return err
		}
		ours.Values, theirs.Values = nil, nil
		return nil
	})
	largerAnswer = pick("size of answers", "T196: the limit of an answer is a setting, 16 MiB by default; grpc-gateway leaves gRPC its 4 MiB", func(ours, theirs *observed) error {
		if ours.Status != http.StatusOK || theirs.Status != http.StatusTooManyRequests {
			return fmt.Errorf("status %d and %d", ours.Status, theirs.Status)
		}
		theirs.Status, theirs.Values = ours.Status, ours.Values
		return nil
	})
)

// values checks that the one JSON value of our answer is want, and that theirs is of the wrong kind that is meant.
func values(ours, theirs *observed, want any, wrong func(any) bool) error {
	get := func(o *observed) (all []any) {
		for _, v := range o.Values {
			if object, ok := v.(map[string]any); ok && len(object) == 1 && len(o.Header["Content-Type"]) == 1 {
				if result, ok := object["result"]; ok {
					v = result
				}
			}
			all = append(all, v)
		}
		return all
	}
	a, b := get(ours), get(theirs)
	if !slices.Equal(a, []any{want}) || len(b) != 1 || !wrong(b[0]) {
		return fmt.Errorf("the values are %#v and %#v; ours must be %#v", a, b, want)
	}
	return nil
}

func notNull(v any) bool { return v != nil }

func isList(v any) bool {
	_, ok := v.([]any)
	return ok
}

// typed checks that theirs has this type and ours another.
func typed(ours, theirs *observed, wrong string) error {
	if theirs.Header.Get("Content-Type") != wrong || ours.Header.Get("Content-Type") == wrong {
		return fmt.Errorf("the types are %q and %q", ours.Header.Get("Content-Type"), theirs.Header.Get("Content-Type"))
	}
	return nil
}
