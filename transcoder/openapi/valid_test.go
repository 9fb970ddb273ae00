// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package openapi_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/openapi"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
)

// protos is the folder of this repository's protos.
const protos = "../../proto"

// TestDocumentsAreValid: a validator that shares nothing with the emitter accepts the documents of the demo, of the test service and of
// etcd, and those of the small ones in each profile of REST and with all settings of JSON turned around.
func TestDocumentsAreValid(t *testing.T) {
	t.Parallel()
	etcd := moduleFolder(t, "go.etcd.io/etcd/api/v3")
	configs := map[string]*rest.Config{"turned": {
		Encode:            codec.EncodeOptions{ProtoNames: true, Int64Numbers: true, EnumNumbers: true, Defaults: codec.DefaultsNull, DropRedacted: true},
		NoContentForEmpty: true, ETag: rest.ETagContent, Multipart: true, Errors: rest.ErrorFormat{Name: rest.FormatProblem},
	}}
	for _, p := range rest.Profiles() {
		c, err := p.Config()
		if err != nil {
			t.Fatal(err)
		}
		configs[string(p)] = &c
	}
	for name, world := range map[string]struct {
		imports, dirs []string
		operations    int  // at least
		small         bool // in each profile
	}{
		"bookstore":  {[]string{protos}, []string{protos + "/bookstore"}, 15, true},
		"test":       {[]string{protos}, []string{protos + "/dragoman/test"}, 100, false},
		"etcd":       {[]string{"etcd/api=" + etcd}, []string{etcd + "/etcdserverpb"}, 40, false},
		"everything": {nil, []string{"testdata/everything"}, 15, true},
	} {
		mux := muxOf(t, world.imports, world.dirs...)
		for profile, own := range configs {
			if !world.small && profile != string(rest.ProfileStrict) {
				continue
			}
			t.Run(name+"/"+profile, func(t *testing.T) {
				t.Parallel()
				d, err := openapi.New(openapi.Config{Mux: mux, REST: func(*transcoder.Method) *rest.Config { return own }})
				if err != nil {
					t.Fatal(err)
				}
				forms := map[string][]byte{"JSON": d.JSON()}
				if world.small {
					if forms["YAML"], err = d.YAML(); err != nil {
						t.Fatal(err)
					}
				}
				for form, data := range forms {
					parsed, err := openapi3.NewLoader().LoadFromData(data)
					if err != nil {
						t.Fatalf("%s: %v", form, err)
					}
					if err := parsed.Validate(t.Context()); err != nil {
						t.Errorf("%s: %.2000s", form, err)
					}
					operations := 0
					for _, item := range parsed.Paths.Map() {
						operations += len(item.Operations())
					}
					if operations < world.operations {
						t.Errorf("%s has %d operations; want %d or more", form, operations, world.operations)
					}
				}
			})
		}
	}
}

// moduleFolder is where the sources of a module lie.
func moduleFolder(t *testing.T, module string) string {
	t.Helper()
	printed, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	folder := strings.TrimSpace(string(printed))
	if err != nil || folder == "" {
		t.Fatalf("the module %s is not in the module cache: go mod download %s: %v", module, module, err)
	}
	return folder
}
