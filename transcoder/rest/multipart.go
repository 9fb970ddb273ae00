// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"bufio"
	"bytes"
	"mime"
	"net/textproto"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Bounds of a multipart body.
const (
	// maxPartHead is the size in bytes of the largest head of a part.
	maxPartHead = 8 << 10
	// maxFormField is the size in bytes of the largest value of a field.
	maxFormField = 64 << 10
	// maxFormFields is how many fields a form may have.
	maxFormFields = 1000
	// maxBoundary is the length of the longest boundary (RFC 2046, section 5.1.1).
	maxBoundary = 70
)

// form reads a multipart/form-data body as it comes: first the fields, then one file, whose bytes are handed on piece by piece (T129).
// Where all of the body is there, fields may come behind the file as well.
//
// https://www.rfc-editor.org/rfc/rfc7578.html
type form struct {
	delimiter []byte // line break, two hyphens and the boundary
	buf       []byte // not yet used
	searched  int    // how many bytes of buf were looked through for what ends the part at hand
	state     formState
	whole     bool // all of the body is there before anything is asked for

	name        string           // of the field at hand
	fields      []bind.Parameter // so far
	hasFile     bool
	contentType string // of the file
}

// formState is where in the body a form is.
type formState uint8

const (
	formDelimiter formState = iota // before a delimiter
	formBehind                     // behind one
	formHead                       // in the head of a part
	formField                      // in the value of a field
	formFile                       // in the file
	formEnd                        // behind the last delimiter
)

// newForm returns the reader of a body with that content type; nil if it is no form.
func newForm(contentType string, whole bool) (*form, error) {
	t, params, err := mime.ParseMediaType(contentType)
	if t != "multipart/form-data" {
		return nil, nil //nolint:nilnil // it is no form, and that is no error
	}
	boundary := params["boundary"]
	if err != nil || boundary == "" || len(boundary) > maxBoundary {
		return nil, formError("content-type has no boundary of 1 to %d characters", maxBoundary)
	}
	// The first delimiter has no line break before it; it is given one.
	return &form{delimiter: []byte("\r\n--" + boundary), buf: []byte("\r\n"), whole: whole}, nil
}

func formError(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, status.ReasonBadRequest, "form: "+format, args...)
}

// push takes a piece of the body.
func (f *form) push(data []byte) { f.buf = append(f.buf, data...) }

// next returns the next piece of the file; more says that the body does not have one yet, end that it has no more. last says that all of
// the body was pushed. The data are good until the next push.
func (f *form) next(last bool) (data []byte, more, end bool, err error) {
	for {
		var wait bool
		switch f.state {
		case formDelimiter:
			wait, err = f.openDelimiter()
		case formBehind:
			wait, err = f.behind()
		case formHead:
			wait, err = f.head()
		case formField:
			wait, err = f.field()
		case formFile:
			if data = f.file(); len(data) > 0 {
				return data, false, false, nil
			}
			wait = f.state == formFile
		case formEnd:
			if len(bytes.Trim(f.buf, "\r\n")) > 0 {
				return nil, false, false, formError("there is something behind the last part")
			}
			f.buf = f.buf[:0]
			if last {
				return nil, false, true, nil
			}
			wait = true
		}
		if err != nil {
			return nil, false, false, err
		}
		if wait {
			if last {
				return nil, false, false, formError("it ends before its last part does")
			}
			return nil, true, false, nil
		}
	}
}

// take drops the first n bytes of what is not used.
func (f *form) take(n int) {
	f.buf = f.buf[:copy(f.buf, f.buf[n:])]
	f.searched = 0
}

// find returns where the mark is in what is not used, or -1. It does not look twice at what comes piece by piece.
func (f *form) find(mark []byte) int {
	from := max(0, f.searched-len(mark)+1)
	i := bytes.Index(f.buf[from:], mark)
	f.searched = len(f.buf)
	if i < 0 {
		return -1
	}
	return from + i
}

func (f *form) openDelimiter() (wait bool, err error) {
	if n := min(len(f.buf), len(f.delimiter)); !bytes.Equal(f.buf[:n], f.delimiter[:n]) {
		return false, formError("it does not begin with its boundary")
	}
	if len(f.buf) < len(f.delimiter) {
		return true, nil
	}
	f.take(len(f.delimiter))
	f.state = formBehind
	return false, nil
}

func (f *form) behind() (wait bool, err error) {
	if len(f.buf) < 2 {
		return true, nil
	}
	switch string(f.buf[:2]) {
	case "\r\n":
		f.state = formHead
		f.take(2)
	case "--":
		f.state = formEnd
		f.take(2)
	default:
		return false, formError("a boundary does not end its line")
	}
	return false, nil
}

func (f *form) head() (wait bool, err error) {
	end := f.find([]byte("\r\n\r\n"))
	if end < 0 && len(f.buf) <= maxPartHead {
		return true, nil
	}
	if end < 0 || end > maxPartHead {
		return false, formError("the head of a part has more than %d bytes", maxPartHead)
	}
	h, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(f.buf[:end+4]))).ReadMIMEHeader()
	if err != nil {
		return false, formError("the head of a part cannot be read")
	}
	f.take(end + 4)
	disposition, params, err := mime.ParseMediaType(h.Get("Content-Disposition"))
	if err != nil || disposition != "form-data" || params["name"] == "" {
		return false, formError("a part does not say its name")
	}
	if e := strings.ToLower(h.Get("Content-Transfer-Encoding")); e != "" && e != "binary" && e != "8bit" && e != "7bit" {
		return false, formError("a part has the transfer encoding %.32q; it must have none", e)
	}
	if _, isFile := params["filename"]; isFile {
		if f.hasFile {
			return false, formError("it has more than one file")
		}
		f.hasFile, f.contentType, f.state = true, h.Get("Content-Type"), formFile
		return false, nil
	}
	switch {
	case f.hasFile && !f.whole:
		return false, formError("the field %.64q comes behind the file; put it before", params["name"])
	case len(f.fields) >= maxFormFields:
		return false, formError("it has more than %d fields", maxFormFields)
	}
	f.name, f.state = params["name"], formField
	return false, nil
}

func (f *form) field() (wait bool, err error) {
	end := f.find(f.delimiter)
	if end < 0 && len(f.buf) <= maxFormField+len(f.delimiter) {
		return true, nil
	}
	if end < 0 || end > maxFormField {
		return false, formError("the field %.64q has more than %d bytes", f.name, maxFormField)
	}
	f.fields = append(f.fields, bind.Parameter{Name: f.name, Value: string(f.buf[:end])})
	f.take(end)
	f.state = formDelimiter
	return false, nil
}

// file returns the bytes of the file that are there. What could be the beginning of a delimiter stays.
func (f *form) file() []byte {
	end := bytes.Index(f.buf, f.delimiter)
	if end == 0 {
		f.state = formDelimiter
		return nil
	}
	if end < 0 {
		end = len(f.buf) - partial(f.buf, f.delimiter)
	}
	data := bytes.Clone(f.buf[:end])
	f.take(end)
	return data
}

// partial is how many bytes at the end of data are the beginning of a delimiter.
func partial(data, delimiter []byte) int {
	for n := min(len(data), len(delimiter)-1); n > 0; n-- {
		if bytes.HasPrefix(delimiter, data[len(data)-n:]) {
			return n
		}
	}
	return 0
}
