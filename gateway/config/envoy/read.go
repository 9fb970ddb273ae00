// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package envoy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/dragoman-gateway/dragoman/gateway/config"
)

// MaxSize is the size of the largest file that is read: several times what a large configuration has.
const MaxSize = 4 << 20

// maxDepth is how deep a file may nest. Envoy's own messages do not come near it.
const maxDepth = 100

// place is where something stands in a file.
type place struct{ line, column int }

// source is one file.
type source struct {
	name   string
	lines  []string
	places map[string]place // of paths, such as static_resources.clusters[0].name
	json   bytes.Buffer
	spots  []place // of the lines of json
	wrong  []config.Problem
	notes  []Note
	prefix string // in front of the paths of a resource in a list of them

	listeners []found[*listenerv3.Listener]
	clusters  []found[*clusterv3.Cluster]
	routes    []found[*routev3.RouteConfiguration]
	bootstrap *bootstrapv3.Bootstrap
}

// found is a message and its path.
type found[M proto.Message] struct {
	message M
	source  *source
	path    string
}

// at returns a problem with what stands at a node.
func (s *source) at(p place, path, hint, format string, args ...any) config.Problem {
	line := ""
	if p.line > 0 && p.line <= len(s.lines) {
		line = s.lines[p.line-1]
	}
	return config.Problem{
		File: s.name, Line: p.line, Column: p.column, Path: path, Message: fmt.Sprintf(format, args...), Hint: hint, Source: line,
	}
}

func (s *source) refuse(n *yaml.Node, path, hint, format string, args ...any) {
	s.wrong = append(s.wrong, s.at(spot(n), path, hint, format, args...))
}

func spot(n *yaml.Node) place { return place{line: max(n.Line, 1), column: max(n.Column, 1)} }

// where is the place of a path, or of what it stands in.
func (s *source) where(path string) place {
	for ; path != ""; path = parent(path) {
		if p, ok := s.places[path]; ok {
			return p
		}
	}
	return place{line: 1, column: 1}
}

func parent(path string) string {
	if strings.HasSuffix(path, `"]`) {
		if i := strings.LastIndex(path, `["`); i >= 0 {
			return path[:i]
		}
	}
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}

// read reads a file of YAML or JSON.
func read(name string, data []byte) *source {
	s := &source{name: name, places: map[string]place{}}
	first := &yaml.Node{Line: 1, Column: 1}
	switch {
	case len(data) > MaxSize:
		s.refuse(first, "", "", "the file has %d bytes; it may have %d", len(data), MaxSize)
		return s
	case !utf8.Valid(data):
		s.refuse(first, "", "save the file as UTF-8", "this is not UTF-8")
		return s
	}
	s.lines = strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var root, second yaml.Node
	if err := decoder.Decode(&root); err != nil {
		s.syntax(err)
		return s
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		s.refuse(&second, "", "put it into a file of its own", "a second document begins here; one file is one configuration")
		return s
	}
	if len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode {
		s.refuse(first, "", "", "the file holds no mapping; a configuration of Envoy is one")
		return s
	}
	s.root(root.Content[0])
	return s
}

var parserLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

func (s *source) syntax(err error) {
	if errors.Is(err, io.EOF) {
		s.refuse(&yaml.Node{Line: 1, Column: 1}, "", "", "the file is empty")
		return
	}
	at := place{line: 1, column: 1}
	if m := parserLine.FindStringSubmatch(err.Error()); len(m) > 1 && m[1] != "" {
		at.line, _ = strconv.Atoi(m[1]) // digits
	}
	s.wrong = append(s.wrong, s.at(at, "", "", "syntax: %s", parserLine.ReplaceAllString(err.Error(), "")))
}

