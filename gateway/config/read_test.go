// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"buf.build/go/protoyaml"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"

	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

// These tests are inside because they compare the schema's messages.

// values are the variables in the good files.
func values(name string) (string, bool) {
	return map[string]string{"PORT": "8081", "CONNECTIONS": "77", "WATCH": "true", "TIMEOUT": "7s", "INJECTION": "x"}[name], true
}

func readAll(t *testing.T, name, data string) (*configv1.Config, error) {
	t.Helper()
	c := newCollector(newText(name, data))
	m := read(c, data, values)
	if m != nil {
		check(c, m)
		compile(c, m, ".")
	}
	return m, c.err()
}

func goodFiles(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("testdata/*.good.yaml")
	if err != nil || len(names) < 4 {
		t.Fatalf("good files: %q, %v", names, err)
	}
	files := map[string]string{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(name)] = string(data)
	}
	return files
}

// What we accept means what it means to protoyaml, the reference for protobuf in YAML. We only refuse more (decision 3).
func TestGoodFilesMeanWhatTheyMeanToProtoyaml(t *testing.T) {
	t.Parallel()
	for name, data := range goodFiles(t) {
		if name == "variables.good.yaml" {
			continue // protoyaml has none; those in the others are put in below
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readAll(t, name, data)
			if err != nil {
				t.Fatal(err)
			}
			want := &configv1.Config{}
			if err := protoyaml.Unmarshal([]byte(strings.NewReplacer("${ZONE:-a}", "a", "${SECRET:-b}", "b").Replace(data)), want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("-protoyaml +ours:\n%s", diff)
			}
		})
	}
}

// What protoyaml reads and we refuse: the reasons why we have a decoder of our own (decision 3). When one of these fails
// because protoyaml has become stricter, the decision is to be looked at again.
func TestWhatProtoyamlLetsPass(t *testing.T) {
	t.Parallel()
	for reason, data := range map[string]string{
		"the second of two equal keys counts":      "version: v1\nadmin: {address: \"127.0.0.1:1\"}\nadmin: {address: \"127.0.0.1:2\"}\n",
		"a key twice in a map":                     "backends: {a: {target: \"h:1\"}, a: {target: \"h:2\"}}\n",
		"a key in two spellings":                   "schemas: {on_conflict: reject, onConflict: first_wins}\n",
		"what stands in a second document":         "version: v1\n---\nversion: v2\n",
		"the number of a field as its name":        "1: v1\n",
		"a ~ as a text":                            "admin: {address: ~}\n",
		"nothing as an empty message":              "listeners: [{name: a, tls: }]\n",
		"a size as a number":                       "listeners: [{limits: {max_connections: 4Ki}}]\n",
		"a file that ends in the middle of a word": "version: v1\nadmin: {}\nschemas: {}\nservices: [{match: a.**}]\njson: {}\nshutdown: {drain: 30s}\nroutes:\n  trailing_slash: red",
	} {
		if err := protoyaml.Unmarshal([]byte(data), &configv1.Config{}); err != nil {
			t.Errorf("%s: protoyaml refuses it now: %v", reason, err)
		}
		c := newCollector(newText("test.yaml", data))
		if read(c, data, values); c.err() == nil {
			t.Errorf("%s: we read it", reason)
		}
	}
}

// Old line ends are lines to the YAML parser and none to protoyaml, which looks for the line of its error and panics. We read
// files of anybody (see TestLinesEndAsInYAML for ours).
func TestProtoyamlPanicsOnOldLineEnds(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("protoyaml does not panic any more; look at decision 3 again")
		}
	}()
	_ = protoyaml.Unmarshal([]byte("version: v1\radmin: {addrez: a}\r"), &configv1.Config{})
}

