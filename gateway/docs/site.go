// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/openapi"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Protocol is what logs call requests for documents and pages.
const Protocol = "docs"

// mostKept is how many bytes of documents are kept for a snapshot. What is beyond is made again when it is asked for.
const mostKept = 32 << 20

// maxQuery is the length in bytes of the longest query of a request for a document.
const maxQuery = 1 << 10

// Source makes documents.
type Source interface {
	// Services are the full names of the services that requests of a listener find, sorted.
	Services(listener string) []string
	// Document makes the document of what requests of a listener find: of one service, or of all for "".
	Document(listener, service string) (*openapi.Document, error)
}

// Site serves the documents of one snapshot: they are made when they are first asked for. It is safe for concurrent use.
type Site struct {
	config *Config
	source Source
	served map[string]map[string]bool // paths, by listener
	page   *file
	assets map[string]*file // by path

	making chan struct{} // who has its one token makes a document; it guards kept and size
	kept   map[document]*file
	size   int
}

// document is one of the documents.
type document struct {
	listener, service string
	yaml              bool
}

// New returns the site of a configuration that has passed its Check. taken says which paths something else is served at, by listener: the
// site leaves them to that.
func New(cfg *Config, source Source, listeners []string, taken func(listener, path string) bool) (*Site, error) {
	if problems := cfg.Check(); len(problems) > 0 {
		return nil, fmt.Errorf("docs.%s %s", problems[0].Path, problems[0].Message)
	}
	s := &Site{
		config: cfg, source: source, served: map[string]map[string]bool{}, assets: map[string]*file{},
		making: make(chan struct{}, 1), kept: map[document]*file{},
	}
	s.making <- struct{}{}
	for _, listener := range listeners {
		if !cfg.At(listener) {
			continue
		}
		s.served[listener] = map[string]bool{}
		for _, path := range cfg.Paths() {
			s.served[listener][path] = !taken(listener, path)
		}
	}
	if page := cfg.Page(); page != "" {
		s.page = newPage(cfg)
		for _, a := range assets {
			s.assets[page+"/"+a.name] = a.file()
		}
	}
	return s, nil
}

// Serve answers a GET or HEAD of one of the paths. It is false for all other requests, which it leaves alone.
func (s *Site) Serve(c *transcoder.Call, ex transcoder.Exchange) bool {
	r := c.Request
	if (r.Method != http.MethodGet && r.Method != http.MethodHead) || !s.served[r.Listener][r.Path] {
		return false
	}
	c.Protocol = Protocol
	switch path := r.Path; {
	case path == s.config.JSON(), path == s.config.YAML():
		s.serveDocument(c, ex, path == s.config.YAML())
	case path == s.config.Page():
		s.page.serve(c, ex)
	default:
		s.assets[path].serve(c, ex)
	}
	return true
}

func (s *Site) serveDocument(c *transcoder.Call, ex transcoder.Exchange, yaml bool) {
	query, err := url.ParseQuery(c.Request.Query)
	service := query.Get("service")
	switch {
	case err != nil || len(c.Request.Query) > maxQuery || len(query["service"]) > 1:
		refuse(c, ex, http.StatusBadRequest, "the query is malformed; it may have service=package.Service")
		return
	case service != "" && !slices.Contains(s.source.Services(c.Request.Listener), service):
		refuse(c, ex, http.StatusNotFound, fmt.Sprintf("there is no service %.128q", service))
		return
	}
	f, err := s.document(c, document{c.Request.Listener, service, yaml})
	switch {
	case err != nil && c.Context().Err() != nil:
		refuse(c, ex, status.StatusClientClosedRequest, "the client has gone")
	case err != nil:
		c.Err = &status.Error{Code: codes.Internal, Reason: status.ReasonInternal, Message: "internal error", Cause: err}
		refuse(c, ex, http.StatusInternalServerError, "internal error")
	default:
		f.serve(c, ex)
	}
}

// document returns a document, made now if it is not kept. One is made at a time: who asks for many costs no more than one processor.
func (s *Site) document(c *transcoder.Call, d document) (*file, error) {
	select {
	case <-s.making:
	case <-c.Context().Done():
		return nil, c.Context().Err()
	}
	defer func() { s.making <- struct{}{} }()
	if f := s.kept[d]; f != nil {
		return f, nil
	}
	made, err := s.source.Document(d.listener, d.service)
	if err != nil {
		return nil, err
	}
	contentType, data := "application/json", made.JSON()
	if d.yaml {
		contentType = "application/yaml"
		if data, err = made.YAML(); err != nil {
			return nil, err
		}
	}
	f := newFile(contentType, data)
	if s.size+f.size() > mostKept {
		clear(s.kept)
		s.size = 0
	}
	if f.size() <= mostKept {
		s.kept[d] = f
		s.size += f.size()
	}
	return f, nil
}

// refuse answers with an error, in the form of google.rpc.Status.
func refuse(c *transcoder.Call, ex transcoder.Exchange, code int, message string) {
	reasons := map[int]*status.Error{
		http.StatusBadRequest: {Code: codes.InvalidArgument, Reason: status.ReasonBadQuery},
		http.StatusNotFound:   {Code: codes.NotFound, Reason: status.ReasonNoRoute},
	}
	if c.Err == nil {
		e := reasons[code]
		if e == nil {
			e = &status.Error{Code: codes.Internal, Reason: status.ReasonInternal}
		}
		e.Message = message
		c.Err = e
	}
	body, _ := json.Marshal(map[string]any{"code": int(status.Proto(c.Err).GetCode()), "message": message, "details": []any{}}) // always has a form
	out := answer(c, code)
	out.Header.Add("content-type", "application/json")
	out.Header.Add("cache-control", "no-store")
	out.Header.Add("x-dragoman-reason", string(c.Reason()))
	out.Header.Add("content-length", strconv.Itoa(len(body)))
	write(c, ex, out, body)
}
