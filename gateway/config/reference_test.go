// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/protofile"
)

const (
	configPackage = "dragoman.config.v1."
	durationType  = "google.protobuf.Duration"
)

// descriptors returns the schema of the file, comments included.
func descriptors(t *testing.T) protoreflect.MessageDescriptor {
	t.Helper()
	source, err := protofile.New(protofile.Config{Dirs: []string{"../../proto"}})
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := source.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d, err := loaded.FindDescriptorByName(configPackage + "Config")
	if err != nil {
		t.Fatal(err)
	}
	return d.(protoreflect.MessageDescriptor) //nolint:errcheck // it is one
}

// The reference of the file, docs/configuration.md, is what the comments and the rules of proto/dragoman/config/v1 say.
func TestReferenceIsOfTheProtos(t *testing.T) {
	t.Parallel()
	w := &referenceWriter{t: t, paths: map[protoreflect.FullName][]string{}}
	root := descriptors(t)
	w.find(root, "")
	for _, paths := range w.paths { // a message is described where it stands highest
		slices.SortStableFunc(paths, func(a, b string) int { return strings.Count(a, ".") - strings.Count(b, ".") })
	}
	w.document(root)
	golden(t, "../../docs/configuration.md", w.String())
}

// A comment says of every value what it is when it is left out, or that it has to be there.
func TestCommentsSayWhatIsInForce(t *testing.T) {
	t.Parallel()
	eachMessage(descriptors(t), func(d protoreflect.MessageDescriptor) {
		for i := range d.Fields().Len() {
			f := d.Fields().Get(i)
			e := entryOf(t, f)
			group := f.ContainingOneof() != nil && !f.ContainingOneof().IsSynthetic()
			switch {
			case e.text == "":
				t.Errorf("%s has no comment", f.FullName())
			case strings.HasPrefix(e.wrong, "!"):
				t.Errorf("%s: %s", f.FullName(), e.wrong[1:])
			case e.defaults == "" && !e.required && !group && holdsValue(f) && !slices.Contains(alternatives(t, d), string(f.Name())):
				t.Errorf("%s: its comment says neither its default nor that it is required", f.FullName())
			}
		}
	})
}

// alternatives are fields of which one has to be set, which the comment of their message says.
func alternatives(t *testing.T, d protoreflect.MessageDescriptor) []string {
	t.Helper()
	var fields []string
	for _, group := range messageRules(t, d).GetOneof() {
		fields = append(fields, group.GetFields()...)
	}
	return fields
}

// messageRules returns the rules of a message, whatever type of Go the extension came as.
func messageRules(t *testing.T, d protoreflect.MessageDescriptor) *validate.MessageRules {
	t.Helper()
	data, err := proto.Marshal(d.Options())
	if err != nil {
		t.Fatal(err)
	}
	options := &descriptorpb.MessageOptions{}
	if err := proto.Unmarshal(data, options); err != nil {
		t.Fatal(err)
	}
	rules, _ := proto.GetExtension(options, validate.E_Message).(*validate.MessageRules)
	return rules
}

// The examples in comments can be read.
func TestExamplesInCommentsCanBeRead(t *testing.T) {
	t.Parallel()
	examples := 0
	eachMessage(descriptors(t), func(d protoreflect.MessageDescriptor) {
		for i := range d.Fields().Len() {
			f := d.Fields().Get(i)
			for _, example := range entryOf(t, f).examples {
				examples++
				own, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
				if err != nil {
					t.Fatal(err)
				}
				m := own.New()
				if err := config.DecodeAs(m, example+"\n"); err != nil {
					t.Errorf("%s: the example %q: %v", f.FullName(), example, err)
				} else if !m.Has(m.Descriptor().Fields().ByNumber(f.Number())) {
					t.Errorf("%s: the example %q sets another field", f.FullName(), example)
				}
			}
		}
	})
	if examples < 60 {
		t.Errorf("only %d examples were found", examples)
	}
}

// holdsValue says whether a field has a value of its own, and is no group of settings.
func holdsValue(f protoreflect.FieldDescriptor) bool {
	return f.Message() == nil || f.Message().FullName() == durationType || f.IsMap() && f.MapValue().Message() == nil
}

// inner returns the message whose settings stand below a field; nil where it has a value.
func inner(f protoreflect.FieldDescriptor) protoreflect.MessageDescriptor {
	switch {
	case holdsValue(f):
		return nil
	case f.IsMap():
		return f.MapValue().Message()
	default:
		return f.Message()
	}
}

