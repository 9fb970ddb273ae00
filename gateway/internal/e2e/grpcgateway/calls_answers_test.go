// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcgateway_test

// answerCalls have each kind of field as their answer.
func answerCalls() []call {
	const response = "POST /test/v1/response/"
	return []call{
		do(response+"thing", `{"thing":{"name":"n","count":"5"}}`),
		do(response+"thing", `{}`, unsetAlone),
		do(response+"text", `{"text":"<&>\u2028"}`),
		do(response+"text", `{}`),
		do(response+"tags", `{"tags":["a","<b>"]}`),
		do(response+"tags", `{}`),
		do(response+"things", `{"things":[{"name":"a"},{}]}`),
		do(response+"things", `{}`),
		do(response+"labels", `{"labels":{"b":"1","a":"2"}}`),
		do(response+"labels", `{}`),
		do(response+"color", `{"color":"COLOR_CRIMSON"}`),
		do(response+"color", `{"color":7}`, unnamedAlone),
		do(response+"color", `{}`),
		do(response+"count", `{"count":"9007199254740993"}`, integerAlone),
		do(response+"count", `{}`, integerAlone),
		do(response+"data", `{"data":"AP8="}`),
		do(response+"data", `{}`, noBytesAlone),
		do(response+"flag", `{"flag":true}`),
		do(response+"flag", `{"flag":false}`),
		do(response+"flag", `{}`),
		do(response+"time", `{"time":"2026-01-02T03:04:05+01:00"}`),
		do(response+"time", `{}`, unsetAlone),
		do(response+"object", `{"object":{"a":[1,null]}}`),
		do(response+"object", `{}`, unsetAlone),
		do(response+"value", `{"value":"x"}`),
		do(response+"value", `{"value":null}`),
		do(response+"value", `{}`, unsetValueAlone),
		do(response+"file", `{"file":{"contentType":"text/plain","data":"aGk="}}`, rawField),
		do(response+"file", `{}`, rawField),
		do("GET /test/v1/response/http/a?behavior.payload_size=4", ""),
		do(response+"http", `{"file":{"contentType":"image/png","data":"AP8="}}`),
		do(response+"http", `{"file":{"data":"aGk="}}`, noType),
		do(response+"http", `{"file":{}}`, noType),
		do("POST /canary/v1/echo", `{"numbers":["1","2"],"data":"AP8=","behavior":{"payloadSize":3}}`),
	}
}

// errorCalls have a backend that fails.
func errorCalls() []call {
	const all = "POST /test/v1/body/all"
	failing := func(status string) string { return `{"behavior":{"status":` + status + `}}` }
	var calls []call
	for _, code := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "99"} {
		c := do(all, failing(`{"code":`+code+`,"message":"as asked"}`))
		if code == "16" {
			challenge.apply(&c)
		}
		calls = append(calls, c)
	}
	return append(calls,
		do(all, failing(`{"code":5,"message":"é \"<&>\" \n%zz"}`)),
		do(all, failing(`{"code":5}`)),
		do(all, failing(`{"code":3,"message":"m","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"f","description":"d"}]},{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"R"},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.5s"}]}`)),
		do(all, failing(`{"code":3,"message":"m","details":[{"@type":"type.googleapis.com/dragoman.test.v1.Scalars","int64Value":"5"}]}`)),
		do("GET /test/v1/things/a?behavior.status.code=5&behavior.status.message=m", ""),
		do("GET /canary/v1/echo?behavior.no_message=true", "", wordsOfGRPC),
		do("GET /canary/v1/echo?behavior.messages=2", "", wordsOfGRPC),
		do("POST /test/v1/response/thing", failing(`{"code":5,"message":"m"}`)),
		do("GET /test/v1/response/http/a?behavior.status.code=5", ""),
		do("POST /test/v1/response/http", failing(`{"code":16,"message":"m"}`), challenge),
		do("HEAD /test/v1/custom/a?behavior.status.code=5", ""),
		do("GET /canary/v1/echo?behavior.payload_size=5000000", "", largerAnswer),
	)
}

