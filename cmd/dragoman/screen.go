// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer"
	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/docs"
	"github.com/dragoman-gateway/dragoman/gateway/reload"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// shownRoutes is how many routes the first screen lists.
const shownRoutes = 8

// screen is the first screen of `dev` and `demo`: what was loaded, where it is served, and a line to try.
type screen struct {
	terminal *terminal
	mode     string                       // what is behind the version: "dev mode: …"
	asks     bool                         // backends are asked whether they serve reflection
	again    string                       // the command that lists all routes
	tries    []string                     // lines to try; the first is made from the routes if there is none. "{api}" is the address.
	files    map[string][sha256.Size]byte // what is in force: sums of files, by the paths that people know; nil before anything is
}

func (s *screen) print(info *app.Started) {
	t := s.terminal
	s.files = filesOf(&info.Load)
	if t.quiet {
		t.diagnose(info.Load.Diagnostics)
		return
	}
	t.printf("  dragoman %s   %s\n\n", version(), s.mode)
	s.schemas(&info.Load)
	for _, b := range info.Backends() {
		t.printf("  backend   %s\n", backendLine(b, s.reflects(info, &b)))
	}
	s.routes(&info.Load)
	t.printf("\n")
	for _, l := range info.Listeners {
		api := scheme(l.TLS) + "://" + reachable(l.Addr)
		t.printf("  API       %s   REST, and gRPC with reflection, on the same port\n", api)
		tries := s.tries
		if len(tries) == 0 {
			tries = []string{s.tryLine(&info.Load)}
		}
		for i, try := range tries {
			name := "          "
			if i == 0 {
				name = "  try     "
			}
			t.printf("%s  %s\n", name, strings.ReplaceAll(strings.ReplaceAll(try, "{api}", api), "{address}", reachable(l.Addr)))
		}
	}
	for _, l := range info.Listeners {
		if info.Load.Snapshot.Pages != nil {
			t.printf("  docs      %s://%s%s   OpenAPI at %s\n", scheme(l.TLS), reachable(l.Addr), docs.DefaultPath, docs.DefaultOpenAPI+".json")
		}
	}
	t.printf("  health    http://%s/readyz\n", reachable(info.Admin))
	t.printf("  console   http://%s/console/\n\n", reachable(info.Admin))
	t.diagnose(info.Load.Diagnostics)
}

func scheme(tls bool) string {
	if tls {
		return "https"
	}
	return "http"
}

func (s *screen) schemas(e *reload.Event) {
	files, services, methods := 0, len(e.Snapshot.Mux.Services()), methodsOf(e.Snapshot.Mux)
	for _, schema := range e.Snapshot.Schemas() {
		files += schema.Stats().Files
	}
	s.terminal.printf("  schemas   %-32s %s, %s, %s   %d ms\n", strings.Join(e.Sources, ", "),
		counted(files, "file"), counted(services, "service"), counted(methods, "method"), e.Took.Milliseconds())
	if groups := builtIn(e.Snapshot.Schemas()); len(groups) > 0 {
		s.terminal.printf("            %s ← built in\n", strings.Join(groups, ", "))
	}
}

// methodsOf counts the methods that come from the schemas.
func methodsOf(mux *transcoder.Mux) int {
	n := 0
	for _, m := range mux.Methods() {
		if !m.Local {
			n++
		}
	}
	return n
}

// reflectionTime is how long the first screen waits for a backend to say whether it serves reflection.
const reflectionTime = time.Second

// reflects says whether a backend serves reflection, as ", reflection off"; "" where nobody wants to know, or nothing is known.
func (s *screen) reflects(info *app.Started, b *assemble.BackendState) string {
	if !s.asks || !slices.ContainsFunc(b.Endpoints, func(e balancer.State) bool { return e.Condition == balancer.Ready }) {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), reflectionTime)
	defer cancel()
	switch serves, known := info.Reflects(ctx, b.Name); {
	case !known:
		return ""
	case serves:
		return ", reflection on"
	default:
		return ", reflection off"
	}
}

// backendLine is "127.0.0.1:50051   ready, h2c", with more behind it.
func backendLine(b assemble.BackendState, more string) string {
	secure := "h2c"
	if b.TLS {
		secure = "TLS"
	}
	secure += more
	if len(b.Endpoints) == 0 {
		return fmt.Sprintf("%-32s no endpoint yet, %s", b.Target, secure)
	}
	var lines []string
	for _, e := range b.Endpoints {
		_, state, _ := strings.Cut(e.String(), "  ")
		lines = append(lines, fmt.Sprintf("%-32s %s, %s", e.Endpoint.String(), state, secure))
	}
	return strings.Join(lines, "\n            ")
}

