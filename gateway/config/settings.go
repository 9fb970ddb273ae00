// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dragoman-gateway/dragoman/gateway/transport"
)

// Source of a value.
const (
	// FromFile is what stands in the file.
	FromFile SettingOrigin = "file"
	// FromEnvironment is what stands in the file as a variable.
	FromEnvironment SettingOrigin = "environment"
	// FromDefault is what is built in.
	FromDefault SettingOrigin = "default"
)

// Redacted stands in the place of values that may be secret.
const Redacted = "(redacted)"

// SettingOrigin says where a value is from.
type SettingOrigin string

// Setting is one value of the configuration.
type Setting struct {
	// Path is its path, such as backends["users"].target.
	Path string
	// Value is the value as the file writes it; Redacted where it may be secret.
	Value string
	// Origin says where it is from.
	Origin SettingOrigin
	// Line and Column are its place in the file; 0 where it does not stand there.
	Line, Column int
	// Written is what stands in the file where that has variables.
	Written string
	// Effect says when a change of it takes effect; "" for at once.
	Effect Effect

	plain string // the value, secret or not, for comparing
	field string // the path without what tells entries of lists and maps apart
}

// Effect says when a change of a setting takes effect.
type Effect string

// NeedsRestart is for what is decided when the process begins.
const NeedsRestart Effect = "with a restart"

// effects are the settings whose changes do not take effect at once, by the beginning of their paths. A test holds that all are settings.
var effects = []struct {
	field  string
	effect Effect
}{
	{"listeners[].reflection", ""},
	{"listeners[].health", ""},
	{"listeners[].tls", ""},
	{"listeners[].trusted_proxies", ""},
	{"listeners[].alt_svc", ""},
	{"listeners[].keepalive", ""},
	{"listeners[].connections", ""},
	{"listeners[].limits", ""},
	{"listeners", NeedsRestart},
	{"observability.access_log", NeedsRestart},
	{"observability.log.format", NeedsRestart},
	{"admin", NeedsRestart},
}

// effectOf returns when a change of a field takes effect.
func effectOf(field string) Effect {
	for _, e := range effects {
		if rest, ok := strings.CutPrefix(field, e.field); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return e.effect
		}
	}
	return ""
}

// secretFields are the names of fields whose values are secrets. A test holds that a field whose name sounds like one is here, or is known not
// to be one.
var secretFields = map[protoreflect.Name]bool{"password": true, "token": true, "debug_token": true, "client_secret": true, "mac_key": true}

// otlpHeaders is the field by which collectors know who sends: its values are keys, as a rule.
const otlpHeaders = protoreflect.FullName("dragoman.config.v1.Otlp.headers")

// Settings returns the values that the file sets, in the order of the schema; none without a file.
func (c *Config) Settings() []Setting {
	if c.message == nil {
		return nil
	}
	c.flat.once.Do(func() {
		s := &settings{config: c}
		s.message(c.message.ProtoReflect(), "", "")
		c.flat.list = s.list
	})
	return c.flat.list
}

// flattened is what is made of a file when it is first asked for.
type flattened struct {
	once sync.Once
	list []Setting

	mu       sync.Mutex
	policies map[[2]int][]PolicyValue // by the place of the policy; guarded by mu
}

// Fingerprint tells one configuration from another: by the text of its file, and by what its variables hold.
func (c *Config) Fingerprint() string {
	h := sha256.New()
	if c.text != nil {
		for _, line := range c.text.lines {
			fmt.Fprintln(h, line)
		}
	}
	for _, s := range c.Settings() {
		fmt.Fprintln(h, s.Path, s.plain)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// settings flattens a message.
type settings struct {
	config *Config
	list   []Setting
}

func (s *settings) message(m protoreflect.Message, path, field string) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if m.Has(f) {
			s.value(m, f, name(path, f.Name()), name(field, f.Name()))
		}
	}
}

func (s *settings) value(m protoreflect.Message, f protoreflect.FieldDescriptor, path, field string) {
	v := m.Get(f)
	switch {
	case f.IsMap():
		for _, k := range keysOf(v.Map()) {
			s.one(v.Map().Get(protoreflect.ValueOfString(k).MapKey()), f.MapValue(), f, entry(path, k), field+"[]")
		}
	case f.IsList() && isMessage(f):
		for i := range v.List().Len() {
			s.one(v.List().Get(i), f, f, item(path, i), field+"[]")
		}
	case f.IsList():
		texts := make([]string, v.List().Len())
		for i := range texts {
			texts[i] = scalarText(v.List().Get(i), f)
		}
		s.add("["+strings.Join(texts, ", ")+"]", f, path, field)
	default:
		s.one(v, f, f, path, field)
	}
}

