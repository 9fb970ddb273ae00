// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/transcoder/bind"
)

// parsed is what a form holds.
type parsed struct {
	Fields      []bind.Parameter
	File        string
	ContentType string
	Pieces      int
}

// parse reads a form that comes in pieces of a size.
func parse(body string, size int, whole bool) (*parsed, error) {
	f, err := newForm(`multipart/form-data; boundary="x"`, whole)
	if err != nil {
		return nil, err
	}
	p := &parsed{}
	for {
		data, more, end, err := f.next(body == "")
		switch {
		case err != nil:
			return nil, err
		case end:
			p.Fields, p.ContentType = f.fields, f.contentType
			return p, nil
		case more:
			n := min(size, len(body))
			f.push([]byte(body[:n]))
			body = body[n:]
		default:
			p.File += string(data)
			p.Pieces++
		}
	}
}

const (
	fieldA = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"
	file   = "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f.txt\"\r\nContent-Type: text/x-own\r\n\r\n"
	end    = "--x--\r\n"
)

// T129: the file is the body, the other parts are fields.
func TestT129_Forms(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		reason, body string
		want         *parsed
	}{
		{"a field and a file", fieldA + "1\r\n" + file + "data\r\n" + end, &parsed{Fields: []bind.Parameter{{Name: "a", Value: "1"}}, File: "data", ContentType: "text/x-own"}},
		{"a file alone", file + "data\r\n" + end, &parsed{File: "data", ContentType: "text/x-own"}},
		{"no file", fieldA + "\r\n" + end, &parsed{Fields: []bind.Parameter{{Name: "a"}}}},
		{"an empty file", file + "\r\n" + end, &parsed{ContentType: "text/x-own"}},
		{"nothing", end, &parsed{}},
		{"what looks like a delimiter", file + "\r\n--\r\n--y\r\r\n-\r\n" + end, &parsed{File: "\r\n--\r\n--y\r\r\n-", ContentType: "text/x-own"}},
		{"without the last line break", file + "data\r\n--x--", &parsed{File: "data", ContentType: "text/x-own"}},
		{"the same field twice", fieldA + "1\r\n" + fieldA + "2\r\n" + end, &parsed{Fields: []bind.Parameter{{Name: "a", Value: "1"}, {Name: "a", Value: "2"}}}},
	} {
		for size := 1; size < len(r.body)+2; size++ {
			got, err := parse(r.body, size, false)
			if err != nil {
				t.Errorf("%s, in pieces of %d: %v", r.reason, size, err)
				continue
			}
			got.Pieces = 0
			if diff := cmp.Diff(r.want, got); diff != "" {
				t.Errorf("%s, in pieces of %d (-want +got):\n%s", r.reason, size, diff)
			}
		}
	}
	if got, err := parse(file+"data\r\n"+fieldA+"1\r\n"+end, 9, true); err != nil || len(got.Fields) != 1 {
		t.Errorf("a field behind the file, all there: %+v, %v", got, err)
	}
}

func TestT129_BadForms(t *testing.T) {
	t.Parallel()
	head := "--x\r\nContent-Disposition: form-data; name=\"a\"\r\nX: "
	for _, r := range []struct{ body, want string }{
		{"", "ends before"},
		{"hello", "does not begin with its boundary"},
		{"--y\r\n", "does not begin with its boundary"},
		{"--x \r\n", "does not end its line"},
		{file + "data", "ends before"},
		{file + "data\r\n--x", "ends before"},
		{fieldA + "1", "ends before"},
		{end + "more", "behind the last part"},
		{file + "1\r\n" + file + "2\r\n" + end, "more than one file"},
		{file + "1\r\n" + fieldA + "1\r\n" + end, `the field "a" comes behind the file`},
		{"--x\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n1\r\n" + end, "does not say its name"},
		{"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n" + end, "does not say its name"},
		{"--x\r\nno head\r\n\r\n1\r\n" + end, "cannot be read"},
		{"--x\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\n1\r\n" + end, "transfer encoding"},
		{head + strings.Repeat("a", maxPartHead) + "\r\n\r\n1\r\n" + end, "the head of a part has more than 8192 bytes"},
		{fieldA + strings.Repeat("a", maxFormField+1) + "\r\n" + end, `"a" has more than 65536 bytes`},
		{strings.Repeat(fieldA+"1\r\n", maxFormFields+1) + end, "more than 1000 fields"},
	} {
		for _, size := range []int{7, len(r.body) + 1} {
			if got, err := parse(r.body, size, false); err == nil || !strings.Contains(err.Error(), r.want) {
				t.Errorf("%.60q: %+v, %v; want %q", r.body, got, err, r.want)
			}
		}
	}
	for _, contentType := range []string{"multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + strings.Repeat("a", 71)} {
		if _, err := newForm(contentType, true); err == nil {
			t.Errorf("%s is accepted", contentType)
		}
	}
	if f, err := newForm("application/json", true); f != nil || err != nil {
		t.Errorf("JSON is taken for a form: %v, %v", f, err)
	}
}

// FuzzForm compares with mime/multipart: what we accept, it reads the same.
func FuzzForm(f *testing.F) {
	for _, s := range []string{fieldA + "1\r\n" + file + "data\r\n" + end, end, file + "\r\n--\r\n" + end} {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, body string, size int) {
		if size < 1 || size > 1<<16 {
			return
		}
		got, err := parse(body, size, true)
		if err != nil {
			return
		}
		want := &parsed{Pieces: got.Pieces}
		r := multipart.NewReader(strings.NewReader(body), "x")
		for {
			part, err := r.NextRawPart()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				if len(got.Fields) == 0 && got.File == "" && strings.HasPrefix(body, "--x--") {
					return // a form of no parts is none to that package
				}
				t.Fatalf("%q is refused: %v", body, err)
			}
			data, err := io.ReadAll(part)
			if err != nil {
				t.Fatalf("%q: %v", body, err)
			}
			if !bytes.Contains([]byte(part.Header.Get("Content-Disposition")), []byte("filename")) {
				want.Fields = append(want.Fields, bind.Parameter{Name: part.FormName(), Value: string(data)})
				continue
			}
			want.File, want.ContentType = string(data), part.Header.Get("Content-Type")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-mime/multipart +ours):\n%s", body, diff)
		}
	})
}
