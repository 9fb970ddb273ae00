// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// volume is a folder into which a node of Kubernetes projects a ConfigMap or a Secret: the files are in a folder of their own, which a
// symbolic link points to, and other links lead through that one. A change is one rename of the link.
type volume struct {
	t          *testing.T
	dir        string
	generation int
}

// project puts a new generation of all files in place, as AtomicWriter of the kubelet does.
func (v *volume) project(files map[string]string) {
	v.t.Helper()
	must := func(err error) {
		v.t.Helper()
		if err != nil {
			v.t.Fatal(err)
		}
	}
	const folder, file = 0o755, 0o644
	must(os.MkdirAll(v.dir, folder))
	before, err := os.Readlink(filepath.Join(v.dir, "..data"))
	v.generation++
	name := fmt.Sprintf("..2026_11_26_00_00_%02d.%d", v.generation, os.Getpid())
	for path, text := range files {
		at := filepath.Join(v.dir, name, path)
		must(os.MkdirAll(filepath.Dir(at), folder))
		must(os.WriteFile(at, []byte(text), file)) //nolint:gosec // as the kubelet writes them
	}
	must(os.Symlink(name, filepath.Join(v.dir, "..data_tmp")))
	must(os.Rename(filepath.Join(v.dir, "..data_tmp"), filepath.Join(v.dir, "..data")))
	for path := range files {
		first, _, _ := strings.Cut(path, "/")
		if link := filepath.Join(v.dir, first); !isLink(link) {
			must(os.Symlink(filepath.Join("..data", first), link))
		}
	}
	if err == nil {
		must(os.RemoveAll(filepath.Join(v.dir, before)))
	}
}

func isLink(file string) bool {
	_, err := os.Readlink(file)
	return err == nil
}

const (
	mountedConfig = `version: v1
listeners: [{name: public, address: "127.0.0.1:0", tls: {cert: ../tls/tls.crt, key: ../tls/tls.key}}]
schemas: {sources: [{protos: {dir: ../protos, watch: true}}]}
backends: {shop: {target: "127.0.0.1:1"}}
defaults: {timeout: 1s}
services: [{match: "**", backend: shop}]
auth: {providers: {partner: {api_key: {header: x-api-key, keys_file: ../keys/keys.yaml}}}}
admin: {address: "127.0.0.1:0"}
`
	mountedProto = `syntax = "proto3";
package shop.v1;
import "shop/v1/types.proto";
service Shop {
  rpc Get(Item) returns (Item);
}
`
	mountedTypes = `syntax = "proto3";
package shop.v1;
message Item {
  string id = 1;
}
`
)

// What Kubernetes mounts is read again when the node replaces it: configuration, protos in folders, a certificate and keys. Each replacement
// is one reload, and what did not change is not read again.
func TestKubernetesReplacesMounts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	volumes := map[string]*volume{}
	for _, name := range []string{"config", "protos", "tls", "keys"} {
		volumes[name] = &volume{t: t, dir: filepath.Join(dir, name)}
	}
	certificate := func(serial int64) map[string]string {
		writeCertificate(t, dir, serial)
		files := map[string]string{}
		for from, to := range map[string]string{"server.crt": "tls.crt", "server.key": "tls.key"} {
			text, err := os.ReadFile(filepath.Join(dir, "tls", from))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(filepath.Join(dir, "tls", from)); err != nil {
				t.Fatal(err)
			}
			files[to] = string(text)
		}
		return files
	}
	keys := func(subjects ...string) map[string]string {
		file := filepath.Join(t.TempDir(), "keys.yaml")
		for _, subject := range subjects {
			if out, err := exec.CommandContext(t.Context(), "dragoman", "keys", "create", "--file", file, "--subject", subject).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return map[string]string{"keys.yaml": string(text)}
	}
	protos := func(service string) map[string]string {
		return map[string]string{"shop/v1/shop.proto": service, "shop/v1/types.proto": mountedTypes}
	}
	volumes["config"].project(map[string]string{"dragoman.yaml": mountedConfig})
	volumes["protos"].project(protos(mountedProto))
	volumes["tls"].project(certificate(1))
	volumes["keys"].project(keys("one"))

	p := start(t, dir, "run", "-c", "config/dragoman.yaml")
	p.serving()
	// told are the lines of what was read again so far, of each kind.
	told := func() []int {
		text := p.err.String()
		var n []int
		for _, line := range []string{`"msg":"reloaded"`, `"trigger":"config file"`, `"trigger":"schemas"`, `"msg":"the certificate was reloaded"`, `"msg":"the file with keys was read again"`, `"level":"ERROR"`} {
			n = append(n, strings.Count(text, line))
		}
		return n
	}
	for _, tt := range []struct {
		volume string
		files  map[string]string
		says   string
		want   []int // as told
	}{
		{"config", map[string]string{"dragoman.yaml": strings.Replace(mountedConfig, "timeout: 1s", "timeout: 2s", 1)}, `"msg":"reloaded","trigger":"config file"`, []int{1, 1, 0, 0, 0, 0}},
		{"protos", protos(strings.Replace(mountedProto, "Get(", "Fetch(", 1)), `"msg":"reloaded","trigger":"schemas"`, []int{2, 1, 1, 0, 0, 0}},
		{"tls", certificate(2), `"msg":"the certificate was reloaded"`, []int{2, 1, 1, 1, 0, 0}},
		{"keys", keys("one", "two"), `"msg":"the file with keys was read again".*"keys":2`, []int{2, 1, 1, 1, 1, 0}},
		{"protos", protos(mountedProto), `"removed":\[".*Fetch`, []int{3, 1, 2, 1, 1, 0}},
		{"config", map[string]string{"dragoman.yaml": mountedConfig}, `"setting":"defaults.timeout","before":"2s","after":"1s"`, []int{4, 2, 2, 1, 1, 0}},
	} {
		volumes[tt.volume].project(tt.files)
		p.says(p.err, tt.says)
		// What is written after that line belongs to it, or is of a reload that should not be: a reload that is asked for comes after all.
		p.signal(syscall.SIGHUP)
		p.says(p.err, `(?s)(?:"msg":"reloaded; nothing is new","trigger":"signal".*){`+strconv.Itoa(tt.want[0]+tt.want[3]+tt.want[4])+`}`)
		if got := told(); !slices.Equal(got, tt.want) {
			t.Fatalf("after %s: reloads, of the configuration, of schemas, certificates, keys and errors are %v; want %v", tt.volume, got, tt.want)
		}
	}
	p.signal(syscall.SIGTERM)
	p.exits(exitDone)
}
