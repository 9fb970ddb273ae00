// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package introspection_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/authtest"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/introspection"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// issuer is who is asked about tokens.
type issuer struct {
	*httptest.Server
	answer atomic.Pointer[http.HandlerFunc]
	asked  atomic.Int64
}

func serve(t testing.TB) *issuer {
	t.Helper()
	s := &issuer{}
	s.answers(byToken)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		_ = r.ParseForm() // net/http sees that a client has gone once it has read the body
		(*s.answer.Load())(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *issuer) answers(h http.HandlerFunc) { s.answer.Store(&h) }

func says(format string, args ...any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, format, args...) }
}

// byToken knows tokens that say whose they are, from who may ask.
func byToken(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if id != "gateway" || secret != "s%3A%2F" || r.Method != http.MethodPost || r.URL.RawQuery != "" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	name, known := strings.CutPrefix(r.FormValue("token"), "good-")
	if !known {
		says(`{"active":false,"sub":"admin"}`)(w, r)
		return
	}
	says(`{"active":true,"sub":%q,"scope":"read write","exp":%d,"aud":["acme"],"iss":"issuer"}`, name, time.Now().Add(time.Hour).Unix())(w, r)
}

func provider(t testing.TB, s *issuer, edit func(*introspection.Config)) *introspection.Provider {
	t.Helper()
	cfg := introspection.Config{Name: "opaque", URL: s.URL, ClientID: "gateway", ClientSecret: "s:/", Timeout: authtest.Patience / 2}
	if edit != nil {
		edit(&cfg)
	}
	p, err := introspection.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return p
}

func bearer(token string) *transcoder.Request {
	return authtest.Request("authorization", "Bearer "+token)
}

func TestContract(t *testing.T) {
	t.Parallel()
	s := serve(t)
	authtest.Run(t, authtest.Subject{
		Provider: provider(t, s, func(c *introspection.Config) {
			c.Carrier.Cookie, c.Issuer, c.Audiences, c.Claims.Forward = "session", "issuer", []string{"acme"}, map[string]string{"sub": "x-user"}
		}),
		Good: map[string]*transcoder.Request{"alice": bearer("good-alice"), "bob": authtest.Request("cookie", "session=good-bob")},
		Bad: map[string]*transcoder.Request{
			"not active": bearer("bad"), "another": bearer("good"), "long": bearer(strings.Repeat("t", 9000)), "two words": authtest.Request("authorization", "Bearer good-a b"),
		},
	})
}

// What the issuer said is remembered, and calls that come together ask once; good and bad tokens each for a time of their own.
func TestIssuerIsAskedOnce(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := provider(t, s, nil)
	for _, token := range []string{"good-alice", "bad"} {
		before := s.asked.Load()
		var calls sync.WaitGroup
		for range 100 {
			calls.Go(func() {
				if id, err := authtest.Authenticate(t.Context(), p, bearer(token)); (err == nil) != (token != "bad") {
					t.Errorf("%s: %+v, %v", token, id, err)
				}
			})
		}
		calls.Wait()
		if asked := s.asked.Load() - before; asked > 3 { // who came just between two has asked again
			t.Errorf("%s: asked %d times", token, asked)
		}
	}
	// C12: nothing is believed longer than the token says.
	brief := provider(t, s, func(c *introspection.Config) { c.Remember = time.Millisecond })
	for range 3 {
		before := s.asked.Load()
		if _, err := authtest.Authenticate(t.Context(), brief, bearer("good-alice")); err != nil {
			t.Fatal(err)
		}
		ticker := time.NewTicker(2 * time.Millisecond)
		for s.asked.Load() == before {
			<-ticker.C
			if _, err := authtest.Authenticate(t.Context(), brief, bearer("good-alice")); err != nil {
				t.Fatal(err)
			}
		}
		ticker.Stop()
	}
}