// streamCalls have streams on either side.
func streamCalls() []call {
	const repeat = "/test/v1/streams/repeat"
	return []call{
		do("GET "+repeat+"/a?behavior.messages=3", "", T(132)),
		do("GET "+repeat+"/a", "", T(132)),
		do("GET "+repeat+"/a?behavior.messages=2", "", T(130), field("Accept: application/json")),
		do("GET "+repeat+"/a?behavior.messages=2", "", T(130), field("Accept: text/event-stream")),
		do("GET "+repeat+"/a?behavior.messages=2", "", T(130), field("Accept: image/png")),
		do("GET "+repeat+"/a?nope=1", "", T(57), T(132)),
		do("GET "+repeat+"/a?count=x", ""),
		do("GET "+repeat+"/a?behavior.no_message=true", "", T(131), emptyStream),
		do("GET "+repeat+"/a?behavior.messages=2&behavior.status.code=9&behavior.status.message=m", "", T(132)),
		do("GET "+repeat+"/a?behavior.status.code=9&behavior.status.message=m", "", T(134)),
		do("GET "+repeat+"/a?behavior.status.code=9&behavior.header_first=true", "", T(134)),
		do("POST "+repeat, `{"id":"a","behavior":{"messages":2,"header":[{"key":"x-h","values":["1"]}],"trailer":[{"key":"x-t","values":["2"]}]}}`, T(132)),
		do("POST "+repeat, `{"id":"a","behavior":{"messages":2,"trailer":[{"key":"x-t","values":["2"]}]}}`, field("TE: trailers"), T(132), T(168)),
		do("POST "+repeat, `{"behavior":{"messages":1,"status":{"code":3,"message":"m","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"R"}]}}}`, T(132)),
		do("POST "+repeat, `{"behavior":{"status":{"code":3,"message":"m","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"R"}]}}}`, T(134)),
		do("POST "+repeat, `{`),
		do("POST "+repeat, ``, T(132)),
		do("GET /test/v1/streams:watch?behavior.messages=1", "", T(132)),
		do("GET "+repeat+"-thing?thing.name=n&behavior.messages=2", "", T(132)),
		do("GET "+repeat+"-thing", "", T(132), unsetAlone),
		do("GET "+repeat+"-text?text=a%0Ab&behavior.messages=2", "", T(132)),
		do("GET "+repeat+"-text", "", T(132)),
		do("GET /test/v1/streams/safe-repeat?behavior.messages=2", "", T(132)),
		do("POST /dragoman.test.v1.StreamService/RepeatNoRule", `{"behavior":{"messages":2}}`, T(132)),
		do("GET /test/v1/streams/download?behavior.payload_size=20&behavior.messages=2", "", delimiter),
		do("GET /test/v1/streams/download?behavior.payload_size=20&behavior.messages=2&behavior.status.code=13&behavior.status.message=m", "", delimiter, cutOff),
		do("GET /test/v1/streams/download?behavior.status.code=5", "", T(134)),
		do("GET /test/v1/streams/download?behavior.no_message=true", "", emptyStream),
		do("GET /test/v1/streams/download-field?behavior.payload_size=20&behavior.messages=2", "", rawField),
		do("POST /canary/v1/slow", `{"sleep":"0.001s"}`),
		do("GET /canary/v1/stream", "", T(132)),
		do("POST /canary/v1/stream", `{"behavior":{"messages":1}}`, T(132)),
		do("POST /test/v1/streams/collect", `{"id":"a"}{"id":"b"}`, T(141)),
		do("POST /test/v1/streams/collect", "{\"id\":\"a\"}\n{\"id\":\"b\"}\n", T(141)),
		do("POST /test/v1/streams/collect", `{"id":"a"}`, T(91), T(141), field("Content-Type: text/plain")),
		do("POST /test/v1/streams/collect", `[{"id":"a"}]`, T(141)),
		do("POST /test/v1/streams/collect", ``),
		do("POST /test/v1/streams/converse", `{"id":"a"}{"id":"b"}`, clientStream),
		do("POST /test/v1/streams/upload", `{"data":"aGk="}{"data":"aGk="}`, upload, sends(`content_type:"application/json" data:"{\"data\":\"aGk=\"}{\"data\":\"aGk=\"}"`)),
		do("POST /test/v1/streams/upload-field", `{"file":{"data":"aGk="}}`, upload, sends(`file:{content_type:"application/json" data:"{\"file\":{\"data\":\"aGk=\"}}"}`)),
		do("POST /test/v1/streams/exchange", `{"data":"aGk="}`, clientStream),
		do("POST /canary/v1/converse", `{"id":"a"}`, clientStream),
		do("POST /dragoman.test.v1.StreamService/CollectNoRule", `{"id":"a"}`, T(141)),
		do("POST /dragoman.test.v1.StreamService/ConverseNoRule", `{"id":"a"}`, clientStream),
	}
}

