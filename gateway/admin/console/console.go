// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package console provides the pages by which people watch and run the gateway, and the way by which those pages try its API. What
// browsers load is built from web/ and committed in dist/, so that the gateway builds without Node (decision 23).
package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// Root is the path below which the console is.
const Root = "/console/"

const (
	index = "index.html"
	// assets are named after what they hold, so browsers may keep them.
	assets         = "assets/"
	forever        = "public, max-age=31536000, immutable"
	askAgain       = "no-cache"
	compressedFrom = 1 << 10 // bytes; smaller files fit into a packet
)

// Policy is what pages of the console may do: load, and talk to, nothing but the listener that they came from. No script and no style
// stands in a page (threat I4).
const Policy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"

//go:embed all:dist
var built embed.FS

// file is one of those that browsers load.
type file struct {
	content    []byte
	compressed []byte // by gzip; nil where that is not smaller
	kind       string
	etag       string
	cache      string
}

// Handler serves the console at Root. It is safe for concurrent use.
type Handler struct {
	files map[string]file // by their path below Root
}

// New returns the console.
func New() (*Handler, error) {
	dist, err := fs.Sub(built, "dist")
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	return handlerOf(dist)
}

func handlerOf(dist fs.FS) (*Handler, error) {
	h := &Handler{files: map[string]file{}}
	err := fs.WalkDir(dist, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := fs.ReadFile(dist, name)
		if err != nil {
			return err
		}
		h.files[name], err = newFile(name, content)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	if _, ok := h.files[index]; !ok {
		return nil, fmt.Errorf("console: %s is missing; what browsers load was not built: make console", index)
	}
	return h, nil
}

func newFile(name string, content []byte) (file, error) {
	sum := sha256.Sum256(content)
	f := file{
		content: content, kind: mime.TypeByExtension(path.Ext(name)), cache: askAgain,
		etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
	}
	// What a machine says of types is its own; these are what the console has.
	if kind, ok := kinds[path.Ext(name)]; ok {
		f.kind = kind
	}
	if strings.HasPrefix(name, assets) {
		f.cache = forever
	}
	if len(content) < compressedFrom {
		return f, nil
	}
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return file{}, err
	}
	if _, err := w.Write(content); err != nil {
		return file{}, err
	}
	if err := w.Close(); err != nil {
		return file{}, err
	}
	if out.Len() < len(content) {
		f.compressed = out.Bytes()
	}
	return f, nil
}

// kinds are the types of the console's files.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// ServeHTTP answers with a file, or with the page for every address of a view, so that views can be passed on and loaded again.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Content-Security-Policy", Policy)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		head.Set("Allow", "GET, HEAD")
		http.Error(w, "the console is only read", http.StatusMethodNotAllowed)
		return
	}
	f, ok := h.find(r.URL.Path)
	if !ok {
		head.Set("Cache-Control", "no-store")
		http.Error(w, "the console has no such file", http.StatusNotFound)
		return
	}
	f.serve(w, r)
}

// find returns the file at a path. Views have no dot in the last part of their path, or it is that of a name in the API: only what is missing among
// the assets, or at the root, is missing.
func (h *Handler) find(target string) (file, bool) {
	name, ok := strings.CutPrefix(target, Root)
	if !ok {
		return file{}, false
	}
	if f, ok := h.files[name]; ok {
		return f, true
	}
	if strings.HasPrefix(name, assets) || (!strings.Contains(name, "/") && path.Ext(name) != "") {
		return file{}, false
	}
	return h.files[index], true
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Cache-Control", f.cache)
	head.Set("ETag", f.etag)
	if f.compressed != nil {
		head.Set("Vary", "Accept-Encoding")
	}
	if r.Header.Get("If-None-Match") == f.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	head.Set("Content-Type", f.kind)
	content := f.content
	if f.compressed != nil && takesGzip(r.Header.Get("Accept-Encoding")) {
		head.Set("Content-Encoding", "gzip")
		content = f.compressed
	}
	head.Set("Content-Length", strconv.Itoa(len(content)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = io.Copy(w, bytes.NewReader(content)) // who went away misses it
}

// takesGzip tells whether a browser takes gzip; those that weigh it say so by other means than browsers do.
func takesGzip(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		if name, _, weighed := strings.Cut(strings.TrimSpace(part), ";"); name == "gzip" && !weighed {
			return true
		}
	}
	return false
}
