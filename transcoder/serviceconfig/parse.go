// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package serviceconfig

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/genproto/googleapis/api/serviceconfig"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

const (
	// DefaultMaxBytes is how many bytes a file may have, unless Config says otherwise: some twenty thousand rules.
	DefaultMaxBytes = 2 << 20
	// DefaultMaxRules is how many rules all files may have, additional bindings included, unless Config says otherwise.
	DefaultMaxRules = 20_000
)

// What the head of a file may say: there is no other type, and no other version is in use.
//
// https://github.com/googleapis/googleapis/blob/master/google/api/service.proto
const (
	serviceType   = "google.api.Service"
	configVersion = 3
)

// byteOrderMark is what some editors put at the head of a file.
const byteOrderMark = "\ufeff"

// Parse reads a file. name is the file's, for messages. All of google.api.Service may be in it and is checked; what is used of it
// is http. The error is a *[schema.LoadError] with all that is wrong.
func Parse(name string, data []byte) (*Rules, error) {
	rules, problems := parse(name, string(data), DefaultMaxBytes)
	if n := count(rules); n > DefaultMaxRules {
		problems = append(problems, tooMany(name, n, DefaultMaxRules))
	}
	if len(problems) > 0 {
		return nil, schema.NewLoadError(problems...)
	}
	return &Rules{list: rules, texts: []string{string(data)}}, nil
}

func parse(name, data string, maxBytes int) ([]*Rule, []schema.Diagnostic) {
	c := &collector{text: newText(name, strings.TrimPrefix(data, byteOrderMark))}
	if len(data) > maxBytes {
		c.whole(schema.CodeTooBig, fmt.Sprintf("%s has more than %d bytes", name, maxBytes))
		return nil, c.list
	}
	root := c.document(data)
	if root == nil {
		return nil, c.list
	}
	service := &serviceconfig.Service{}
	(&decoder{collector: c}).service(root, service)
	if c.more > 0 {
		last := &c.list[len(c.list)-1]
		last.Notes = append(last.Notes, fmt.Sprintf("there are %d more problems in %s", c.more, name))
	}
	if len(c.list) > 0 {
		return nil, c.list
	}
	if len(service.GetHttp().GetRules()) == 0 {
		c.whole(CodeNoRules, name+" has no HTTP rule", "write them as http: {rules: [{selector: …, get: …}]}, or take the file off the list")
		return nil, c.list
	}
	return c.text.rules(root, service.GetHttp()), nil
}

// document returns the root of the one document in data, or nil after saying why there is none.
func (c *collector) document(data string) *yaml.Node {
	if !utf8.ValidString(data) {
		c.at(c.text.invalidAt(), 1, CodeSyntax, "this is not UTF-8", "", "save the file as UTF-8")
		return nil
	}
	decoder := yaml.NewDecoder(strings.NewReader(data))
	var root, second yaml.Node
	err := decoder.Decode(&root)
	if errors.Is(err, io.EOF) || err == nil && len(root.Content) == 0 {
		c.whole(CodeNoRules, c.text.name+" is empty")
		return nil
	}
	if err == nil {
		err = decoder.Decode(&second)
		if err == nil {
			c.at(place{max(second.Line, 1), max(second.Column, 1)}, 0, CodeSyntax, "a second document begins here", "", "put it into a file of its own")
			return nil
		}
	}
	if !errors.Is(err, io.EOF) {
		c.syntax(data, err)
		return nil
	}
	return root.Content[0]
}

// parserError is how the parser words its errors.
var parserError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// syntax says where the parser stopped; what is wrong is there or shortly before.
func (c *collector) syntax(data string, err error) {
	at, sentence := place{line: 1, column: 1}, err.Error()
	if m := parserError.FindStringSubmatch(sentence); m != nil {
		sentence = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			at.line = brokenLine(data, min(max(n, 1), len(c.text.lines)))
		}
	}
	var help []string
	if unquoted := c.unquoted(sentence, &at); unquoted != "" {
		help = append(help, unquoted)
	} else {
		source := c.text.line(at.line)
		at.column = utf8.RuneCountInString(source) - utf8.RuneCountInString(strings.TrimLeft(source, " \t")) + 1
	}
	c.at(at, 0, CodeSyntax, "this is not YAML: "+sentence, "", help...)
}