// eachMessage calls do for every message of the file, each once.
func eachMessage(root protoreflect.MessageDescriptor, do func(protoreflect.MessageDescriptor)) {
	seen := map[protoreflect.FullName]bool{}
	var walk func(protoreflect.MessageDescriptor)
	walk = func(d protoreflect.MessageDescriptor) {
		if d == nil || seen[d.FullName()] {
			return
		}
		seen[d.FullName()] = true
		do(d)
		for i := range d.Fields().Len() {
			walk(inner(d.Fields().Get(i)))
		}
	}
	walk(root)
}

// referenceWriter writes the reference of the file.
type referenceWriter struct {
	strings.Builder

	t     *testing.T
	paths map[protoreflect.FullName][]string // of each message
}

// find notes where messages stand.
func (w *referenceWriter) find(d protoreflect.MessageDescriptor, path string) {
	if slices.Contains(w.paths[d.FullName()], path) {
		return
	}
	w.paths[d.FullName()] = append(w.paths[d.FullName()], path)
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		if below := inner(f); below != nil {
			w.find(below, joined(path, f))
		}
	}
}

// joined is the path of a field: of an entry of it, where it is a list or a map of messages.
func joined(path string, f protoreflect.FieldDescriptor) string {
	if path != "" {
		path += "."
	}
	path += string(f.Name())
	switch {
	case inner(f) == nil:
		return path
	case f.IsMap():
		return path + ".NAME"
	case f.IsList():
		return path + "[]"
	default:
		return path
	}
}

// anchor is where a path stands in the document.
func anchor(path string) string {
	return strings.ReplaceAll(strings.ReplaceAll(path, "[]", ""), ".NAME", "")
}

func (w *referenceWriter) document(root protoreflect.MessageDescriptor) {
	fmt.Fprint(w, "# Reference of the configuration\n\n<!-- Written by go test ./gateway/config -update; do not edit. -->\n\n"+
		"Every setting of `dragoman.yaml`, from the comments of [`proto/dragoman/config/v1`](../proto/dragoman/config/v1).\n"+
		"`dragoman config init` prints a file to begin with, `dragoman check -c FILE` says all that is wrong with one, `dragoman config show -c FILE --defaults` what is in force,\n"+
		"and `dragoman config schema` prints the JSON Schema, by which editors complete and check while you write.\n\n"+
		"Below each setting stand what it holds, its bounds, what it is when it is left out, and whether a reload applies a change of it (*reloads*) or it needs a restart (*restart*).\n"+
		"In paths, `[]` is each entry of a list, and `NAME` a name that you choose.\n\n")
	text := strings.Split(commentOf(root), "\n\n")
	for _, paragraph := range text[1:] {
		if strings.HasPrefix(paragraph, "version:") {
			fmt.Fprintf(w, "```yaml\n%s\n```\n\n", paragraph)
			continue
		}
		fmt.Fprintf(w, "%s\n\n", escaped(paragraph))
	}
	fmt.Fprint(w, "## Contents\n\n| setting | what it is for |\n| --- | --- |\n")
	for i := range root.Fields().Len() {
		f := root.Fields().Get(i)
		fmt.Fprintf(w, "| [`%s`](#%[1]s) | %s |\n", f.Name(), firstSentence(entryOf(w.t, f).text))
	}
	fmt.Fprintln(w)
	for i := range root.Fields().Len() {
		f := root.Fields().Get(i)
		fmt.Fprintf(w, "## %s\n\n", f.Name())
		w.field(f, []string{""})
		w.contents(string(f.Name()) + ".")
		if d := inner(f); d != nil {
			w.message(d, joined("", f), 2) //nolint:mnd // the level of the heading above
		}
	}
}

// contents lists what is described below a setting at the top.
func (w *referenceWriter) contents(top string) {
	var below []string
	for _, paths := range w.paths {
		if path := paths[0]; strings.HasPrefix(strings.Replace(path, "[]", "", 1), top) && path != top+"NAME" {
			below = append(below, path)
		}
	}
	if len(below) == 0 {
		return
	}
	slices.Sort(below)
	for i, path := range below {
		below[i] = fmt.Sprintf("[`%s`](#%s)", path, anchor(path))
	}
	fmt.Fprintf(w, "In it: %s.\n\n", strings.Join(below, " · "))
}

