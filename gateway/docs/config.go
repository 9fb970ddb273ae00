// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package docs provides what people read of an API at a listener: its OpenAPI documents, and a page that shows them.
package docs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/transcoder/openapi"
)

// Defaults of Config.
const (
	// DefaultPath is where the page is.
	DefaultPath = "/docs"
	// DefaultOpenAPI is where the documents are, without .json or .yaml.
	DefaultOpenAPI = "/openapi"
)

// maxPath is the length in bytes of the longest path.
const maxPath = 256

// Config says what is shown, and where.
type Config struct {
	// Path is where the page is; "" means DefaultPath.
	Path string
	// WithoutPage serves the documents alone.
	WithoutPage bool
	// OpenAPI is where the documents are, without .json or .yaml; "" means DefaultOpenAPI.
	OpenAPI string
	// Listeners are the names of the listeners that serve it; none means all.
	Listeners []string
	// Info is what documents say of the API as a whole.
	Info openapi.Info
}

// Check tells what is wrong: the path of the field, such as servers[1], and what is wrong with it.
func (c *Config) Check() []openapi.Problem {
	problems := c.Info.Check()
	for _, p := range []struct{ name, value string }{{"path", c.Path}, {"openapi", c.OpenAPI}} {
		if p.value != "" && !isPath(p.value) {
			problems = append(problems, openapi.Problem{Path: p.name, Message: fmt.Sprintf(
				"is %.64q; it must be a path such as /docs, of letters, digits, -, _ and . between slashes, of %d bytes at most", p.value, maxPath)})
		}
	}
	page, document := cmp.Or(c.Path, DefaultPath), cmp.Or(c.OpenAPI, DefaultOpenAPI)
	if !c.WithoutPage && (page == document || strings.HasPrefix(document, page+"/") || strings.HasPrefix(page, document+".")) {
		problems = append(problems, openapi.Problem{Path: "openapi", Message: fmt.Sprintf("is %s, which belongs to the page at %s; give it another path", document, page)})
	}
	return problems
}

// isPath tells whether a text is a path of plain segments, none of which is empty or dots alone.
func isPath(s string) bool {
	if len(s) < 2 || len(s) > maxPath || s[0] != '/' {
		return false
	}
	for segment := range strings.SplitSeq(s[1:], "/") {
		if strings.Trim(segment, ".") == "" {
			return false
		}
		for i := range len(segment) {
			if c := segment[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
				return false
			}
		}
	}
	return true
}

// At tells whether a listener serves it.
func (c *Config) At(listener string) bool {
	return len(c.Listeners) == 0 || slices.Contains(c.Listeners, listener)
}

// Page is the path of the page, "" where there is none; JSON and YAML those of the documents.
func (c *Config) Page() string {
	if c.WithoutPage {
		return ""
	}
	return cmp.Or(c.Path, DefaultPath)
}

// JSON is the path of the document as JSON.
func (c *Config) JSON() string { return cmp.Or(c.OpenAPI, DefaultOpenAPI) + ".json" }

// YAML is the path of the document as YAML.
func (c *Config) YAML() string { return cmp.Or(c.OpenAPI, DefaultOpenAPI) + ".yaml" }

// Paths are all paths that are served.
func (c *Config) Paths() []string {
	paths := []string{c.JSON(), c.YAML()}
	if page := c.Page(); page != "" {
		paths = append(paths, page)
		for _, a := range assets {
			paths = append(paths, page+"/"+a.name)
		}
	}
	return paths
}
