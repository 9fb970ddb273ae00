// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package browser_test

import (
	"context"
	"flag"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/bookstore"
	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

// screenshots is where pictures of all pages are put: docs/console when they are made anew.
var screenshots = flag.String("screenshots", "", "the folder that pictures of the console's pages are put into; none are made without it")

// consoleWorld is what console.js is told.
type consoleWorld struct {
	Chromium    string  `json:"chromium"`
	Admin       string  `json:"admin"`   // host:port
	Gateway     string  `json:"gateway"` // host:port
	Proto       string  `json:"proto"`   // the file that is watched
	Failing     string  `json:"failing"` // the endpoint that can be told to fail
	Control     string  `json:"control"` // where it is told so: /fail and /mend
	Config      string  `json:"config"`  // the configuration, which is watched
	Token       string  `json:"token"`   // one of ada
	Ended       string  `json:"ended"`   // one of eve, which has ended
	Guarded     string  `json:"guarded"` // host:port of the admin listener of another gateway, which wants a token and is read-only
	GuardToken  string  `json:"guardToken"`
	Uploads     uploads `json:"uploads"`
	Shown       pair    `json:"shown"`   // the files of a certificate
	Twin        pair    `json:"twin"`    // those of another, that ends with it and has its serial number
	Renewed     pair    `json:"renewed"` // those of another, that holds for longer
	Screenshots string  `json:"screenshots,omitempty"`
}

// pair are the files of a certificate and of its key.
type pair struct {
	Cert string `json:"cert"`
	Key  string `json:"key"`
}

// acmeOfNobody asks an authority for a certificate that is not there.
const acmeOfNobody = `, acme: {domains: [api.acme.example], storage: acme, ca: "https://127.0.0.1:1/directory"}`

// How long the certificate holds that is shown, and the one that takes its place.
const (
	shownLife   = 90 * 24 * time.Hour
	renewedLife = 200 * 24 * time.Hour
)

// guardToken is what the admin listener of the second gateway wants.
const guardToken = "of-the-operators-of-this-test"

func consoleCases() []row {
	var all []row
	for _, page := range []string{"overview", "traffic", "logs", "routes", "schemas", "sources", "try", "backends", "policies", "config", "tls"} {
		all = append(all, row{"page: " + page, "it shows what it has, is accessible (axe), and no wider than its place; in both themes on a desk, dark on a phone"})
	}
	return append(all, []row{
		{"dark on a desk", "every page loaded by its address in the dark theme, at the width of a desk: no wider than its place, and no error on the console of the browser"},
		{"theme", "the switch holds over a reload, and goes back to the system's"},
		{"search", "/ finds a route, a method and a page, by the keyboard alone"},
		{"deep links", "each view, with what is opened in it, has an address that can be loaded again"},
		{"explain", "the proto around a method, what a request would meet, and why another is refused"},
		{"one stream", "all pages live on one stream of events, and a page on which nothing happens asks for nothing"},
		{"policy of content", "what strangers put into a page does not run (threat I4)"},
		{"phone menu", "the menu and the search on a phone"},
		{"phone lines", "what belongs to a line stands in it on a phone, too: the dot of a reload beside its age"},
		{"lock", "a token is asked for, a wrong one refused; where the admin API is read-only, nothing that changes something is offered"},
		{"try: four protocols", "one call by REST, Connect, gRPC-Web and WebSocket, with the raw exchange, side by side"},
		{"try: server stream", "messages as they come, and cancel"},
		{"try: chat", "a bidi stream: send, read, send again, half-close"},
		{"try: client stream by fetch", "messages wait until the half-close where a browser cannot stream them"},
		{"try: form", "fields of the descriptor, hints of what is missing, and what was typed in the editor"},
		{"try: error", "an error's code and message, and the history that has it"},
		{"try: copy as", "seven languages, with the message and the headers of the environment"},
		{"try: upload", "a stream of requests with a file, as JSON and as it is"},
		{"try: deadline", "a deadline of the page is that of the call"},
		{"try: again", "a conversation of the history is sent again"},
		{"trials are not counted", "calls of the console are in no statistic"},
		{"reload", "a change of a proto is seen without loading the page again, and so is its refusal"},
		{"ejected", "an endpoint that fails is seen as ejected while one looks"},
		{"drain", "an endpoint is taken out and put back"},
		{"traffic", "calls as they end, by reason and by subject, one of them opened; the admin API's own calls are none"},
		{"figures", "latencies of a route as a heat strip, quantiles of endpoints, connections, refusals by cause, the keys that a limit refused most, circuit breakers"},
		{"cache", "what is stored is listed, and forgotten"},
		{"captures", "messages are captured for a while, and a call is sent again"},
		{"acme", "a domain that gets no certificate, and why; the log of ACME"},
		{"keys", "a key is made, calls are let in with it, and is revoked"},
		{"switches", "an API is switched off, with a note for its clients, and on; calls are sent to another backend"},
		{"configuration", "a change of the file is seen in force, a mistake is refused and told, a pasted text is checked"},
		{"certificate", "a certificate whose files are replaced is seen without loading the page again, by one that ends with it, too"},
		{"upload", "a descriptor set for a source that takes what is sent: what would change, in force, what breaks clients, and all reasons why another is refused"},
		{"nothing leaves the origin", "no request to anywhere else, and no error on the console of the browser, in all of the above"},
	}...)
}

// TestConsole: the admin console in a real browser, in front of a bookstore of which one server can be told to fail.
func TestConsole(t *testing.T) {
	t.Parallel()
	store := bookstore.NewSeededStore()
	stores, err := bookstore.Start(t.Context(), bookstore.ClusterConfig{Instances: 2, Store: store})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stores.Close(t.Context()) }) // what is under way is cut off: the gateway has gone
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(protoFolder, "bookstore"))); err != nil {
		t.Fatal(err)
	}
	third := startShaky(t, store)
	addresses := append(stores.Addresses(), third.address)
	own := t.TempDir()
	id := newIdentity(t, own)
	end := time.Now().Add(shownLife)
	shown, twin, renewed := newCertificateUntil(t, end), newCertificateUntil(t, end), newCertificateUntil(t, time.Now().Add(renewedLife))
	g := startGateway(t, &params{file: writeConsoleFile(t, own, folder, addresses, shown, "", ", capture: {on_demand: true}")})
	world := consoleWorld{
		Chromium: chromium(t), Admin: g.admin, Gateway: g.address, Proto: filepath.Join(folder, "v1", "bookstore.proto"), Config: filepath.Join(own, "dragoman.yaml"),
		Failing: third.address, Control: third.control(t), Token: id.token(t, "ada", time.Hour), Ended: id.token(t, "eve", -time.Hour),
		Uploads: newUploads(t), Shown: pair{shown.cert, shown.key}, Twin: pair{twin.cert, twin.key}, Renewed: pair{renewed.cert, renewed.key},
	}
	guarded := t.TempDir()
	newIdentity(t, guarded)
	world.Guarded = startGateway(t, &params{file: writeConsoleFile(t, guarded, folder, addresses, newCertificate(t), acmeOfNobody, `, token: `+guardToken+`, read_only: true`)}).admin
	world.GuardToken = guardToken
	if *screenshots != "" {
		if world.Screenshots, err = filepath.Abs(*screenshots); err != nil {
			t.Fatal(err)
		}
	}
	run(t, "console.js", world, consoleCases())
}