// keysOf returns the keys of a map, sorted.
func keysOf(m protoreflect.Map) []string {
	keys := make([]string, 0, m.Len())
	m.Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
		keys = append(keys, k.String())
		return true
	})
	slices.Sort(keys)
	return keys
}

// one flattens a single value of the kind of a field; holder is the field that has the name.
func (s *settings) one(v protoreflect.Value, kind, holder protoreflect.FieldDescriptor, path, field string) {
	if !isMessage(kind) {
		s.add(scalarText(v, kind), holder, path, field)
		return
	}
	before := len(s.list)
	s.message(v.Message(), path, field)
	if len(s.list) == before { // that it is there says something, too
		s.add("{}", holder, path, field)
	}
}

func (s *settings) add(text string, f protoreflect.FieldDescriptor, path, field string) {
	own := Setting{Path: path, Value: text, Origin: FromFile, Effect: effectOf(field), plain: text, field: field}
	p := s.config.places[path]
	own.Line, own.Column = p.line, p.column
	raw := p.raw
	for at, q := range s.config.places {
		if raw == "" && f.IsList() && q.raw != "" && parent(at) == path {
			raw = "[…]"
		}
	}
	if raw != "" {
		own.Origin, own.Written, own.Value = FromEnvironment, raw, Redacted
	}
	if secretFields[f.Name()] || f.FullName() == otlpHeaders {
		own.Value = Redacted
	}
	s.list = append(s.list, own)
}

// isMessage says whether the values of a field have settings of their own.
func isMessage(f protoreflect.FieldDescriptor) bool {
	return f.Message() != nil && f.Message().FullName() != durationName
}

// scalarText writes a single value as a file does.
func scalarText(v protoreflect.Value, f protoreflect.FieldDescriptor) string {
	switch f.Kind() {
	case protoreflect.MessageKind:
		d, ok := v.Message().Interface().(*durationpb.Duration)
		if !ok {
			return v.String()
		}
		return shortDuration(d.AsDuration().String())
	case protoreflect.StringKind:
		return yamlText(v.String())
	default:
		return v.String()
	}
}

