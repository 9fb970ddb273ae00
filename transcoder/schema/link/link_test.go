// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package link_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/link"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/sourcetest"
)

// byName lists files by their import names.
func byName(files ...*descriptorpb.FileDescriptorProto) map[string]*descriptorpb.FileDescriptorProto {
	protos := make(map[string]*descriptorpb.FileDescriptorProto)
	for _, file := range files {
		protos[file.GetName()] = file
	}
	return protos
}

// empty makes a file that imports others.
func empty(name string, imports ...string) *descriptorpb.FileDescriptorProto {
	return &descriptorpb.FileDescriptorProto{Name: proto.String(name), Dependency: imports}
}

// with adds messages to a file.
func with(file *descriptorpb.FileDescriptorProto, messages ...string) *descriptorpb.FileDescriptorProto {
	for _, name := range messages {
		file.MessageType = append(file.MessageType, &descriptorpb.DescriptorProto{Name: proto.String(name)})
	}
	return file
}

func chain(n int) []*descriptorpb.FileDescriptorProto {
	files := []*descriptorpb.FileDescriptorProto{empty("0.proto")}
	for i := 1; i < n; i++ {
		files = append(files, empty(fmt.Sprintf("%d.proto", i), fmt.Sprintf("%d.proto", i-1)))
	}
	return files
}

// TestOrder links a set whatever the order of its files (T1), and finds the well-known ones (T3).
func TestOrder(t *testing.T) {
	files := sourcetest.Second()
	for i := range 20 {
		files[fmt.Sprintf("deep/%d.proto", i)] = fmt.Sprintf("syntax = \"proto3\";\npackage deep.p%d;\nimport %q;\n", i,
			map[bool]string{true: "greet/v1/greeter.proto", false: fmt.Sprintf("deep/%d.proto", i-1)}[i == 0])
	}
	for seed := range uint64(20) {
		set := sourcetest.Compile(t, files)
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(set.File), func(i, j int) { set.File[i], set.File[j] = set.File[j], set.File[i] })
		linked, err := link.Link(link.Input{Protos: byName(set.File...)})
		if err != nil {
			t.Fatalf("order %d: %v", seed, err)
		}
		if linked.Relinked != len(set.File) || linked.Files["deep/19.proto"] == nil || linked.Files["google/api/http.proto"] == nil {
			t.Errorf("order %d: %d of %d files are linked", seed, linked.Relinked, len(set.File))
		}
	}
}

// TestRefused names what is wrong, all of it.
func TestRefused(t *testing.T) {
	bomb := []*descriptorpb.FileDescriptorProto{empty("0.proto"), empty("1.proto", "0.proto")}
	for i := 2; i < 64; i++ {
		bomb = append(bomb, empty(fmt.Sprintf("%d.proto", i), fmt.Sprintf("%d.proto", i-1), fmt.Sprintf("%d.proto", i-2)))
		bomb[i].PublicDependency = []int32{0, 1}
	}
	circle := chain(200)
	circle[0].Dependency = []string{"199.proto"}
	for _, test := range []struct {
		name  string
		files []*descriptorpb.FileDescriptorProto
		want  []string
	}{
		{"missing imports (T2)", []*descriptorpb.FileDescriptorProto{
			empty("a.proto", "nope.proto", "google/protobuf/any.proto"), empty("b.proto", "gone.proto"),
		}, []string{"a.proto imports nope.proto, which is not there", "b.proto imports gone.proto, which is not there"}},
		{
			"a circle",
			[]*descriptorpb.FileDescriptorProto{empty("a.proto", "b.proto"), empty("b.proto", "c.proto"), empty("c.proto", "b.proto")},
			[]string{"files import each other in a circle of 2", "imports c.proto"},
		},
		{"a circle of one", []*descriptorpb.FileDescriptorProto{empty("a.proto", "a.proto")}, []string{"in a circle of 1"}},
		{"a long circle", circle, []string{"in a circle of 200", "190 more files are in the circle"}},
		{
			"two files with one message (T5)",
			[]*descriptorpb.FileDescriptorProto{with(empty("a.proto"), "M"), with(empty("b.proto"), "M")},
			[]string{"M is defined in two files", "a.proto", "b.proto"},
		},
		{"a file that is in conflict with a well-known one", []*descriptorpb.FileDescriptorProto{
			{Name: proto.String("x.proto"), Package: proto.String("google.protobuf"), MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Any")}}},
			empty("y.proto", "x.proto", "google/protobuf/any.proto"),
		}, []string{"google.protobuf.Any is defined in two files"}},
		{"a bomb of public imports", bomb, []string{"reaches other files by public imports in more than 100000 ways"}},
		{"no name", []*descriptorpb.FileDescriptorProto{{}}, []string{"path must be populated"}},
		{"two mistakes in two files", []*descriptorpb.FileDescriptorProto{
			{Name: proto.String("a.proto"), Syntax: proto.String("proto9")},
			{Name: proto.String("b.proto"), EnumType: []*descriptorpb.EnumDescriptorProto{{Name: proto.String("E")}}},
		}, []string{"invalid syntax", `enum "E" must contain at least one value`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := link.Link(link.Input{Protos: byName(test.files...)})
			var refused *schema.LoadError
			if !errors.As(err, &refused) {
				t.Fatalf("Link returns %v; want a *schema.LoadError", err)
			}
			var text strings.Builder
			if err := schema.Render(&text, refused.All(), schema.RenderOptions{}); err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				if !strings.Contains(text.String(), want) {
					t.Errorf("%q is not in:\n%s", want, text.String())
				}
			}
		})
	}
}

