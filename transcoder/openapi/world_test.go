// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package openapi_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/openapi"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/protofile"
)

// muxOf loads folders of protos and binds their methods, those without a rule at their own path.
func muxOf(t testing.TB, imports []string, dirs ...string) *transcoder.Mux {
	t.Helper()
	source, err := protofile.New(protofile.Config{Dirs: dirs, ImportPaths: imports})
	if err != nil {
		t.Fatal(err)
	}
	s, err := source.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mux, err := transcoder.NewMux(transcoder.Config{Schemas: []*schema.Schema{s}})
	if err != nil {
		t.Fatal(err)
	}
	var methods []protoreflect.MethodDescriptor
	for _, m := range mux.Methods() {
		methods = append(methods, m.Desc)
	}
	table, problems := httprule.Build(methods, httprule.Config{DefaultBinding: func(protoreflect.ServiceDescriptor) bool { return true }})
	if table == nil {
		t.Fatal(problems)
	}
	mux.SetRoutes(table)
	return mux
}

var everythingMux struct {
	once sync.Once
	mux  *transcoder.Mux
}

// muxOfEverything loads the proto that has an example of all, once.
func muxOfEverything(t *testing.T) *transcoder.Mux {
	t.Helper()
	everythingMux.once.Do(func() { everythingMux.mux = muxOf(t, nil, "testdata/everything") })
	if everythingMux.mux == nil {
		t.Fatal("the proto could not be loaded; another test says why")
	}
	return everythingMux.mux
}

// everything is a document of the proto that has an example of all.
func everything(t *testing.T, edit func(*openapi.Config, *rest.Config)) any {
	t.Helper()
	own := &rest.Config{}
	cfg := openapi.Config{Mux: muxOfEverything(t), REST: func(*transcoder.Method) *rest.Config { return own }}
	if edit != nil {
		edit(&cfg, own)
	}
	d, err := openapi.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(d.JSON(), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// at is the JSON of what a document has at a path of names between blanks; "absent" where there is nothing. A name may select an element of
// a list by its member name: [name].
func at(v any, path string) string {
	for name := range strings.FieldsSeq(path) {
		v = step(v, name)
		if v == nil {
			return "absent"
		}
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func step(v any, name string) any {
	switch v := v.(type) {
	case map[string]any:
		return v[name]
	case []any:
		if i, err := strconv.Atoi(name); err == nil && i < len(v) {
			return v[i]
		}
		for _, item := range v {
			if m, ok := item.(map[string]any); ok && m["name"] == strings.Trim(name, "[]") {
				return m
			}
		}
	}
	return nil
}

// row is what is at a path of a document, and why.
type row struct{ path, want, reason string }

func check(t *testing.T, document any, rows []row) {
	t.Helper()
	for _, r := range rows {
		if got := at(document, r.path); got != r.want {
			t.Errorf("%s\n  is %s\nwant %s: %s", r.path, got, r.want, r.reason)
		}
	}
}
