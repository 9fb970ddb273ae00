// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"net/http"
	"strings"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// refusedCalls are bad requests that both refuse, each in its own words.
func refusedCalls() []call {
	refused := func(name, body, says, field string) call {
		return call{
			name: name, request: request{path: rangePath, body: body}, answer: &pb.RangeResponse{},
			says: says, field: field, except: []exception{ownWords},
		}
	}
	return []call{
		refused("malformed JSON: cut off", `{"key":`, "the JSON ends", "key"),
		refused("malformed JSON: single quotes", `{'key':"YQ=="}`, "where a name must come", ""),
		refused("malformed JSON: comma at the end", `{"key":"YQ==",}`, "where a name must come", ""),
		refused("malformed JSON: a hexadecimal number", `{"key":"YQ==","limit":0x1}`, "where a JSON value must come", "limit"),
		refused("wrong type: a list for the message", `[]`, "an array where an object must come", ""),
		refused("wrong type: a string for the message", `"key"`, "a string where an object must come", ""),
		refused("wrong type: a number for bytes", `{"key":5}`, "a number where a string must come", "key"),
		refused("wrong type: an object for bytes", `{"key":{}}`, "an object where a string must come", "key"),
		refused("wrong type: a string for a boolean", `{"key":"YQ==","keys_only":"true"}`, "a string where true or false must come", "keysOnly"),
		refused("wrong type: a number for a boolean", `{"key":"YQ==","keysOnly":1}`, "a number where true or false must come", "keysOnly"),
		refused("wrong type: a fraction for an integer", `{"key":"YQ==","limit":1.5}`, "is not a value of int64", "limit"),
		refused("wrong type: text for an integer", `{"key":"YQ==","limit":"many"}`, "is not a number", "limit"),
		refused("out of range: an integer of more than 64 bits", `{"key":"YQ==","limit":"9223372036854775808"}`, "out of the range of int64", "limit"),
		refused("unknown name of an enum value", `{"key":"YQ==","sort_order":"UPWARD"}`, `"UPWARD" is not a value of`, "sortOrder"),
		refused("name of an enum value in lower case", `{"key":"YQ==","sort_order":"ascend"}`, `"ascend" is not a value of`, "sortOrder"),
		refused("number of an enum value as a string", `{"key":"YQ==","sort_order":"1"}`, `"1" is not a value of`, "sortOrder"),
		refused("bad base64", `{"key":"!!!"}`, "is not base64", "key"),
		refused("bad base64: padding in the middle", `{"key":"YQ==YQ=="}`, "is not base64", "key"),
		{
			name:    "wrong type: an object for a list",
			request: request{path: txnPath, body: `{"compare":{}}`}, answer: &pb.TxnResponse{},
			says: "an object where an array must come", field: "compare", except: []exception{ownWords},
		},
		{
			name:    "bad timeout",
			request: request{path: rangePath, body: `{"key":"YQ=="}`, header: "Grpc-Timeout: 5x"}, answer: &pb.RangeResponse{},
			says: "grpc-timeout", except: []exception{ownWords},
		},
	}
}

// strictCalls are bad requests that only Dragoman refuses.
func strictCalls() []call {
	strict := func(name, path, body, says, field string, e exception) call {
		return call{
			name: name, request: request{path: path, body: body}, answer: &pb.RangeResponse{},
			says: says, field: field, except: []exception{e},
		}
	}
	declared := func(name, header, says string) call {
		c := strict(name, rangePath, `{"key":"YQ=="}`, says, "", notJSON)
		c.header = header
		return c
	}
	const (
		userPath = "/v3/auth/user/get"
		depth    = 120
		twice    = "the field is given twice"
	)
	deep := strings.Repeat(`{"success":[{"request_txn":`, depth) + "{}" + strings.Repeat(`}]}`, depth)
	return []call{
		strict("unknown field", rangePath, `{"key":"YQ==","keysonly":true}`, "unknown field", "keysonly", unknownField),
		strict("unknown field in a message inside", txnPath, `{"success":[{"request_range":{"key":"YQ==","nope":1}}]}`,
			"unknown field", "success[0].requestRange.nope", unknownField),
		strict("data after the message", rangePath, `{"key":"YQ=="} {"key":"Yg=="}`, "more follows", "", moreData),
		strict("text after the message", rangePath, `{"key":"YQ=="} x`, "more follows", "", moreData),
		strict("one field twice", rangePath, `{"key":"YQ==","key":"YQ=="}`, twice, "key", duplicateField),
		strict("one field by both of its names", rangePath, `{"key":"YQ==","range_end":"Yg==","rangeEnd":"Yg=="}`, twice, "rangeEnd", duplicateField),
		strict("two members of a oneof", txnPath, `{"success":[{"request_range":{"key":"YQ=="},"request_txn":{}}]}`,
			"another member of request", "success[0].requestTxn", oneofTwice),
		strict("null for the message", txnPath, `null`, "null where an object must come", "", notAnObject),
		strict("white space in a number", rangePath, `{"key":"YQ==","limit":" 1"}`, "is not a number", "limit", paddedNumber),
		strict("half of a surrogate pair", userPath, `{"name":"\ud800"}`, "surrogate", "name", badText),
		strict("text that is not UTF-8", userPath, "{\"name\":\"\xff\"}", "UTF-8", "name", badText),
		strict("query that names a field", rangePath+"?limit=1", `{"key":"YQ=="}`, "the body is the whole message", "limit", queryBeside),
		strict("deep nesting", txnPath, deep, "deep", "", deepMessage),
		declared("body declared as text", "Content-Type: text/plain", "content-type"),
		declared("body declared as a form", "Content-Type: application/x-www-form-urlencoded", "content-type"),
		declared("body declared as UTF-16", "Content-Type: application/json; charset=utf-16", "UTF-8"),
		declared("body that is not declared", "Content-Type:", "content-type"),
	}
}