// roots are the messages that a file can be, by a field that tells.
var roots = []struct {
	key     string
	message proto.Message
}{
	{"static_resources", &bootstrapv3.Bootstrap{}},
	{"dynamic_resources", &bootstrapv3.Bootstrap{}},
	{"admin", &bootstrapv3.Bootstrap{}},
	{"node", &bootstrapv3.Bootstrap{}},
	{"listeners", &bootstrapv3.Bootstrap_StaticResources{}},
	{"clusters", &bootstrapv3.Bootstrap_StaticResources{}},
	{"filter_chains", &listenerv3.Listener{}},
	{"virtual_hosts", &routev3.RouteConfiguration{}},
	{"load_assignment", &clusterv3.Cluster{}},
}

// root reads the file as what its keys say that it is.
func (s *source) root(n *yaml.Node) {
	keys := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		keys[snake(n.Content[i].Value)] = n.Content[i+1]
	}
	if list := keys["resources"]; list != nil && list.Kind == yaml.SequenceNode {
		s.resources(n, list)
		return
	}
	if keys["@type"] != nil {
		s.resource(n, "")
		return
	}
	for _, r := range roots {
		if keys[r.key] == nil {
			continue
		}
		m := proto.Clone(r.message)
		if s.message(n, m, "") {
			s.take(m, "")
		}
		return
	}
	s.refuse(n, "", "it has static_resources, or is the message of a listener, a cluster or a route configuration", "this is no configuration of Envoy that is known")
}

// resources reads what Envoy reads from the files of path_config_source: a list of resources.
func (s *source) resources(n, list *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch key := snake(n.Content[i].Value); key {
		case "resources", "version_info", "type_url", "nonce":
		default:
			s.refuse(n.Content[i], key, "", "is not known")
		}
	}
	for i, r := range list.Content {
		s.resource(r, fmt.Sprintf("resources[%d]", i))
	}
}

// resource reads a message that says its type.
func (s *source) resource(n *yaml.Node, path string) {
	s.places[path] = spot(n)
	t := typeOf(n)
	known, err := protoregistry.GlobalTypes.FindMessageByURL(t)
	if n.Kind != yaml.MappingNode || err != nil {
		s.note(spot(n), path, Left, "a resource of type %q has no place", t)
		return
	}
	switch m := known.New().Interface().(type) {
	case *listenerv3.Listener, *clusterv3.Cluster, *routev3.RouteConfiguration, *bootstrapv3.Bootstrap:
		if s.message(n, m, path) {
			s.take(m, path)
		}
	default:
		s.note(spot(n), path, Left, "a resource of type %q has no place", t)
	}
}

// take sorts what was read.
func (s *source) take(m proto.Message, path string) {
	switch m := m.(type) {
	case *bootstrapv3.Bootstrap:
		s.bootstrap, s.prefix = m, path
		s.static(m.GetStaticResources(), join(path, "static_resources"))
	case *bootstrapv3.Bootstrap_StaticResources:
		s.static(m, path)
		s.bootstrap = &bootstrapv3.Bootstrap{StaticResources: m}
	case *listenerv3.Listener:
		s.listeners = append(s.listeners, found[*listenerv3.Listener]{m, s, path})
	case *clusterv3.Cluster:
		s.clusters = append(s.clusters, found[*clusterv3.Cluster]{m, s, path})
	case *routev3.RouteConfiguration:
		s.routes = append(s.routes, found[*routev3.RouteConfiguration]{m, s, path})
	}
}

func (s *source) static(m *bootstrapv3.Bootstrap_StaticResources, path string) {
	for i, l := range m.GetListeners() {
		s.listeners = append(s.listeners, found[*listenerv3.Listener]{l, s, item(join(path, "listeners"), i)})
	}
	for i, c := range m.GetClusters() {
		s.clusters = append(s.clusters, found[*clusterv3.Cluster]{c, s, item(join(path, "clusters"), i)})
	}
}

// message reads a node as a message, and says whether it could.
func (s *source) message(n *yaml.Node, m proto.Message, path string) bool {
	before := len(s.wrong)
	s.json.Reset()
	s.spots = nil
	s.mapping(n, m.ProtoReflect().Descriptor(), path, 0)
	if len(s.wrong) > before {
		return false
	}
	if err := protojson.Unmarshal(s.json.Bytes(), m); err != nil {
		s.value(err, path)
		return false
	}
	return true
}