// shaky is a server of the bookstore that can be told to fail: every call is answered with UNAVAILABLE then.
type shaky struct {
	address string
	fails   atomic.Bool
}

func startShaky(t *testing.T, store *bookstore.Store) *shaky {
	t.Helper()
	s := &shaky{}
	service, err := bookstore.New(bookstore.Config{Store: store, Name: "bookstore-shaky"})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(
		grpc.UnaryInterceptor(func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			if err := s.err(); err != nil {
				return nil, err
			}
			return handler(ctx, request)
		}),
		grpc.StreamInterceptor(func(server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			if err := s.err(); err != nil {
				return err
			}
			return handler(server, stream)
		}),
	)
	bookstorev1.RegisterBookstoreServiceServer(server, service)
	bookstorev1.RegisterCoverServiceServer(server, service)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // it ends with Stop
	}()
	t.Cleanup(func() {
		server.Stop()
		<-done
	})
	s.address = listener.Addr().String()
	return s
}

func (s *shaky) err() error {
	if s.fails.Load() {
		return status.Error(codes.Unavailable, "this server is out of order")
	}
	return nil
}

// control serves the place where a case says whether the server fails, until the test ends.
func (s *shaky) control(t *testing.T) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { s.fails.Store(r.URL.Path == "/fail") }))
	t.Cleanup(server.Close)
	return server.URL
}