// metadataCalls are about header fields, both ways.
func metadataCalls() []call {
	const echo, all = "GET /canary/v1/echo", "POST /test/v1/body/all"
	sending := func(metadata string) string { return `{"behavior":{` + metadata + `}}` }
	return []call{
		do(echo, "", field("X-Foo: 1")),
		do(echo, "", field("Grpc-Metadata-Foo: 1"), field("Grpc-Metadata-Foo: 2")),
		do(echo, "", field("grpc-metadata-FOO: a, b")),
		do(echo, "", field("Grpc-Metadata-Foo-Bin: AAE=")),
		do(echo, "", field("Grpc-Metadata-Foo-Bin: AAE")),
		do(echo, "", field("Grpc-Metadata-Foo-Bin: AAE, AAI"), binaryList, sends(``)),
		do(echo, "", field("Grpc-Metadata-Foo-Bin: !")),
		do(echo, "", field("Grpc-Metadata-: x"), reservedName, sends(``)),
		do(echo, "", field("Grpc-Metadata-Foo:")),
		do(echo, "", field("Authorization: Bearer x")),
		do(echo, "", field("Accept: text/html"), field("Accept-Language: de"), field("User-Agent: me"), field("Referer: http://r"), field("Origin: http://o")),
		do(echo, "", field("Accept-Charset: utf-8"), field("Cache-Control: no-cache"), field("Date: now"), field("From: me"), field("Max-Forwards: 1"), field("Pragma: p"), field("Via: v"), field("Warning: w")),
		do(echo, "", field("If-Match: a"), field("If-None-Match: b"), field("If-Modified-Since: c"), field("If-Unmodified-Since: d"), field("If-Schedule-Tag-Match: e")),
		do(all, `{}`, field("Content-Type: application/json; charset=utf-8")),
		do(echo, "", field("Cookie: a=b"), cookie),
		do(echo, "", field("X-Forwarded-For: 1.2.3.4"), field("X-Forwarded-Host: h")),
		do(echo, "", field("Grpc-Metadata-X-Forwarded-For: 1.2.3.4")),
		do(echo, "", field("Grpc-Metadata-X-Forwarded-Proto: https"), forwarded),
		do(echo, "", field("Grpc-Metadata-Grpcgateway-Authorization: x")),
		do(echo, "", field("Grpcgateway-Authorization: x")),
		do(echo, "", field("Grpc-Metadata-Grpc-Timeout: 1S")),
		do(echo, "", field("Grpc-Metadata-Connection: close"), reservedName, sends(``)),
		do(echo, "", field("Grpc-Metadata-X-Dragoman-User: root"), ownNames),
		do(echo, "", field("Grpc-Metadata-Content-Type: x")),
		do(echo, "", field("Connection: Grpc-Metadata-Foo, Authorization"), field("Grpc-Metadata-Foo: 1"), field("Authorization: a"), hopByHop),
		do(echo, "", field("Grpc-Metadata-Foo: é"), notPrintable),
		do(echo, "", field("Grpc-Metadata-Foo: a\tb"), notPrintable),
		do(echo, "", field("Accept-Language: é"), notPrintable),
		do(echo, "", field("Grpc-Trailer-Foo: 1")),

		// Timeouts.
		do(echo, "", field("Grpc-Timeout: 20S")),
		do(echo, "", field("Grpc-Timeout: 1H")),
		do(echo, "", field("Grpc-Timeout: 99999999m")),
		do(echo, "", field("Grpc-Timeout: 1000000000n"), manyDigits),
		do(echo, "", field("Grpc-Timeout: 5")),
		do(echo, "", field("Grpc-Timeout: 5s")),
		do(echo, "", field("Grpc-Timeout: S")),
		do(echo, "", field("Grpc-Timeout: -1S")),
		do(echo, "", field("Grpc-Timeout: 0S"), noTime),
		do(echo, "", field("Grpc-Timeout: 1u")),
		do("GET /canary/v1/slow", "", field("Grpc-Timeout: 300m"), wordsOfGRPC),
		do("GET /canary/v1/stream", "", field("Grpc-Timeout: 20S"), T(132)),
		do(echo, "", field("X-Server-Timeout: 5"), otherTimeout),
		do(echo, "", field("Connect-Timeout-Ms: 5000"), otherTimeout),

		// What the backend sends.
		do(all, sending(`"header":[{"key":"x-a","values":["2","1","2"]},{"key":"set-cookie","values":["a=b"]},{"key":"location","values":["/x"]}]`)),
		do(all, sending(`"header":[{"key":"x-b-bin","values":["aGk="]}]`), binaryOut),
		do(all, sending(`"trailer":[{"key":"x-t","values":["1","2"]}]`)),
		do(all, sending(`"trailer":[{"key":"x-t","values":["1","2"]},{"key":"y-t","values":["3"]}]`), field("TE: trailers")),
		do(all, sending(`"trailer":[{"key":"x-t","values":["1"]}]`), field("TE: gzip, Trailers")),
		do(all, sending(`"trailer":[{"key":"x-t","values":["1"]}],"status":{"code":5,"message":"m"}`), field("TE: trailers")),
		do(all, sending(`"header":[{"key":"x-h","values":["1"]}],"status":{"code":5,"message":"m"}`)),
		do(all, `{`, field("TE: trailers")),
		do("GET /nope", "", field("TE: trailers")),
	}
}