var jsonLine = regexp.MustCompile(`\(line (\d+):\d+\): (.*)`)

// value tells of a value that its field cannot have.
func (s *source) value(err error, path string) {
	words := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	at, sentence := s.where(path), strings.TrimPrefix(words, "proto: ")
	if m := jsonLine.FindStringSubmatch(words); m != nil {
		if line, e := strconv.Atoi(m[1]); e == nil && line >= 1 && line <= len(s.spots) {
			at = s.spots[line-1]
		}
		sentence = m[2]
	}
	s.wrong = append(s.wrong, s.at(at, path, "", "%s", sentence))
}

// write puts a piece into the JSON, on a line of its own that knows where it is from.
func (s *source) write(n *yaml.Node, piece string) {
	if s.json.Len() > 0 {
		s.json.WriteByte('\n')
	}
	s.json.WriteString(piece)
	s.spots = append(s.spots, spot(n))
}

// mapping writes a node as the JSON of a message.
func (s *source) mapping(n *yaml.Node, d protoreflect.MessageDescriptor, path string, depth int) {
	if depth > maxDepth {
		s.refuse(n, path, "", "nests more than %d deep", maxDepth)
		return
	}
	switch {
	case n.Kind == yaml.AliasNode:
		s.refuse(n, path, "write out what it stands for", "is an alias")
		return
	case d.FullName() == "google.protobuf.Any":
		s.extension(n, path, depth)
		return
	case d.ParentFile().Package() == "google.protobuf" && d.Name() != "Empty":
		s.plain(n, path, depth)
		return
	case n.Kind != yaml.MappingNode:
		s.refuse(n, path, "", "must be a mapping of %s", d.Name())
		return
	}
	s.write(n, "{")
	s.fields(n, d, path, depth, true)
	s.write(n, "}")
}

// fields writes the fields of a message; first says that none stands before them.
func (s *source) fields(n *yaml.Node, d protoreflect.MessageDescriptor, path string, depth int, first bool) {
	set := map[protoreflect.Name]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Value == "@type" {
			continue
		}
		f := fieldOf(d, key.Value)
		if f == nil {
			s.refuse(key, join(path, key.Value), hintFor(key.Value), "is not known to version 3 of Envoy's API in %s", d.Name())
			continue
		}
		own := join(path, string(f.Name()))
		if set[f.Name()] {
			s.refuse(key, own, "keep one of them", "is set twice")
			continue
		}
		set[f.Name()] = true
		s.places[own] = spot(key)
		if value.Tag == "!!null" && value.Kind == yaml.ScalarNode {
			s.note(spot(key), own, Done, "has no value, and counts as not set, as in Envoy")
			continue
		}
		if !first {
			s.write(key, ",")
		}
		first = false
		s.write(key, quoted(string(f.Name()))+":")
		s.field(value, f, own, depth)
	}
}

func fieldOf(d protoreflect.MessageDescriptor, key string) protoreflect.FieldDescriptor {
	if f := d.Fields().ByName(protoreflect.Name(key)); f != nil {
		return f
	}
	return d.Fields().ByJSONName(key)
}

func (s *source) field(n *yaml.Node, f protoreflect.FieldDescriptor, path string, depth int) {
	switch {
	case f.IsMap():
		s.entries(n, f, path, depth)
	case f.IsList():
		if n.Kind != yaml.SequenceNode {
			s.refuse(n, path, "write - before it", "must be a list")
			return
		}
		s.write(n, "[")
		for i, e := range n.Content {
			if i > 0 {
				s.write(e, ",")
			}
			s.places[item(path, i)] = spot(e)
			s.single(e, f, item(path, i), depth)
		}
		s.write(n, "]")
	default:
		s.single(n, f, path, depth)
	}
}

