// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	_ "embed"
	"html"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/dragoman-gateway/dragoman/transcoder/openapi"
)

// The page is Swagger UI, of swagger-ui-dist 5.35.0, Apache-2.0: see swaggerui/LICENSE and NOTICE. `make swagger-ui` gets it.
var (
	//go:embed swaggerui/swagger-ui-bundle.js.gz
	bundle []byte
	//go:embed swaggerui/swagger-ui.css.gz
	style []byte
	//go:embed swaggerui/start.js
	start []byte
	//go:embed swaggerui/start.css
	ownStyle []byte
	//go:embed swaggerui/LICENSE
	license []byte
	//go:embed swaggerui/NOTICE
	notice []byte
	//go:embed swaggerui/swagger-ui-bundle.js.LICENSE.txt
	licenses []byte
)

// asset is a file below the page.
type asset struct {
	name string
	file func() *file // made once
}

var assets = []asset{
	{"swagger-ui-bundle.js", sync.OnceValue(func() *file { return packedFile("text/javascript; charset=utf-8", bundle) })},
	{"swagger-ui.css", sync.OnceValue(func() *file { return packedFile("text/css; charset=utf-8", style) })},
	{"start.js", sync.OnceValue(func() *file { return newFile("text/javascript; charset=utf-8", start) })},
	{"start.css", sync.OnceValue(func() *file { return newFile("text/css; charset=utf-8", ownStyle) })},
	{"LICENSE", sync.OnceValue(func() *file { return newFile("text/plain; charset=utf-8", license) })},
	{"NOTICE", sync.OnceValue(func() *file { return newFile("text/plain; charset=utf-8", notice) })},
	{"swagger-ui-bundle.js.LICENSE.txt", sync.OnceValue(func() *file { return newFile("text/plain; charset=utf-8", licenses) })},
}

// newPage is the page of a configuration. Its addresses are relative, so that it can stand behind a proxy that takes a prefix off.
func newPage(cfg *Config) *file {
	folder := path.Base(cfg.Page())
	f := newFile("text/html; charset=utf-8", []byte(strings.NewReplacer(
		"{title}", html.EscapeString(pageTitle(&cfg.Info)), "{folder}", folder, "{document}", relative(cfg.Page(), cfg.JSON()),
	).Replace(pageText)))
	f.policy = contentPolicy(&cfg.Info)
	return f
}

const pageText = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{folder}/swagger-ui.css">
<link rel="stylesheet" href="{folder}/start.css">
</head>
<body>
<noscript>This page needs JavaScript; the document that it shows is <a href="{document}">here</a>.</noscript>
<div id="docs" data-document="{document}"></div>
<script src="{folder}/swagger-ui-bundle.js"></script>
<script src="{folder}/start.js"></script>
</body>
</html>
`

func pageTitle(i *openapi.Info) string {
	if i.Title == "" {
		return openapi.DefaultTitle
	}
	return i.Title
}

// relative is the address of a path as seen from the page at another one.
func relative(from, to string) string {
	up := strings.Count(from, "/") - 1
	return strings.Repeat("../", up) + strings.TrimPrefix(to, "/")
}

// contentPolicy lets the page load its own files alone, and call this server and those that the document names.
func contentPolicy(i *openapi.Info) string {
	connect := []string{"'self'"}
	for _, s := range i.Servers {
		if u, err := url.Parse(s); err == nil && u.Host != "" {
			if origin := u.Scheme + "://" + u.Host; !slices.Contains(connect, origin) {
				connect = append(connect, origin)
			}
		}
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src " + strings.Join(connect, " ") +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