// Threat I10. A file that is cut short is refused, or each setting that is left has the value of the whole file. More
// cannot be had from YAML: what ends at the end of a line may be all that was meant. So the cut must be at the end of a
// line, and nothing may be there in part. The rest is for who watches the file: to wait until it is quiet.
func TestAFileCutShortIsRefusedOrABeginning(t *testing.T) {
	t.Parallel()
	for name, whole := range goodFiles(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := readAll(t, name, whole)
			if err != nil {
				t.Fatal(err)
			}
			want := flat(m)
			refused, beginnings := 0, 0
			for cut := range len(whole) {
				part := whole[:cut]
				if cut%8 != 0 && !wellFormed(part) { // it is no YAML. To find the line of that takes ten times as long: each eighth is read whole
					refused++
					continue
				}
				m, err := readAll(t, name, part)
				if err != nil {
					refused++
					continue
				}
				beginnings++
				if !strings.HasSuffix(part, "\n") {
					t.Errorf("accepted without the end of its last line: …%q", part[max(0, cut-40):])
				}
				for path, value := range flat(m) {
					if want[path] != value {
						t.Errorf("cut behind %q: %s is %s, in the whole file %q", part[max(0, cut-40):], path, value, want[path])
					}
				}
			}
			t.Logf("%d cuts refused, %d accepted as beginnings", refused, beginnings)
			if refused == 0 || beginnings > strings.Count(whole, "\n") {
				t.Errorf("%d cuts refused, %d accepted; want at most one for each line accepted", refused, beginnings)
			}
		})
	}
}

// flat returns all values of a message by their path.
func flat(m proto.Message) map[string]string {
	values := map[string]string{}
	var walk func(path string, m protoreflect.Message)
	walk = func(path string, m protoreflect.Message) {
		if d, ok := m.Interface().(*durationpb.Duration); ok {
			values[path] = d.AsDuration().String()
			return
		}
		m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			at := path + "." + string(f.Name())
			switch {
			case f.IsMap():
				v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
					if f.MapValue().Message() == nil {
						values[fmt.Sprintf("%s[%s]", at, k)] = v.String()
						return true
					}
					walk(fmt.Sprintf("%s[%s]", at, k), v.Message())
					return true
				})
			case f.IsList() && f.Message() != nil:
				for i := range v.List().Len() {
					walk(fmt.Sprintf("%s[%d]", at, i), v.List().Get(i).Message())
				}
			case f.IsList():
				for i := range v.List().Len() {
					values[fmt.Sprintf("%s[%d]", at, i)] = v.List().Get(i).String()
				}
			case f.Message() != nil:
				walk(at, v.Message())
			default:
				values[at] = v.String()
			}
			return true
		})
	}
	walk("", m.ProtoReflect())
	return values
}

// The line of a syntax error, whatever line the parser names.
func TestBrokenLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		data   string
		want   int
		reason string
	}{
		{"a:\n  b: 1\n c: 2\nd: 3\n", 3, "indented by too little"},
		{"v: 1\n  y: 2\nz: 1\n", 2, "indented by too much"},
		{"v: 1\nx: {a: 1\ny: 2\n", 2, "a brace that is not closed"},
		{"v: [\n 1,\n 2\n]\nx: [a, b\ny: 2\n", 5, "behind a list of several lines that is closed"},
		{"v: 1\nx: \"abc\ny: 1\nz: 2\n", 2, "a quote that is not closed"},
		{"v: 1\nx:\n\ty: 1\nz: 2\n", 3, "a tab"},
		{"v: 1\nx: a: b\nz: 1\n", 2, "two colons"},
		{"v: 1\nx:\n  - a\n  b: 1\nz: 1\n", 4, "a key in a list"},
		{"v: 1\nx\nz: 1\n", 2, "no colon"},
		{"v: 1\nx: @foo\nz: 1\n", 2, "a reserved character"},
		{"v: 1\nx: *foo\nz: 1\n", 2, "an anchor that is not there"},
		{"v: 1\nx: 'abc'def\nz: 1\n", 2, "text behind a quote"},
		{"v: 1\nx: }\nz: 1\n", 2, "a brace that was never open"},
		{"v: 1\r\nx: }\r\nz: 1\r\n", 2, "lines that end in two characters"},
		{"v: 1\nx: }", 2, "no end of the line"},
		{"v: {\n" + strings.Repeat(" a: 1,\n", 30) + "}\n" + strings.Repeat("b: 1\n", 30) + "x: }\n", 63, "far down, behind a long mapping"},
	} {
		if wellFormed(c.data) {
			t.Errorf("%q is well formed", c.data)
		}
		if got := brokenLine(c.data); got != c.want {
			t.Errorf("%q: got line %d, want %d: %s", c.data, got, c.want, c.reason)
		}
	}
}

