// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind_test

import (
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder/bind"
)

// T79 where a profile asks for it: a number of an enum has a name.
func TestT79NamedEnumNumbers(t *testing.T) {
	t.Parallel()
	run(t, newBinder(t, bind.Config{NamedEnumNumbers: true}), []row{
		{"GET /test/v1/things/7?color=10&colors=-1", "", `{"id":"7","color":"COLOR_BLUE","colors":["COLOR_INFRARED"]}`},
		{"GET /test/v1/things/7?color=7", "", `!7 is not a value of dragoman.test.v1.Color`},
		{"GET /test/v1/things/7?colors=1&colors=7", "", `!7 is not a value`},
		{"GET /test/v1/nested/5/true/7", "", `!7 is not a value`},
		{"GET /test/v1/things/7?color=COLOR_MAUVE", "", `!"COLOR_MAUVE" is not a value`},
		{"GET /test/v1/things/7?color=99999999999", "", `!is not a value`},
		{"POST /test/v1/body/all", `{"color":7}`, `{"color":7}`}, // JSON is another matter
	})
}

// T85 where a profile asks for it: the paths of a mask are as they were given.
func TestT85LiteralMasks(t *testing.T) {
	t.Parallel()
	run(t, newBinder(t, bind.Config{LiteralMasks: true}), []row{
		{"GET /test/v1/things/7?update_mask=thing.title,tags", "", `{"id":"7","updateMask":"thing.title,tags"}`},
		{"PATCH /test/v1/things/7?updateMask=size", `{"title":"t"}`, `{"thing":{"name":"things/7","title":"t"},"updateMask":"size"}`},
		{"GET /test/v1/things/7?updateMask=%FF", "", `!updateMask`},
		{"GET /test/v1/things/7?updateMask=a&update_mask=b", "", `!set twice`},
	})
}

// T123 where a profile asks for it: an HttpBody is JSON like another message.
func TestT123JSONHTTPBody(t *testing.T) {
	t.Parallel()
	run(t, newBinder(t, bind.Config{JSONHTTPBody: true}), []row{
		{"POST /test/v1/body/file/7", `{"contentType":"text/plain","data":"aGk="}`, `{"id":"7","file":{"contentType":"text/plain","data":"aGk="}}`},
		{"POST /test/v1/body/http", `{"data":"aGk="}`, `{"data":"aGk="}`},
		{"POST /test/v1/body/http", `raw`, `!body`},
		{"POST /test/v1/body/http", ``, `{}`},
	})
}

// T83, T84, T86 where a profile asks for it: the fields of well-known messages whose value is one text.
func TestT83WellKnownPaths(t *testing.T) {
	t.Parallel()
	run(t, newBinder(t, bind.Config{WellKnownPaths: true}), []row{
		{"GET /test/v1/things/7?time.seconds=5&timeout.seconds=1", "", `{"id":"7","time":"1970-01-01T00:00:05Z","timeout":"1s"}`},
		{"GET /test/v1/things/7?time=1970-01-01T00:00:05Z&time.seconds=5", "", `!set`},
		{"GET /test/v1/things/7?time.minutes=5", "", `!not a field`},
		{"GET /test/v1/things/7?value.string_value=x", "", `!not a field`},
		{"GET /test/v1/things/7?update_mask.paths=x", "", `!not a field`},
		{"GET /test/v1/things/7?object.fields[a]=x", "", `!not a field`},
	})
}

// T74, T78, T82, T84: what Go reads, exactly and in whatever field it stands.
func TestLenientScalarsAreExact(t *testing.T) {
	t.Parallel()
	run(t, newBinder(t, bind.Config{LenientScalars: true}), []row{
		// The nanoseconds of long durations were lost in a float.
		{"GET /test/v1/things/7?timeout=2562047h47m16.854775807s", "", `{"id":"7","timeout":"9223372036.854775807s"}`},
		{"GET /test/v1/things/7?timeout=-2562047h47m16.854775808s", "", `{"id":"7","timeout":"-9223372036.854775808s"}`},
		{"GET /test/v1/things/7?timeout=-0.5m", "", `{"id":"7","timeout":"-30s"}`},
		{"GET /test/v1/things/7?timeout=0", "", `{"id":"7","timeout":"0s"}`},
		{"GET /test/v1/things/7?scalars.floatValue=0x1.fffffep127", "", `{"id":"7","scalars":{"floatValue":3.4028235e+38}}`},
		{"GET /test/v1/things/7?scalars.floatValue=0x1.ffffffp127", "", `!scalars.floatValue`},
		{"GET /test/v1/things/7?scalars.int64Value=%2B9223372036854775807", "", `{"id":"7","scalars":{"int64Value":"9223372036854775807"}}`},
		{"GET /test/v1/things/7?scalars.int32Value=%2B2147483648", "", `!scalars.int32Value`},
		{"GET /test/v1/things/7?color=%2B1&colors=01", "", `{"id":"7","color":"COLOR_RED","colors":["COLOR_RED"]}`},
		{"GET /test/v1/things/7?labels[01]=a&labels[1]=b", "", `{"id":"7","labels":{"01":"a","1":"b"}}`}, // text is what it is
	})
}
