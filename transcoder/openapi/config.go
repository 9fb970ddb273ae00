// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
)

// DefaultTitle is the title of a document for which neither the configuration nor a proto has one.
const DefaultTitle = "API"

// DefaultVersion is the version of a document of services whose packages have no version, or several.
const DefaultVersion = "1"

// MaxText is the length in bytes of the longest title, version or description that a configuration may have.
const MaxText = 64 << 10

// Info is what a document says of the API as a whole. What is empty comes from the schema.
type Info struct {
	// Title is the name of the API.
	Title string
	// Version is the version of the API.
	Version string
	// Description is CommonMark.
	Description string
	// Servers are the URLs where it is served; none means the server that the document comes from.
	Servers []string
	// Visibility are the labels of google.api.visibility whose elements are shown, beside all that have no label.
	Visibility []string
}

// Check tells what is wrong with an Info: the path of the field, such as servers[1], and what is wrong with it.
func (i *Info) Check() (problems []Problem) {
	bad := func(path, format string, args ...any) {
		problems = append(problems, Problem{path, fmt.Sprintf(format, args...)})
	}
	for _, t := range []struct{ path, text string }{{"title", i.Title}, {"version", i.Version}, {"description", i.Description}} {
		if len(t.text) > MaxText {
			bad(t.path, "has %d bytes; it may have %d", len(t.text), MaxText)
		}
	}
	for n, s := range i.Servers {
		path := fmt.Sprintf("servers[%d]", n)
		u, err := url.Parse(s)
		switch {
		case err != nil, u.Host == "" && !strings.HasPrefix(s, "/"), u.Host != "" && u.Scheme != "http" && u.Scheme != "https":
			bad(path, "is %.200q; it must be a URL such as https://api.example.com, or a path that begins with a slash", s)
		case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
			bad(path, "is %.200q; it must have no query, fragment or user", s)
		case slices.Contains(i.Servers[:n], s):
			bad(path, "is there twice")
		}
	}
	for n, label := range i.Visibility {
		path := fmt.Sprintf("visibility[%d]", n)
		switch {
		case label == "" || strings.ContainsAny(label, ", \t"):
			bad(path, "is %.64q; it must be one label, such as PREVIEW", label)
		case slices.Contains(i.Visibility[:n], label):
			bad(path, "is there twice")
		}
	}
	return problems
}

// Problem is what is wrong with a field of an Info.
type Problem struct{ Path, Message string }

// Requirement is one way to be let in: the names of schemes that are needed together, each with its scopes.
type Requirement []Need

// Need is one scheme of a Requirement.
type Need struct {
	Scheme string
	Scopes []string
}

// Access says what a method needs.
type Access struct {
	// Any are alternatives, the first of which is preferred.
	Any []Requirement
	// Optional lets callers in who show nothing.
	Optional bool
	// Restricted tells that the method can be refused to callers who are known.
	Restricted bool
	// Limited tells that the method can be refused because it was called too often.
	Limited bool
}

// Config is what a document is made from.
type Config struct {
	// Info is what it says as a whole.
	Info Info
	// Mux has the methods and routes: that which requests of one listener find.
	Mux *transcoder.Mux
	// REST returns how a method is served; it may be the same pointer for several. It never returns nil.
	REST func(*transcoder.Method) *rest.Config
	// Schemes are the ways to prove who one is, by names of letters, digits, ".", "-" and "_".
	Schemes []Scheme
	// Access says what a method needs; nil says that no method needs anything.
	Access func(*transcoder.Method) Access
	// Include says which services are in the document, by full name; nil has all.
	Include func(service string) bool
}

// SchemeKind says how credentials are shown.
type SchemeKind string

// How credentials are shown.
const (
	// SchemeBearer is a token behind Bearer in the field authorization.
	SchemeBearer SchemeKind = "bearer"
	// SchemeBasic is a name and a password.
	SchemeBasic SchemeKind = "basic"
	// SchemeHeader is a header field of its own.
	SchemeHeader SchemeKind = "header"
	// SchemeQuery is a query parameter.
	SchemeQuery SchemeKind = "query"
	// SchemeCookie is a cookie.
	SchemeCookie SchemeKind = "cookie"
	// SchemeMutualTLS is a certificate of the client.
	SchemeMutualTLS SchemeKind = "mutualTLS"
)

// Scheme is a way to prove who one is.
type Scheme struct {
	// Name is what requirements call it.
	Name string
	// Kind says how the credentials are shown.
	Kind SchemeKind
	// Field is the name of the header field, the parameter or the cookie, where Kind is one of those.
	Field string
	// Format is what the token of SchemeBearer is, such as JWT; "" says nothing.
	Format string
	// Description is CommonMark.
	Description string
}