// bookstoreCalls are of the demo's service.
func bookstoreCalls() []call {
	return []call{
		do("GET /v1/shelves", ""),
		do("GET /v1/shelves?page_size=1", ""),
		do("GET /v1/shelves?pageSize=x", ""),
		do("GET /v1/shelves/classics", ""),
		do("GET /v1/shelves/nope", ""),
		do("GET /v1/shelves/classics/books?genres=GENRE_NOVEL&genres=2&page_size=2", ""),
		do("GET /v1/books?query=a&updated_after=2020-01-01T00:00:00Z", ""),
		do("GET /v1/books?updated_after=yesterday", ""),
		do("GET /v1/shelves/classics/books/faust", ""),
		do("PATCH /v1/shelves/classics/books/faust", `{"title":"Faust, again","labels":{"a":"b"},"price":{"micros":"5"}}`),
		do("PATCH /v1/shelves/classics/books/faust?update_mask=title", `{"title":"Faust, again","year":1}`),
		do("PATCH /v1/shelves/classics/books/faust?updateMask=nope", `{"title":"Faust, again"}`, T(85)),
		do("POST /v1/shelves/classics/books/faust:move", `{"destination":"shelves/science"}`),
		do("POST /v1/shelves/classics/books/faust:move", `{"destination":"shelves/nope"}`),
		do("DELETE /v1/shelves/classics/books/faust", ""),
		do("DELETE /v1/shelves/classics/books/faust?etag=stale", ""),
		do("GET /v1/shelves/classics/books/nope", ""),
		do("POST /v1/shelves?shelf_id=new", `{"title":"New"}`),
		do("POST /v1/shelves", `{}`),
		do("POST /v1/shelves?shelf_id=classics", `{"title":"Again"}`),
		do("DELETE /v1/shelves/classics", ""),
		do("POST /v1/shelves/classics/books?book_id=b", `{"title":"T","authors":["A"],"genre":"GENRE_NOVEL","year":1999,"price":{"currencyCode":"EUR","micros":"5000000"},"print":{"pages":5},"labels":{"a":"b"}}`),
		do("POST /v1/shelves/classics/books", `{"title":"T","print":{},"ebook":{}}`),
		// A watch does not end by itself, so only those that are refused can be compared.
		do("GET /v1/shelves/classics/books:watch?include_current=x", ""),
		do("GET /v1/books:watch?after_revision=x", ""),
		do("POST /v1/chat", `{"text":"hi"}`, clientStream),
	}
}