// nearby is how many lines the parser is off at most where its line can be mended.
const nearby = 2

// brokenLine returns the line near that of the parser, which is where it began to read what it could not end, with which what
// was right until then becomes wrong.
func brokenLine(data string, line int) int {
	end, right := 0, true
	for n := 1; n <= line+nearby && end < len(data); n++ {
		length := strings.IndexByte(data[end:], '\n') + 1
		if length == 0 {
			length = len(data) - end
		}
		end += length
		if n < line-nearby-1 {
			continue
		}
		was := right
		right = yaml.Unmarshal([]byte(data[:end]), new(yaml.Node)) == nil
		if was && !right && n >= line-nearby {
			return n
		}
	}
	return line
}

// reference is a value that begins as a reference of YAML, which a path or a body easily does.
var reference = regexp.MustCompile(`[:,\[{-]\s*([*&][^\s,\]}]*)`)

// unquoted knows the commonest mistake, body: * without quotes, and moves the place there.
func (c *collector) unquoted(sentence string, at *place) string {
	if !strings.Contains(sentence, "anchor") && !strings.Contains(sentence, "alphabetic or numeric") && !strings.Contains(sentence, "alias") {
		return ""
	}
	for _, line := range []int{at.line, at.line + 1, at.line - 1} {
		source := c.text.line(line)
		if m := reference.FindStringSubmatchIndex(source); m != nil {
			*at = place{line: line, column: utf8.RuneCountInString(source[:m[2]]) + 1}
			return fmt.Sprintf("quote it: %q", source[m[2]:m[3]])
		}
	}
	return ""
}

// rules pairs the rules of a message with the nodes that they come from.
func (t *text) rules(root *yaml.Node, http *annotations.Http) []*Rule {
	nodes := child(child(root, "http"), "rules").Content
	rules := make([]*Rule, len(http.GetRules()))
	for i, rule := range http.GetRules() {
		rules[i] = &Rule{
			HTTP: rule, FullyDecodeReservedExpansion: http.GetFullyDecodeReservedExpansion(), file: t, places: map[key]place{},
		}
		rules[i].note(nodes[i], 0)
	}
	return rules
}

// note remembers where the fields of a binding are.
func (r *Rule) note(n *yaml.Node, binding int) {
	r.places[key{binding, ""}] = position(n)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := snake(n.Content[i].Value), n.Content[i+1]
		r.places[key{binding, name}] = position(value)
		switch name {
		case "custom":
			for j := 0; j+1 < len(value.Content); j += 2 {
				r.places[key{binding, "custom." + value.Content[j].Value}] = position(value.Content[j+1])
			}
		case "additional_bindings":
			if binding > 0 {
				continue // they are refused elsewhere
			}
			for j, additional := range value.Content {
				r.note(additional, j+1)
			}
		}
	}
}

// child returns the value of a key that is there, by one of its names.
func child(n *yaml.Node, names ...string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if slices.Contains(names, n.Content[i].Value) {
			return n.Content[i+1]
		}
	}
	return &yaml.Node{}
}

// snake returns the name of a field of a rule by its JSON name.
func snake(name string) string {
	switch name {
	case "responseBody":
		return "response_body"
	case "additionalBindings":
		return "additional_bindings"
	default:
		return name
	}
}

func position(n *yaml.Node) place { return place{line: max(n.Line, 1), column: max(n.Column, 1)} }

// count returns how many rules there are, additional bindings included.
func count(rules []*Rule) int {
	n := len(rules)
	for _, r := range rules {
		n += len(r.HTTP.GetAdditionalBindings())
	}
	return n
}

func tooMany(name string, n, most int) schema.Diagnostic {
	return schema.Diagnostic{
		Code: schema.CodeTooBig, Message: fmt.Sprintf("%s has %d HTTP rules; the limit is %d", name, n, most),
		Spans: []schema.Span{{Position: schema.Position{File: name}, Primary: true}},
	}
}