// shortDuration leaves the zeros out that Go writes behind minutes and hours: 1h0m0s.
func shortDuration(s string) string {
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// yamlText quotes a text where YAML would read another value, or more than one, without.
func yamlText(s string) string {
	ordinary := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./+@=", r)
	}
	switch strings.ToLower(s) {
	case "", "true", "false", "yes", "no", "on", "off", "null", "~", "y", "n", ".", "-", "=":
		return strconv.Quote(s)
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil || s[0] == '-' || strings.ContainsFunc(s, func(r rune) bool { return !ordinary(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// Change is a setting that differs between two configurations.
type Change struct {
	// Path is its path in the configuration after, or, where it is not there any more, in that before.
	Path string
	// Before and After are its values; "" where it is not set.
	Before, After string
	// Effect says when the change takes effect; "" for at once.
	Effect Effect
}

// String returns the change in one line.
func (c Change) String() string {
	return fmt.Sprintf("%s: %s → %s", c.Path, cmp.Or(c.Before, "(not set)"), cmp.Or(c.After, "(not set)"))
}

// Changes returns what differs from one configuration to another, by setting. What stands in lists is told apart by what names it: an entry
// that another one is put before has not changed, unless its place matters.
func Changes(before, after *Config) []Change {
	old, own := byIdentity(before), byIdentity(after)
	var changes []Change
	for _, id := range own.order {
		a, b := own.settings[id], old.settings[id]
		if b.plain == a.plain {
			continue
		}
		changes = append(changes, Change{Path: a.Path, Before: b.Value, After: a.Value, Effect: effectBetween(&a, after, before)})
	}
	for _, id := range old.order {
		if _, still := own.settings[id]; !still {
			b := old.settings[id]
			changes = append(changes, Change{Path: b.Path, Before: b.Value, Effect: effectBetween(&b, before, after)})
		}
	}
	return append(changes, moved(old, own)...)
}

// effectBetween says when a setting takes effect that one configuration has and the other has not, or has otherwise: a listener that is new or gone
// does with a restart, and so does one that begins or ends to speak TLS.
func effectBetween(s *Setting, own, other *Config) Effect {
	var i int
	if n, err := fmt.Sscanf(s.Path, "listeners[%d]", &i); n != 1 || err != nil || i >= len(own.Listeners) {
		return s.Effect
	}
	j := slices.IndexFunc(other.Listeners, func(l transport.Config) bool { return l.Name == own.Listeners[i].Name })
	if j < 0 || (own.Listeners[i].TLS == nil) != (other.Listeners[j].TLS == nil) && strings.HasPrefix(s.field, "listeners[].tls") {
		return NeedsRestart
	}
	return s.Effect
}

// identified are settings by a path in which entries of lists have the names that they give themselves, in place of their numbers.
type identified struct {
	order    []string
	settings map[string]Setting
	entries  map[string][]string // the names of the entries of a list, by its path
}

// naming are the fields by which the entries of lists are told apart.
var naming = []protoreflect.Name{"name", "match", "address", "id"}

func byIdentity(c *Config) identified {
	all := identified{settings: map[string]Setting{}, entries: map[string][]string{}}
	if c == nil || c.message == nil {
		return all
	}
	names := map[string]string{}
	nameEntries(c.message.ProtoReflect(), "", names, all.entries)
	for _, s := range c.Settings() {
		id := s.Path
		for p := s.Path; p != ""; p = parent(p) {
			if named, ok := names[p]; ok {
				id = named + s.Path[len(p):]
				break
			}
		}
		all.order = append(all.order, id)
		all.settings[id] = s
	}
	return all
}

// nameEntries finds the names of all entries of lists below a message, by their paths.
func nameEntries(m protoreflect.Message, path string, names map[string]string, entries map[string][]string) {
	nameEntriesAs(m, path, path, names, entries)
}

func nameEntriesAs(m protoreflect.Message, path, id string, names map[string]string, entries map[string][]string) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		own, ownID := name(path, f.Name()), name(id, f.Name())
		switch {
		case f.IsMap() && isMessage(f.MapValue()):
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				names[entry(own, k.String())] = entry(ownID, k.String())
				nameEntriesAs(v.Message(), entry(own, k.String()), entry(ownID, k.String()), names, entries)
				return true
			})
		case f.IsList() && isMessage(f):
			seen := map[string]int{}
			for i := range v.List().Len() {
				e := v.List().Get(i).Message()
				called := nameOf(e, i)
				seen[called]++
				if n := seen[called]; n > 1 {
					called = fmt.Sprintf("%s #%d", called, n)
				}
				entryID := entry(ownID, called)
				names[item(own, i)] = entryID
				entries[ownID] = append(entries[ownID], entryID)
				nameEntriesAs(e, item(own, i), entryID, names, entries)
			}
		case isMessage(f) && !f.IsMap() && !f.IsList():
			names[own] = ownID
			nameEntriesAs(v.Message(), own, ownID, names, entries)
		}
		return true
	})
}

// nameOf is what names an entry of a list; its number where nothing does.
func nameOf(m protoreflect.Message, i int) string {
	for _, n := range naming {
		if f := m.Descriptor().Fields().ByName(n); f != nil && f.Kind() == protoreflect.StringKind && !f.IsList() && m.Has(f) {
			return m.Get(f).String()
		}
	}
	return strconv.Itoa(i)
}

// moved tells of lists whose entries stand in another order.
func moved(before, after identified) []Change {
	var changes []Change
	lists := make([]string, 0, len(after.entries))
	for list := range after.entries {
		lists = append(lists, list)
	}
	slices.Sort(lists)
	for _, list := range lists {
		both := func(of, in []string) []string {
			return slices.DeleteFunc(slices.Clone(of), func(e string) bool { return !slices.Contains(in, e) })
		}
		old, own := both(before.entries[list], after.entries[list]), both(after.entries[list], before.entries[list])
		if slices.Equal(old, own) {
			continue
		}
		text := func(entries []string) string {
			texts := make([]string, len(entries))
			for i, e := range entries {
				texts[i] = strings.TrimPrefix(e, list)
			}
			return strings.Join(texts, " ")
		}
		changes = append(changes, Change{Path: list + " (order)", Before: text(old), After: text(own)})
	}
	return changes
}
