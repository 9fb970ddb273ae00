// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package descriptorset_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/descriptorset"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/sourcetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestContract(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) (schema.Source, sourcetest.Backing) {
		set := file(filepath.Join(t.TempDir(), "set.binpb"))
		return open(t, descriptorset.Config{Paths: []string{string(set)}}), set
	})
}

// file is a file with a descriptor set.
type file string

// Put implements [sourcetest.Backing].
func (f file) Put(t *testing.T, files map[string]string) {
	t.Helper()
	write(t, string(f), encode(t, sourcetest.Compile(t, files)))
}

// Break implements [sourcetest.Backing].
func (f file) Break(t *testing.T) {
	t.Helper()
	write(t, string(f), []byte("no set"))
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func encode(t testing.TB, set *descriptorpb.FileDescriptorSet) []byte {
	t.Helper()
	content, err := proto.MarshalOptions{Deterministic: true}.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func open(t testing.TB, config descriptorset.Config) *descriptorset.Source {
	t.Helper()
	source, err := descriptorset.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return source
}