// message writes the settings of a message, and then those of the messages in it.
func (w *referenceWriter) message(d protoreflect.MessageDescriptor, path string, level int) {
	if w.paths[d.FullName()][0] != path {
		return
	}
	const deepest = 3
	if level >= deepest {
		fmt.Fprintf(w, "%s <a id=\"%s\"></a>`%s`\n\n", strings.Repeat("#", deepest), anchor(path), path)
	}
	last := path[strings.LastIndex(path, ".")+1:]
	if last == "NAME" {
		last = strings.TrimSuffix(path, ".NAME")
	}
	fmt.Fprintf(w, "%s\n", escaped(afterName(commentOf(d), string(d.Name()), "`"+last+"`")))
	paths := w.paths[d.FullName()]
	if also := slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return p == path }); len(also) > 0 {
		fmt.Fprintf(w, "\nThe same settings stand at `%s`.\n", strings.Join(also, "`, `"))
	}
	fmt.Fprintln(w)
	for i := range d.Fields().Len() {
		w.field(d.Fields().Get(i), paths)
	}
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		if below := inner(f); below != nil {
			w.message(below, joined(path, f), max(level+1, deepest))
		}
	}
}

// field writes one setting, in a message that stands at some paths.
func (w *referenceWriter) field(f protoreflect.FieldDescriptor, paths []string) {
	e := entryOf(w.t, f)
	if paths[0] != "" {
		own := joined(paths[0], f)
		if d := inner(f); d == nil || w.paths[d.FullName()][0] != own { // else the settings below it have the anchor
			fmt.Fprintf(w, "<a id=\"%s\"></a>", anchor(own))
		}
		fmt.Fprintf(w, "**`%s`** · ", f.Name())
	}
	facts := []string{w.kind(f)}
	if e.bounds != "" {
		facts = append(facts, e.bounds)
	}
	if e.required {
		facts = append(facts, "required")
	}
	if e.defaults != "" {
		facts = append(facts, "default "+asValue(e.defaults))
	}
	fmt.Fprintf(w, "%s · %s\n\n%s\n\n", strings.Join(facts, " · "), effectAt(f, paths), escaped(e.text))
	for i, example := range e.examples {
		if i == 0 {
			fmt.Fprint(w, "For example ")
		} else {
			fmt.Fprint(w, " or ")
		}
		fmt.Fprintf(w, "`%s`", example)
		if i == len(e.examples)-1 {
			fmt.Fprint(w, "\n\n")
		}
	}
}

// kind says what a setting holds.
func (w *referenceWriter) kind(f protoreflect.FieldDescriptor) string {
	if d := inner(f); d != nil {
		link := fmt.Sprintf("[settings](#%s)", anchor(w.paths[d.FullName()][0]))
		switch {
		case f.IsMap():
			return "names, each with " + link
		case f.IsList():
			return "list of " + link
		default:
			return link
		}
	}
	switch {
	case f.IsMap():
		return "names with texts"
	case f.IsList():
		return "list of " + single(w.t, f) + "s"
	default:
		return single(w.t, f)
	}
}

func single(t *testing.T, f protoreflect.FieldDescriptor) string {
	rules := rulesOf(t, f)
	texts := rules.GetString()
	if f.IsList() {
		texts = rules.GetRepeated().GetItems().GetString()
	}
	switch {
	case f.Message() != nil:
		return "duration"
	case f.Kind() == protoreflect.BoolKind:
		return "true or false"
	case f.Kind() == protoreflect.Uint32Kind:
		return "number"
	case strings.Contains(texts.GetPattern(), "KiB"):
		return "size"
	case strings.Contains(texts.GetPattern(), "/[smhd]"):
		return "rate"
	default:
		return "text"
	}
}

// effectAt says whether a reload applies a change of a field.
func effectAt(f protoreflect.FieldDescriptor, paths []string) string {
	restart := 0
	for _, path := range paths {
		setting := strings.ReplaceAll(joined(path, f), ".NAME", "[]")
		if config.EffectOf(strings.TrimSuffix(setting, "[]")) != "" {
			restart++
		}
	}
	switch restart {
	case 0:
		return "*reloads*"
	case len(paths):
		return "*restart*"
	default:
		return "*reloads*, but for listeners"
	}
}

// documented is what the comment and the rules of a field say.
type documented struct {
	text     string   // the comment without what stands in the other fields
	bounds   string   // what values there are
	defaults string   // what is in force when it is left out
	examples []string // how it is written
	required bool
	wrong    string // with a ! before it, what of the comment cannot be
}

var (
	span      = regexp.MustCompile(`\d[\w.µ]* to \d[\w.µ]*`)
	spanOfAny = regexp.MustCompile(`\d\w* to [^.;]+`)
)

