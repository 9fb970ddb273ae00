// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// services returns the schema of a file with these services, "Name:Method,Method".
func services(t *testing.T, source, file string, list ...string) *schema.Schema {
	t.Helper()
	p := &descriptorpb.FileDescriptorProto{Name: &file, Package: new("p"), Syntax: new("proto3"), MessageType: []*descriptorpb.DescriptorProto{{Name: new("M")}}}
	for _, s := range list {
		name, methods, _ := strings.Cut(s, ":")
		sd := &descriptorpb.ServiceDescriptorProto{Name: &name}
		for m := range strings.SplitSeq(methods, ",") {
			sd.Method = append(sd.Method, &descriptorpb.MethodDescriptorProto{Name: &m, InputType: new(".p.M"), OutputType: new(".p.M")})
		}
		p.Service = append(p.Service, sd)
	}
	fd, err := protodesc.NewFile(p, &protoregistry.Files{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.New(schema.Config{Source: source, Files: []protoreflect.FileDescriptor{fd}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// T6: local services are there for the listeners that have them, in the place of all that has the same name.
func TestT6_LocalServicesByListener(t *testing.T) {
	t.Parallel()
	mux, err := transcoder.NewMux(transcoder.Config{
		Schemas: []*schema.Schema{services(t, "user", "user.proto", "Own:A", "Health:Check,Old", "Hidden:B")},
		Expose:  func(service, _ string) bool { return service != "p.Hidden" },
		Local: &transcoder.Local{
			Schema: services(t, "local", "local.proto", "Health:Check,Watch", "Info:Ask", "Unused:C"),
			At:     map[string][]string{"both": {"p.Info", "p.Health"}, "health": {"p.Health"}, "again": {"p.Health", "p.Health"}, "none": nil},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range mux.Methods() {
		if m.ID != i || m.Local != (m.Schema.Source() == "local") || m.Service == "p.Unused" {
			t.Errorf("method %d is %+v", i, m)
		}
	}
	for listener, want := range map[string]string{
		"":       "p.Health/Check=user p.Health/Old=user p.Own/A=user | p.Health p.Own",
		"none":   "p.Health/Check=user p.Health/Old=user p.Own/A=user | p.Health p.Own",
		"both":   "p.Health/Check=local p.Health/Watch=local p.Info/Ask=local p.Own/A=user | p.Health p.Info p.Own",
		"health": "p.Health/Check=local p.Health/Watch=local p.Own/A=user | p.Health p.Own",
		"again":  "p.Health/Check=local p.Health/Watch=local p.Own/A=user | p.Health p.Own",
	} {
		view := mux.At(listener)
		var found []string
		for _, path := range []string{"p.Health/Check", "p.Health/Old", "p.Health/Watch", "p.Hidden/B", "p.Info/Ask", "p.Own/A", "p.Unused/C"} {
			if m := view.Method("/" + path); m != nil {
				found = append(found, path+"="+m.Schema.Source())
			}
		}
		if got := strings.Join(found, " ") + " | " + strings.Join(view.Services(), " "); got != want {
			t.Errorf("%q finds %s; want %s", listener, got, want)
		}
		if len(view.Methods()) != len(mux.Methods()) {
			t.Errorf("%q has %d methods of %d", listener, len(view.Methods()), len(mux.Methods()))
		}
	}
	if len(mux.Views()) != 2 || mux.At("health") != mux.At("again") || mux.At("none") != mux {
		t.Errorf("there are %d views; want one for each set", len(mux.Views()))
	}

	// What a file tells: neither what is hidden nor what is another's.
	for listener, want := range map[string][]string{"": {"Own", "Health"}, "health": {"Own"}} {
		data, err := mux.At(listener).Files()["user.proto"].Bytes()
		if err != nil {
			t.Fatal(err)
		}
		f := &descriptorpb.FileDescriptorProto{}
		if err := proto.Unmarshal(data, f); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range f.GetService() {
			got = append(got, s.GetName())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: the file has %q; want %q", listener, got, want)
		}
	}
	for name, want := range map[string]string{"p.Health": "local.proto", "p.Health.Old": "", "p.Own.A": "user.proto", "p.Hidden": "", "p.Unused": "", "p.None": "", "p.M": "local.proto"} {
		got := ""
		if f := mux.At("both").FileOf(name); f != nil {
			got = f.Desc.Path()
		}
		if got != want {
			t.Errorf("%s is in %q; want %q", name, got, want)
		}
	}
}

// What is unknown is refused.
func TestLocalServicesThatAreNotThere(t *testing.T) {
	t.Parallel()
	_, err := transcoder.NewMux(transcoder.Config{Local: &transcoder.Local{
		Schema: services(t, "local", "local.proto", "Health:Check"), At: map[string][]string{"main": {"p.Wealth"}},
	}})
	if err == nil || !strings.Contains(err.Error(), `local has no service "p.Wealth" with methods`) {
		t.Error(err)
	}
}