func (s *source) entries(n *yaml.Node, f protoreflect.FieldDescriptor, path string, depth int) {
	if n.Kind != yaml.MappingNode {
		s.refuse(n, path, "", "must be a mapping of names")
		return
	}
	seen := map[string]bool{}
	s.write(n, "{")
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		own := entry(path, key.Value)
		if seen[key.Value] {
			s.refuse(key, own, "keep one of them", "is set twice")
			continue
		}
		seen[key.Value] = true
		if i > 0 {
			s.write(key, ",")
		}
		s.places[own] = spot(key)
		s.write(key, quoted(key.Value)+":")
		s.single(value, f.MapValue(), own, depth)
	}
	s.write(n, "}")
}

func (s *source) single(n *yaml.Node, f protoreflect.FieldDescriptor, path string, depth int) {
	if f.Message() != nil {
		s.mapping(n, f.Message(), path, depth+1)
		return
	}
	if n.Kind != yaml.ScalarNode {
		s.refuse(n, path, "", "must be a single value")
		return
	}
	s.write(n, scalar(n))
}

// plain writes a node whose message has a JSON of its own, such as a duration, or any.
func (s *source) plain(n *yaml.Node, path string, depth int) {
	if depth > maxDepth {
		s.refuse(n, path, "", "nests more than %d deep", maxDepth)
		return
	}
	switch n.Kind {
	case yaml.ScalarNode:
		s.write(n, scalar(n))
	case yaml.SequenceNode:
		s.write(n, "[")
		for i, e := range n.Content {
			if i > 0 {
				s.write(e, ",")
			}
			s.plain(e, item(path, i), depth+1)
		}
		s.write(n, "]")
	case yaml.MappingNode:
		s.write(n, "{")
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				s.write(n.Content[i], ",")
			}
			s.write(n.Content[i], quoted(n.Content[i].Value)+":")
			s.plain(n.Content[i+1], entry(path, n.Content[i].Value), depth+1)
		}
		s.write(n, "}")
	default:
		s.refuse(n, path, "write out what it stands for", "is an alias")
	}
}

// nothing is what stands in the place of a message that has no place in our configuration.
const nothing = `{"@type":"type.googleapis.com/google.protobuf.Empty","value":{}}`

// extension writes a message that says its type. One that is not known gets a note and counts as nothing.
func (s *source) extension(n *yaml.Node, path string, depth int) {
	t := typeOf(n)
	if n.Kind != yaml.MappingNode || t == "" {
		s.refuse(n, path, `write "@type": type.googleapis.com/envoy.…`, "must be a mapping with an @type")
		return
	}
	known := converted[protoreflect.FullName(t[strings.LastIndexByte(t, '/')+1:])]
	if known == nil {
		kind, remedy := remedyOf(protoreflect.FullName(t[strings.LastIndexByte(t, '/')+1:]))
		s.note(spot(n), path, kind, "%s", remedy)
		s.write(n, nothing)
		return
	}
	s.write(n, `{"@type":`+quoted(t))
	s.fields(n, known.ProtoReflect().Descriptor(), path, depth+1, false)
	s.write(n, "}")
}

func typeOf(n *yaml.Node) string {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Kind == yaml.MappingNode && n.Content[i].Value == "@type" {
			return n.Content[i+1].Value
		}
	}
	return ""
}

// scalar is the JSON of a single value, of the type that YAML reads it as.
func scalar(n *yaml.Node) string {
	switch n.Tag {
	case "!!null":
		return "null"
	case "!!bool":
		var b bool
		if n.Decode(&b) == nil {
			return strconv.FormatBool(b)
		}
	case "!!int":
		var i int64
		if n.Decode(&i) == nil {
			return strconv.FormatInt(i, 10)
		}
	case "!!float":
		var f float64
		if n.Decode(&f) == nil {
			if text, err := json.Marshal(f); err == nil {
				return string(text)
			}
		}
	}
	return quoted(n.Value)
}

func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		return `""` // a string always has a JSON form
	}
	return string(text)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func item(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

func entry(path, key string) string { return fmt.Sprintf("%s[%q]", path, key) }

// snake is a key as the .proto files spell it.
func snake(key string) string {
	var b strings.Builder
	for _, r := range key {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}