// broadCalls are requests that only Dragoman understands.
func broadCalls() []call {
	broad := func(name, body, plain string, e exception) call {
		return call{
			name: name, request: request{path: rangePath, body: in(body)}, answer: &pb.RangeResponse{},
			plain: &request{path: rangePath, body: in(plain)}, except: []exception{e},
		}
	}
	return []call{
		broad("number with a point", `{"key":'fruit/',"range_end":'fruit0',"limit":1.0}`, `{"key":'fruit/',"range_end":'fruit0',"limit":1}`, wholeNumber),
		broad("number with an exponent", `{"key":'fruit/',"range_end":'fruit0',"limit":"2e0"}`, `{"key":'fruit/',"range_end":'fruit0',"limit":2}`, wholeNumber),
		broad("base64 without padding", `{"key":"ZnJ1aXQvYXBwbGU"}`, `{"key":'fruit/apple'}`, base64Forms),
		broad("base64 of URLs", `{"key":"ZnJ1aXQv_wD-"}`, "{\"key\":'fruit/\xff\x00\xfe'}", base64Forms),
	}
}

// pathCalls are requests that miss the routes.
func pathCalls() []call {
	missed := func(name, verb, path, says string, e ...exception) call {
		c := call{name: name, request: request{verb: verb, path: path}, answer: &pb.RangeResponse{}, says: says, except: e}
		if verb == http.MethodPost {
			c.body = `{"key":"YQ=="}`
		}
		return c
	}
	const method, route = "method", "no route"
	return []call{
		missed("wrong verb: GET", http.MethodGet, rangePath, method, plainText),
		missed("wrong verb: PUT", http.MethodPut, rangePath, method, plainText),
		missed("wrong verb: DELETE", http.MethodDelete, rangePath, method, plainText),
		missed("wrong verb: PATCH", http.MethodPatch, rangePath, method, plainText),
		missed("wrong verb: post in lower case", "post", rangePath, method, plainText),
		missed("wrong verb: HEAD", http.MethodHead, rangePath, method),
		missed("options", http.MethodOptions, rangePath, method, preflight),
		missed("unknown path", http.MethodPost, "/v3/kv/nothing", route, plainText),
		missed("unknown path: part of one", http.MethodPost, "/v3/kv", route, plainText),
		missed("unknown path: slash at the end", http.MethodPost, rangePath+"/", route, plainText),
		missed("unknown path: capital letters", http.MethodPost, "/v3/KV/range", route, plainText),
		missed("unknown path: two slashes", http.MethodPost, "//v3/kv/range", route, noRedirect),
		missed("unknown path: dots", http.MethodPost, "/v3/lease/../kv/range", route, noRedirect),
		missed("unknown path: encoded slash", http.MethodPost, "/v3/kv%2Frange", route, encodedSlash),
		missed("known path: encoded letter", http.MethodPost, "/v3/%6Bv/range", route),
		{
			name:    "unknown path: lock",
			request: request{path: "/v3/lock/unlock", body: `{"key":"YQ=="}`}, says: route, except: []exception{notInModule},
		},
	}
}
