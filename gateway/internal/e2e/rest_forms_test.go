// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"io"
	"mime/multipart"
	"net/textproto"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// TestT129_Multipart: a form of a browser becomes a message, or a stream of them: its file the body, its fields the rest.
func TestT129_Multipart(t *testing.T) {
	t.Parallel()
	d := start(t, restPolicy(config.REST{Multipart: new(true)}))
	form := func(fields []string, content string) (body, contentType string) {
		var b strings.Builder
		w := multipart.NewWriter(&b)
		for i := 0; i < len(fields); i += 2 {
			if err := w.WriteField(fields[i], fields[i+1]); err != nil {
				t.Fatal(err)
			}
		}
		part, err := w.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {`form-data; name="upload"; filename="a.txt"`}, "Content-Type": {"text/x-own"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, content); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String(), w.FormDataContentType()
	}
	for _, c := range d.both(t) {
		t.Run(c.name, func(t *testing.T) {
			body, contentType := form([]string{"name", "n", "tags", "a", "tags", "b"}, "hello")
			if a := c.call(t, "POST", "/test/v1/body/file/7?parent=p", body, "content-type", contentType); a.status != 200 {
				t.Fatalf("unary: %d %s", a.status, a.body)
			}
			d.wantSeen(t, binding+"BodyFile", `{"id":"7","name":"n","parent":"p","tags":["a","b"],"file":{"contentType":"text/x-own","data":"aGVsbG8="}}`)

			if a := c.call(t, "POST", "/test/v1/streams/upload-field?id=i", body, "content-type", contentType); a.status != 200 {
				t.Fatalf("stream: %d %s", a.status, a.body)
			}
			d.wantSeen(t, streams+"UploadField", `{"id":"i","name":"n","tags":["a","b"],"file":{"contentType":"text/x-own","data":"aGVsbG8="}}`)

			large, contentType := form([]string{"name", "n"}, strings.Repeat("0123456789abcdef", 6<<16)) // more than a message may have
			a := c.call(t, "POST", "/test/v1/streams/upload-field", large, "content-type", contentType)
			if m := fromJSON(t, a.body, &testv1.BindResponse{}); a.status != 200 || m.GetCount() != 6<<20 || m.GetSeen().GetSequence() < 2 {
				t.Errorf("large: %d, %d bytes in %d messages", a.status, m.GetCount(), m.GetSeen().GetSequence())
			}
			if a := c.call(t, "POST", "/test/v1/body/file/7", large, "content-type", contentType); a.status != 413 {
				t.Errorf("larger than a message may be: %d", a.status)
			}
			// Fields of a form are held to the rules of the query.
			for reason, fields := range map[string][]string{
				"unknown": {"nope", "1"}, "set by the path": {"id", "8"}, "inside the body": {"file.data", "1"}, "twice": {"name", "a", "name", "b"}, "no number": {"count", "x"},
			} {
				body, contentType := form(fields, "x")
				if a := c.call(t, "POST", "/test/v1/body/file/7", body, "content-type", contentType); a.status != 400 {
					t.Errorf("%s: %d %s", reason, a.status, a.body)
				}
			}
			if a := c.call(t, "POST", "/test/v1/body/file/7", "nonsense", "content-type", contentType); a.status != 400 || !strings.Contains(a.body, "boundary") {
				t.Errorf("no form: %d %s", a.status, a.body)
			}
			if a := c.call(t, "POST", "/test/v1/body/file/7", "plain", "content-type", "text/plain"); a.status != 200 {
				t.Errorf("another type: %d %s", a.status, a.body)
			}
		})
	}
	// Without the option the body is what it is (T123).
	plain := start(t, nil)
	body, contentType := form(nil, "hello")
	if a := plain.h1(t).call(t, "POST", "/test/v1/body/file/7", body, "content-type", contentType); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if got := plain.backend.Last(binding + "BodyFile").GetRequestJson(); !strings.Contains(got, "multipart/form-data") {
		t.Errorf("without the option: %s", got)
	}
}
