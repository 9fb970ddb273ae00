// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// maxDepth is how deep the JSON of a token may be (threat C10).
const maxDepth = 16

// MaxForward is the length in bytes of the longest claim that a backend is told (threat C21).
const MaxForward = 4096

// ParseObject reads a JSON object as encoding/json does with UseNumber, and refuses what could be read in two ways: members of the same
// name, text that is not UTF-8 or that stands for no character, and more than 16 levels (threat C10).
func ParseObject(data []byte) (map[string]any, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("it is not UTF-8")
	}
	if !json.Valid(data) { // the decoder's tokens alone are taken more widely
		return nil, errors.New("it is not JSON")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := parseValue(d, 0)
	if err != nil {
		return nil, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("it is not a JSON object")
	}
	return object, nil
}

func parseValue(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it has more than %d levels", maxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return parseMembers(d, depth)
		}
		list := []any{}
		for d.More() {
			v, err := parseValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	case string:
		if strings.ContainsRune(t, utf8.RuneError) { // a lone surrogate, in whose place it is put
			return nil, errors.New("it has a text with a character that is none")
		}
		return t, nil
	default:
		return t, nil
	}
}

func parseMembers(d *json.Decoder, depth int) (any, error) {
	object := map[string]any{}
	for d.More() {
		name, err := parseValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		key, ok := name.(string)
		if !ok {
			return nil, errors.New("it has a name that is no text")
		}
		if _, ok := object[key]; ok {
			return nil, fmt.Errorf("it has the member %.64q twice", key)
		}
		if object[key], err = parseValue(d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return object, err
}

// ClaimNames say which claims an Identity is made of. A name is that of a claim, or of one within claims with dots between.
type ClaimNames struct {
	// Subject is the claim with the subject; "" means sub.
	Subject string
	// Tenant is the claim with the tenant; "" for none.
	Tenant string
	// Groups and Scopes are the claims with lists, or with texts whose words are the list; "" means groups and scope.
	Groups, Scopes string
	// Forward are names of metadata by which the backend is told, by the names of claims.
	Forward map[string]string
}

// Names of claims that are looked for unless others are named.
const (
	DefaultSubject = "sub"
	DefaultGroups  = "groups"
	DefaultScopes  = "scope"
)

// Check tells what is wrong with the names.
func (n ClaimNames) Check() error {
	var errs []error
	seen := map[string]string{}
	for _, claim := range slices.Sorted(maps.Keys(n.Forward)) {
		field := n.Forward[claim]
		if err := CheckForward(field); err != nil {
			errs = append(errs, fmt.Errorf("forward_claims[%q] is %q; it %w", claim, field, err))
		} else if other, ok := seen[field]; ok {
			errs = append(errs, fmt.Errorf("forward_claims[%q] is %q, as is that of %s", claim, field, other))
		}
		seen[field] = claim
	}
	return errors.Join(errs...)
}

// Reserved are the names of metadata that Forward can set.
func (n ClaimNames) Reserved() []string { return slices.Sorted(maps.Values(n.Forward)) }

// Identity makes an identity of claims. The error tells which claim is not fit; it is for the log.
func (n ClaimNames) Identity(provider string, claims map[string]any) (*transcoder.Identity, error) {
	id := &transcoder.Identity{Provider: provider, Claims: claims}
	var ok bool
	if id.Subject, ok = text(lookup(claims, or(n.Subject, DefaultSubject))); !ok || id.Subject == "" {
		return nil, fmt.Errorf("the claim %s is not there, or no text", or(n.Subject, DefaultSubject))
	}
	if n.Tenant != "" {
		if id.Tenant, ok = text(lookup(claims, n.Tenant)); !ok || id.Tenant == "" {
			return nil, fmt.Errorf("the claim %s is not there, or no text", n.Tenant)
		}
	}
	if id.Groups, ok = words(lookup(claims, or(n.Groups, DefaultGroups))); !ok {
		return nil, fmt.Errorf("the claim %s is no list of texts", or(n.Groups, DefaultGroups))
	}
	if id.Scopes, ok = words(lookup(claims, or(n.Scopes, DefaultScopes))); !ok {
		return nil, fmt.Errorf("the claim %s is no list of texts", or(n.Scopes, DefaultScopes))
	}
	var err error
	id.Forward, err = n.forward(claims)
	return id, err
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// lookup finds a claim by its name or, failing that, by the path that the name is; nil where there is none. Names with dots of
// their own are common: they are URLs.
func lookup(claims map[string]any, name string) any {
	if v, ok := claims[name]; ok {
		return v
	}
	head, rest, ok := strings.Cut(name, ".")
	if !ok {
		return nil
	}
	inner, ok := claims[head].(map[string]any)
	if !ok {
		return nil
	}
	return lookup(inner, rest)
}

func text(v any) (string, bool) {
	switch t := v.(type) {
	case string:
		return t, true
	case json.Number:
		return t.String(), true
	}
	return "", false
}

// words returns a list, or the words of a text as RFC 6749 writes scopes.
func words(v any) ([]string, bool) {
	switch t := v.(type) {
	case nil:
		return nil, true
	case string:
		return strings.Fields(t), true
	case []any:
		list := make([]string, len(t))
		for i := range t {
			s, ok := t[i].(string)
			if !ok {
				return nil, false
			}
			list[i] = s
		}
		return list, true
	}
	return nil, false
}

// forward makes the metadata for the backend, in the order of its names. A claim that is not there is not told; one that cannot be
// said is an error, for a backend that is told less may permit more (threat C21).
func (n ClaimNames) forward(claims map[string]any) (wire.Header, error) {
	var fields wire.Header
	for claim, name := range n.Forward {
		v := lookup(claims, claim)
		if v == nil {
			continue
		}
		value, err := forwarded(v, strings.HasSuffix(name, "-bin"))
		if err != nil {
			return nil, fmt.Errorf("the claim %s %w", claim, err)
		}
		if value != "" { // an empty text or list says no more than none
			fields.Add(name, value)
		}
	}
	slices.SortFunc(fields, func(a, b wire.Field) int { return strings.Compare(a.Name, b.Name) })
	return fields, nil
}

// forwarded writes a claim as a value of metadata. What is binary may be anything: texts as they are, all else as JSON.
func forwarded(v any, binary bool) (string, error) {
	s, ok := text(v)
	if b, isBool := v.(bool); isBool {
		s, ok = fmt.Sprint(b), true
	}
	if list, isList := v.([]any); isList && !binary {
		joined, err := join(list)
		if err != nil {
			return "", err
		}
		s, ok = joined, true
	}
	if binary {
		if !ok {
			data, err := json.Marshal(v)
			if err != nil {
				return "", err
			}
			s = string(data)
		}
		if len(s) > MaxForward {
			return "", fmt.Errorf("has %d bytes; %d can be forwarded", len(s), MaxForward)
		}
		return wire.EncodeBinary([]byte(s)), nil
	}
	if !ok {
		return "", errors.New("is of a kind that only a name that ends in -bin can carry")
	}
	if len(s) > MaxForward {
		return "", fmt.Errorf("has %d bytes; %d can be forwarded", len(s), MaxForward)
	}
	if s == "" {
		return "", nil
	}
	if s[0] == ' ' || s[len(s)-1] == ' ' || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", errors.New("is not printable ASCII, which only a name that ends in -bin can carry")
	}
	return s, nil
}

// join writes a list of texts with commas.
func join(list []any) (string, error) {
	texts := make([]string, len(list))
	for i := range list {
		s, ok := text(list[i])
		if !ok || strings.Contains(s, ",") {
			return "", errors.New("is a list that only a name that ends in -bin can carry")
		}
		texts[i] = s
	}
	return strings.Join(texts, ","), nil
}

// List is a list of texts as a claim has it.
func List(texts []string) []any {
	l := make([]any, len(texts))
	for i := range texts {
		l[i] = texts[i]
	}
	return l
}