// C12: when the client who asked goes away, the others get their answer all the same.
func TestWhoAsksGoesAway(t *testing.T) {
	t.Parallel()
	s := serve(t)
	entered, gate := make(chan struct{}, 8), make(chan struct{})
	s.answers(func(w http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		select {
		case <-gate:
			byToken(w, r)
		case <-r.Context().Done():
		}
	})
	p := provider(t, s, nil)
	first, leave := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	calls.Go(func() {
		if _, err := authtest.Authenticate(first, p, bearer("good-alice")); err == nil {
			t.Error("the call that is over is admitted")
		}
	})
	<-entered
	calls.Go(func() {
		if id, err := authtest.Authenticate(t.Context(), p, bearer("good-alice")); err != nil || id.Subject != "alice" {
			t.Errorf("the other one: %+v, %v", id, err)
		}
	})
	leave()
	close(gate)
	calls.Wait()
}

// C13: what is no answer is no permission.
func TestThreatC13FailsClosed(t *testing.T) {
	t.Parallel()
	const unavailable = status.ReasonAuthUnavailable
	for name, row := range map[string]struct {
		answer http.HandlerFunc
		reason status.Reason
	}{
		"an error": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, unavailable},
		"an error, with a good body": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(403)
			says(`{"active":true,"sub":"a"}`)(w, r)
		}, unavailable},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
		}, unavailable},
		"nothing":          {says(""), unavailable},
		"garbage":          {says("<html>"), unavailable},
		"active is a text": {says(`{"active":"true","sub":"a"}`), unavailable},
		"active twice":     {says(`{"active":false,"active":true,"sub":"a"}`), unavailable},
		"no active":        {says(`{"sub":"a"}`), unavailable},
		"endless": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"active":true,"a":"` + strings.Repeat("a", 1<<20)))
		}, unavailable},
		"not active":               {says(`{"active":false}`), status.ReasonTokenInvalid},
		"no subject":               {says(`{"active":true}`), status.ReasonTokenInvalid},
		"expired":                  {says(`{"active":true,"sub":"a","exp":1}`), status.ReasonTokenExpired},
		"expires some time":        {says(`{"active":true,"sub":"a","exp":"soon"}`), status.ReasonTokenInvalid},
		"of another issuer":        {says(`{"active":true,"sub":"a","iss":"evil","aud":"acme"}`), status.ReasonTokenUntrusted},
		"for another audience":     {says(`{"active":true,"sub":"a","aud":"other"}`), status.ReasonTokenInvalid},
		"for nobody":               {says(`{"active":true,"sub":"a"}`), status.ReasonTokenInvalid},
		"a claim that is not told": {says(`{"active":true,"sub":"a\r\nb","aud":"acme"}`), status.ReasonTokenInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			s.answers(row.answer)
			p := provider(t, s, func(c *introspection.Config) {
				c.Issuer, c.Audiences, c.Claims = "issuer", []string{"acme"}, auth.ClaimNames{Forward: map[string]string{"sub": "x-user"}}
			})
			if id, err := authtest.Authenticate(t.Context(), p, bearer("good-a")); id != nil || status.ReasonOf(err) != row.reason {
				t.Errorf("got %+v, %v (%s); want %s", id, err, status.ReasonOf(err), row.reason)
			}
		})
	}
	// Down: refused, at once after a few times, and asked again when it is back (fault 28).
	s := serve(t)
	s.answers(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	p := provider(t, s, func(c *introspection.Config) { c.Timeout = 20 * time.Millisecond })
	for i := range 20 {
		if _, err := authtest.Authenticate(t.Context(), p, bearer(fmt.Sprint(i))); status.ReasonOf(err) != unavailable {
			t.Errorf("%v", err)
		}
	}
	if asked := s.asked.Load(); asked > 6 {
		t.Errorf("it was asked %d times while it did not answer", asked)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	good := introspection.Config{URL: "https://a.example", ClientID: "a", ClientSecret: "b"}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, edit := range map[string]func(*introspection.Config){
		"no url": func(c *introspection.Config) { c.URL = "" }, "http": func(c *introspection.Config) { c.URL = "http://a.example" }, "no client": func(c *introspection.Config) { c.ClientID = "" },
		"no secret": func(c *introspection.Config) { c.ClientSecret = "" }, "timeout": func(c *introspection.Config) { c.Timeout = -1 }, "header": func(c *introspection.Config) { c.Carrier.Header = "te" },
	} {
		cfg := good
		edit(&cfg)
		if _, err := introspection.New(cfg); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