func entryOf(t *testing.T, f protoreflect.FieldDescriptor) documented {
	t.Helper()
	rules := rulesOf(t, f)
	text := commentOf(f)
	e := documented{required: rules.GetRequired()}
	text, example, _ := strings.Cut(text, "Example: ")
	text, e.defaults, _ = strings.Cut(text, "Default: ")
	e.defaults = oneLine(strings.TrimSuffix(strings.TrimSpace(e.defaults), "."))
	if example = oneLine(example); example != "" {
		own := string(f.Name()) + ": "
		// Several examples stand behind each other; each begins with the name.
		for _, one := range strings.Split(strings.TrimPrefix(example, own), ", "+own) {
			e.examples = append(e.examples, own+one)
		}
		if !strings.HasPrefix(example, own) {
			e.wrong = "!its example does not begin with its name: " + example
		}
	}
	if strings.Contains(text, "Required.") || strings.Contains(text, "Required,") || rules.GetRepeated().GetMinItems() > 0 {
		e.required = true
	}
	for _, s := range []string{" Required.", "\n\nRequired."} {
		text = strings.Replace(text, s, "", 1)
	}
	e.bounds = bounds(t, f)
	switch {
	case e.bounds == "" && single(t, f) == "size":
		e.bounds = spanOfAny.FindString(oneLine(text))
		if e.bounds == "" {
			e.wrong = "!its comment does not say its bounds"
		}
	case span.MatchString(e.bounds) && span.MatchString(text) && !strings.Contains(oneLine(text), e.bounds) && holdsValue(f):
		e.wrong = fmt.Sprintf("!its rules say %s, its comment says %s", e.bounds, span.FindString(text))
	}
	if e.bounds != "" {
		sentence := regexp.MustCompile(`\s` + strings.ReplaceAll(regexp.QuoteMeta(e.bounds), " ", `\s`) + `\.`)
		text = sentence.ReplaceAllString(text, "")
	}
	e.text = afterName(strings.TrimSpace(text), camel(string(f.Name())), "`"+string(f.Name())+"`")
	return e
}

// bounds says which values the rules of a field permit.
func bounds(t *testing.T, f protoreflect.FieldDescriptor) string {
	t.Helper()
	rules := rulesOf(t, f)
	texts := rules.GetString()
	var parts []string
	if r := rules.GetRepeated(); f.IsList() {
		texts = r.GetItems().GetString()
		if r.HasMaxItems() {
			parts = append(parts, fmt.Sprintf("at most %d", r.GetMaxItems()))
		}
	}
	if m := rules.GetMap(); m.HasMaxPairs() {
		parts = append(parts, fmt.Sprintf("at most %d", m.GetMaxPairs()))
	}
	switch {
	case len(texts.GetIn()) > 0:
		parts = append(parts, "`"+strings.Join(texts.GetIn(), "`, `")+"`")
	case rules.GetDuration().HasGte():
		parts = append(parts, fmt.Sprintf("%s to %s", shortened(rules.GetDuration().GetGte()), shortened(rules.GetDuration().GetLte())))
	case rules.GetDuration().HasGt():
		parts = append(parts, fmt.Sprintf("more than 0s, at most %s", shortened(rules.GetDuration().GetLte())))
	case rules.GetUint32().HasGte():
		parts = append(parts, fmt.Sprintf("%d to %d", rules.GetUint32().GetGte(), rules.GetUint32().GetLte()))
	}
	return strings.Join(parts, " · ")
}

// shortened writes a duration as the comments do.
func shortened(d *durationpb.Duration) string {
	s := d.AsDuration().String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// afterName puts something in the place of the name with which a comment begins.
func afterName(text, name, by string) string {
	if rest, ok := strings.CutPrefix(text, name+" "); ok {
		return by + " " + rest
	}
	return text
}

// camel is the name of a field as its comment begins.
func camel(name string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(name, "_") {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// firstSentence is how a list of settings names one.
func firstSentence(text string) string {
	first, _, _ := strings.Cut(oneLine(text), ". ")
	return escaped(strings.TrimSuffix(first, ".") + ".")
}

// plain are values that read as such.
var plain = regexp.MustCompile(`^([0-9]\S*|true|false|[a-z]+[-_][a-z_-]+|[/\["*]\S*|ndjson|array|strict|status|omit|print|replace|reject|local|clear|adaptive|info|allow|off|stdout|json|read)$`)

// asValue writes a default, as code where it is a value.
func asValue(text string) string {
	if plain.MatchString(text) {
		return "`" + text + "`"
	}
	return escaped(text)
}

// special are what Markdown would take for something else.
var special = strings.NewReplacer("*", `\*`, "<", `\<`, "_", `\_`)

// escaped is a text as Markdown has it, with lists as they are.
func escaped(text string) string {
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		if i > 0 {
			b.WriteByte('`')
		}
		if i%2 == 0 {
			part = special.Replace(part)
		}
		b.WriteString(part)
	}
	return b.String()
}
