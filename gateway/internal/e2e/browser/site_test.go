// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package browser_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
)

// site is what pages come from: the page itself, what it needs to know, and the way in which its cases ask what the backend saw. Nothing of
// it goes by the gateway.
type site struct {
	descriptors []byte
	backend     *testbackend.Backend // nil where the cases do not ask it
	gateway     *gateway
	scripts     string // the folder of what was built for pages
}

// open serves the site at an origin of its own until the test ends.
func (s *site) open(t *testing.T, c *certificate) (origin string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(`<!doctype html><title>test</title><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>`))
	})
	mux.HandleFunc("GET /page.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(s.scripts, "page.js"))
	})
	mux.HandleFunc("GET /descriptors.binpb", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(s.descriptors) })
	mux.HandleFunc("GET /backend/last", s.last)
	mux.HandleFunc("GET /backend/counts", s.counts)
	mux.HandleFunc("GET /access", s.access)
	mux.HandleFunc("GET /preflights", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, strings.Count(s.gateway.access.String(), `"protocol":"cors"`))
	})
	server := httptest.NewUnstartedServer(mux)
	if c == nil {
		server.Start()
	} else {
		server.TLS = c.serverConfig(t)
		server.StartTLS()
	}
	t.Cleanup(server.Close)
	return server.URL
}

// last tells what the backend saw of the last message of a method.
func (s *site) last(w http.ResponseWriter, r *http.Request) {
	data, err := protojson.Marshal(s.backend.Last(r.FormValue("method")))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data)
}

// counts tells how often a method was called, once as many calls run and at least as many were cancelled as the query says.
func (s *site) counts(w http.ResponseWriter, r *http.Request) {
	method := r.FormValue("method")
	running, cancelled := -1, 0
	for name, to := range map[string]*int{"running": &running, "cancelled": &cancelled} {
		if text := r.FormValue(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			*to = n
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience/2)
	defer cancel()
	counts, err := s.backend.Wait(ctx, method, func(c testbackend.Counts) bool {
		return (running < 0 || c.Running == running) && c.Cancelled >= cancelled
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusGatewayTimeout)
		return
	}
	reply(w, map[string]int{"arrived": counts.Arrived, "running": counts.Running, "ended": counts.Ended, "cancelled": counts.Cancelled})
}

// access tells what the gateway's access log has of a request, as soon as it does.
func (s *site) access(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience/2)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for id := `"request_id":"` + r.FormValue("id") + `"`; ; {
		for line := range strings.Lines(s.gateway.access.String()) {
			if strings.Contains(line, id) && strings.HasSuffix(line, "\n") {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(line))
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			http.Error(w, "the log has no line with "+id, http.StatusGatewayTimeout)
			return
		}
	}
}

func reply(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // a page that has gone does not read it
}

// descriptorsOf returns the descriptors of files and of what they import, as a FileDescriptorSet.
func descriptorsOf(t *testing.T, pkg protoreflect.FullName) []byte {
	t.Helper()
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
	}
	protoregistry.GlobalFiles.RangeFilesByPackage(pkg, func(file protoreflect.FileDescriptor) bool {
		add(file)
		return true
	})
	data, err := proto.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