// TestLenient leaves out one file and what imports it.
func TestLenient(t *testing.T) {
	weird := &descriptorpb.FileDescriptorProto{
		Name: proto.String("weird.proto"), Package: proto.String("w"),
		EnumType: []*descriptorpb.EnumDescriptorProto{{Name: proto.String("E")}},
		Service:  []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("Lost")}},
	}
	linked, err := link.Link(link.Input{Lenient: true, Protos: byName(
		weird, empty("user.proto", "weird.proto"), empty("its_user.proto", "user.proto"), with(empty("good.proto"), "M"),
	)})
	if err != nil {
		t.Fatal(err)
	}
	if len(linked.Files) != 1 || linked.Files["good.proto"] == nil {
		t.Errorf("files are %v; want good.proto alone", linked.Files)
	}
	var got []string
	for _, d := range linked.Unserved {
		got = append(got, d.Message+" "+strings.Join(d.Notes, ""))
	}
	want := []string{
		"its_user.proto is left out: it imports user.proto, which is left out ",
		"user.proto is left out: it imports weird.proto, which is left out ",
		`weird.proto is left out: enum "w.E" must contain at least one value declaration not served: w.Lost`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("unserved:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestStore relinks what changed, and keeps the last good state over a failure (T7).
func TestStore(t *testing.T) {
	var store link.Store
	update := func(files ...*descriptorpb.FileDescriptorProto) (*link.Linked, bool, error) {
		return store.Update(byName(files...), "")
	}
	first, changed, err := update(with(empty("a.proto"), "A"), empty("b.proto", "a.proto"), with(empty("c.proto"), "C"))
	if err != nil || !changed || first.Relinked != 3 {
		t.Fatalf("first: %v, %t, %v", first, changed, err)
	}
	same, changed, err := update(with(empty("a.proto"), "A"), empty("b.proto", "a.proto"), with(empty("c.proto"), "C"))
	if err != nil || changed || same != first {
		t.Errorf("the same again: changed is %t, %v", changed, err)
	}
	if _, _, err := update(empty("b.proto", "a.proto")); err == nil {
		t.Error("a missing import is accepted")
	}
	second, changed, err := update(with(empty("a.proto"), "A", "More"), empty("b.proto", "a.proto"), with(empty("c.proto"), "C"))
	if err != nil || !changed || second.Relinked != 2 {
		t.Fatalf("second: %+v, %t, %v; want 2 files linked again", second, changed, err)
	}
	if second.Files["c.proto"] != first.Files["c.proto"] || second.Files["b.proto"] == first.Files["b.proto"] {
		t.Error("the file that does not import the changed one must be kept, the one that does must not")
	}
	third, _, err := update(with(empty("c.proto"), "C"))
	if err != nil || third.Relinked != 0 || third.Files["a.proto"] != nil {
		t.Errorf("third: %+v, %v; want c.proto alone, kept", third, err)
	}
}
