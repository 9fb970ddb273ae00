// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// cut reads a body in pieces of a size.
func cut(body string, size int, array bool, limit int64) ([]string, error) {
	e := &elements{array: array, limit: limit}
	var all []string
	for {
		value, more, end, err := e.next(body == "")
		switch {
		case err != nil:
			return all, err
		case end:
			return all, nil
		case more:
			n := min(size, len(body))
			e.push([]byte(body[:n]))
			body = body[n:]
		default:
			all = append(all, string(value))
		}
	}
}

// T141: an array or lines, cut as they come.
func TestT141_Elements(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		reason, body string
		array        bool
		want         []string // nil with a fault
		fault        string
	}{
		{"lines", "{\"a\":1}\n{\"b\":2}\n", false, []string{`{"a":1}`, `{"b":2}`}, ""},
		{"the last line without its end", "1\n2", false, []string{"1", "2"}, ""},
		{"blank lines and returns", "\r\n1\r\n\n  2 \n", false, []string{"1", "2"}, ""},
		{"a text sequence", "\x1e{\"a\":1}\n\x1e{}\n", false, []string{`{"a":1}`, `{}`}, ""},
		{"no lines", "", false, []string{}, ""},
		{"a line that is no JSON", "x\n", false, []string{"x"}, ""},
		{"an array", `[{"a":1},{"b":2}]`, true, []string{`{"a":1}`, `{"b":2}`}, ""},
		{"with space everywhere", " [ {\"a\" : [ 1 , 2 ] } ,\n 7 ] \n", true, []string{`{"a" : [ 1 , 2 ] }`, "7"}, ""},
		{"with brackets and commas in texts", `["a]","b,","\"]\\",{"c":"}"}]`, true, []string{`"a]"`, `"b,"`, `"\"]\\"`, `{"c":"}"}`}, ""},
		{"empty", "[]", true, []string{}, ""},
		{"no body", "", true, []string{}, ""},
		{"nested", "[[[]],[]]", true, []string{"[[]]", "[]"}, ""},
		{"no array", `{"a":1}`, true, nil, "it must be an array"},
		{"a comma at the end", "[1,]", true, nil, "an element of the array is missing"},
		{"a comma too many", "[1,,2]", true, nil, "an element of the array is missing"},
		{"not closed", "[1", true, nil, "ends before"},
		{"not closed behind a comma", "[1,", true, nil, "ends before"},
		{"only open", "[", true, nil, "ends before"},
		{"something behind it", "[1] 2", true, nil, "something behind the array"},
		{"no comma", `[{}{}]`, true, nil, "no comma"},
		{"not closed behind an object", `[{}`, true, nil, "ends before"},
		{"a text that does not end", `["a]`, true, nil, "ends before"},
	} {
		for size := 1; size <= len(r.body)+1; size++ {
			got, err := cut(r.body, size, r.array, 100)
			if r.fault != "" {
				if err == nil || !strings.Contains(err.Error(), r.fault) {
					t.Errorf("%s, in pieces of %d: %q, %v; want %q", r.reason, size, got, err, r.fault)
				}
				continue
			}
			if err != nil || !slices.Equal(got, r.want) {
				t.Errorf("%s, in pieces of %d: got %q, %v; want %q", r.reason, size, got, err, r.want)
			}
		}
	}
}

// T141: an element is there with its last byte, so that one who sends no more before the answer is not waited for.
func TestT141_ElementsDoNotWaitForTheNext(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		begin, value string
		array        bool
	}{{"[", `{"a":[1,"]"]}`, true}, {` [{},`, `{}`, true}, {"[", `"x"`, true}, {"", `{"a":1}` + "\n", false}} {
		e := &elements{array: r.array, limit: 100}
		e.push([]byte(r.begin))
		for {
			if _, more, _, err := e.next(false); more || err != nil {
				break
			}
		}
		e.push([]byte(r.value))
		if value, more, _, err := e.next(false); string(value) != strings.TrimSpace(r.value) || more || err != nil {
			t.Errorf("%q behind %q: %q, %t, %v", r.value, r.begin, value, more, err)
		}
	}
}

// T196: no element, and nothing that could become one, is kept beyond the limit.
func TestT141_ElementsHaveALimit(t *testing.T) {
	t.Parallel()
	for _, array := range []bool{false, true} {
		for _, body := range []string{strings.Repeat("1", 200), "[" + strings.Repeat("1", 200) + "]", `["` + strings.Repeat("a", 200)} {
			_, err := cut(body, 10, array, 100)
			if e, ok := errors.AsType[*status.Error](err); !ok || e.HTTP != 413 && array == (body[0] == '[') {
				t.Errorf("%.20q, array %t: %v; want 413", body, array, err)
			}
		}
		if got, err := cut("["+strings.Repeat("7,", 1000)+"7]", 10, true, 100); err != nil || len(got) != 1001 {
			t.Errorf("many small ones: %d, %v", len(got), err)
		}
	}
}

// FuzzElements compares with encoding/json: an array is cut into the values that it reads.
func FuzzElements(f *testing.F) {
	f.Add(`[{"a":1},"]",[1,2]]`, 3)
	f.Add(`[]`, 1)
	f.Fuzz(func(t *testing.T, body string, size int) {
		if size < 1 {
			return
		}
		got, err := cut(body, size, true, 1<<20)
		var want []json.RawMessage
		if json.Unmarshal([]byte(body), &want) != nil || !strings.HasPrefix(strings.TrimLeft(body, " \t\r\n"), "[") {
			return // what the codec refuses may be cut anyhow
		}
		if err != nil || len(got) != len(want) {
			t.Fatalf("%q: %q, %v; want %d elements", body, got, err, len(want))
		}
		for i := range want {
			if got[i] != string(want[i]) {
				t.Errorf("%q: element %d is %q; want %q", body, i, got[i], want[i])
			}
		}
	})
}