func (s *screen) routes(e *reload.Event) {
	t := s.terminal
	var rest, bare []*httprule.Binding
	for _, b := range e.Snapshot.Mux.Routes().Bindings() {
		if b.Place.Origin == httprule.FromDefault {
			bare = append(bare, b)
		} else {
			rest = append(rest, b)
		}
	}
	t.printf("  routes    %d gRPC · %d REST\n", methodsOf(e.Snapshot.Mux), len(rest)+len(bare))
	for i, b := range rest {
		if i == shownRoutes && len(rest) > shownRoutes+1 {
			t.printf("            …%d more: %s\n", len(rest)-shownRoutes, s.again)
			break
		}
		t.printf("            %-7s %-36s %s\n", b.HTTPMethod, b.Template, methodName(b))
	}
	if len(bare) > 0 {
		t.printf("            %s without google.api.http: call as POST /%s/<Method>\n", counted(len(bare), "method"), bare[0].Method.Parent().FullName())
	}
}

func methodName(b *httprule.Binding) string {
	return string(b.Method.Parent().FullName()) + "/" + string(b.Method.Name())
}

// readers are how the names of methods begin that only read.
var readers = []string{"Get", "List", "Read", "Search", "Find", "Query", "Range", "Status", "Describe", "Check", "Count", "Watch", "Echo", "Ping", "Version"}

// tryLine is a call that works without knowing the schema, and that changes nothing: a GET without variables, or else a POST to a method whose
// name says that it reads. Where there is neither, it is a GET with values that may be of something.
func (s *screen) tryLine(e *reload.Event) string {
	var get, post *httprule.Binding
	filled := ""
	for _, b := range e.Snapshot.Mux.Routes().Bindings() {
		switch {
		case b.Method.IsStreamingClient() || b.Method.IsStreamingServer():
		case strings.Contains(b.Template.Key(), "*") || len(b.Variables) > 0:
			if path, ok := filledPath(b); ok && filled == "" && b.HTTPMethod == "GET" {
				filled = path
			}
		case b.HTTPMethod == "GET" && get == nil:
			get = b
		case b.HTTPMethod == "POST" && post == nil && reads(string(b.Method.Name())):
			post = b
		}
	}
	switch {
	case get != nil:
		return "curl {api}" + get.Template.String()
	case post != nil:
		return "curl {api}" + post.Template.String() + " -H 'content-type: application/json' -d '{}'"
	case filled != "":
		return "curl {api}" + filled
	default:
		return s.again
	}
}

func reads(method string) bool {
	return slices.ContainsFunc(readers, func(verb string) bool { return strings.HasPrefix(method, verb) })
}

// reachable is an address that a person can put into a browser: sockets that listen everywhere are reached here too.
func reachable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// draining says what a signal to end waits for.
func (s *screen) draining(calls int64) {
	if calls > 0 && !s.terminal.quiet {
		s.terminal.printf("  draining %s for at most %s; Ctrl-C again ends at once\n", counted(int(calls), "call"), devDrain)
	}
}

// reloaded prints what a reload did, in a line, or why it was refused.
func (s *screen) reloaded(e reload.Event) {
	t := s.terminal
	at := e.Time.Format(time.TimeOnly)
	if e.Err != nil {
		t.printf("  %s  reload  refused, still serving the schemas of %s\n", at, e.Since.Format(time.TimeOnly))
		_ = t.startError(e.Err) // prints what is wrong; there is nothing to exit from
		return
	}
	what := s.changed(&e)
	if e.Snapshot != nil && e.Since.Before(e.Time) && len(e.Added)+len(e.Changed)+len(e.Removed) == 0 {
		return // nothing is new
	}
	var lines strings.Builder // written at once: calls are logged in between
	fmt.Fprintf(&lines, "  %s  reload  %s   +%d ~%d -%d routes   %d ms\n", at, strings.Join(what, ", "), len(e.Added), len(e.Changed), len(e.Removed), e.Took.Milliseconds())
	for _, change := range []struct {
		sign   string
		routes []string
	}{{"+", e.Added}, {"~", e.Changed}, {"-", e.Removed}} {
		for i, r := range change.routes {
			if i == shownRoutes {
				fmt.Fprintf(&lines, "            %s …%d more\n", change.sign, len(change.routes)-i)
				break
			}
			fmt.Fprintf(&lines, "            %s %s\n", change.sign, r)
		}
	}
	if !t.quiet {
		t.printf("%s", lines.String())
	}
	t.diagnose(e.Diagnostics)
}