func TestClosest(t *testing.T) {
	t.Parallel()
	known := []string{"round_robin", "random", "least_request", "address", "max_message", "h2c", "http1", "http2"}
	for word, want := range map[string]string{
		"least_requests": "least_request", "round-robin": "round_robin", "RoundRobin": "round_robin", "randmo": "random",
		"addrez": "address", "addr": "address", "message": "max_message", "maxMessage": "max_message", "http3": "http1", "h2": "h2c",
		"": "", "zone": "", "x": "", strings.Repeat("a", 100): "",
	} {
		if got := closest(word, known); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 1}} {
		if got := editDistance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: got %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{
		"1B": 1, "4MiB": 4 << 20, "32KiB": 32 << 10, "1GiB": 1 << 30, "5kB": 5000, "3MB": 3_000_000, "2147483647GiB": 2147483647 << 30,
	} {
		if got, err := ParseSize(s); err != nil || got != want {
			t.Errorf("%s: got %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "4", "MiB", "4mib", "4 MiB", "-1B", "1.5MiB", "2147483648GiB", "0x1B"} {
		if got, err := ParseSize(s); err == nil {
			t.Errorf("%q: got %d; want an error", s, got)
		}
	}
	for n, want := range map[int64]string{1: "1B", 1023: "1023B", 1 << 10: "1KiB", 1536: "1536B", 1 << 20: "1MiB", 1 << 30: "1GiB", 3 << 20: "3MiB"} {
		if got := FormatSize(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

func TestParent(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"": "", "a": "", `["0]"]`: "", "0]": "", `a["x]"]`: "a", `a["b.c"]["d"]`: `a["b.c"]`,
		entry("a", `x["y`): "a", entry("a", `["`) + ".b": entry("a", `["`), unknown("a.b", "c.d[0]"): "a.b", "a.b": "a", "a[0]": "a", "a[0].b": "a[0]", `a["b.c"]`: "a", `a["b.c"].d`: `a["b.c"]`, `a["b[\"0\"]"]`: "a", `a["b"].c[1]`: `a["b"].c`,
	} {
		if got := parent(path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

func TestSocketsOverlap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"", "127.0.0.1", true},
		{"0.0.0.0", "127.0.0.1", true},
		{"0.0.0.0", "::1", false},
		{"::", "127.0.0.1", true},
		{"::", "0.0.0.0", true},
		{"::ffff:127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1", "127.0.0.2", false},
		{"localhost", "127.0.0.1", true},
		{"localhost", "0.0.0.0", true},
		{"localhost", "10.0.0.1", false},
		{"gateway.example", "gateway.example", true},
		{"gateway.example", "10.0.0.1", false},
	} {
		for _, pair := range [][2]string{{c.a, c.b}, {c.b, c.a}} {
			if got := (socket{host: pair[0], port: "80"}).overlaps(socket{host: pair[1], port: "80"}); got != c.want {
				t.Errorf("%q and %q: got %t, want %t", pair[0], pair[1], got, c.want)
			}
		}
	}
	if (socket{port: "80"}).overlaps(socket{port: "81"}) || (socket{port: "0"}).overlaps(socket{port: "0"}) {
		t.Error("two ports, or two free ones, overlap")
	}
}
