// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// maxBody is the largest answer that is read.
	maxBody = 64 << 20
	// maxComplaint is how much of an error's body is shown.
	maxComplaint = 200
	// handshakeTimeout bounds a TLS handshake.
	handshakeTimeout = 5 * time.Second
)

// newClient returns a client for a registry: no proxy that the environment may name, and no redirects, which could
// lead the token elsewhere.
func newClient(secure *tls.Config) *http.Client {
	return &http.Client{
		Transport: &http.Transport{TLSClientConfig: secure, TLSHandshakeTimeout: handshakeTimeout, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("the server redirects, which is not followed")
		},
	}
}

// serverURL checks the URL of a registry.
func serverURL(server string) (*url.URL, error) {
	u, err := url.Parse(server)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" {
		return nil, fmt.Errorf("server is %q; it must be a URL, as in %q", server, "https://host:port")
	}
	return u, nil
}

// get asks; the answer is one of status 200, whose body the caller closes.
func get(ctx context.Context, c *http.Client, to string, header http.Header) (*http.Response, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, to, http.NoBody)
	if err != nil {
		return nil, err
	}
	q.Header = header
	r, err := c.Do(q)
	if err != nil {
		return nil, err
	}
	if r.StatusCode != http.StatusOK {
		defer func() { _ = r.Body.Close() }()
		complaint, _ := io.ReadAll(io.LimitReader(r.Body, maxComplaint)) // what there is of it
		return nil, &statusError{r.StatusCode, r.Status, strings.TrimSpace(string(complaint))}
	}
	return r, nil
}

// statusError is an answer of another status than 200.
type statusError struct {
	code         int
	status, body string
}

// Error implements error.
func (e *statusError) Error() string {
	if e.body == "" {
		return "the server answers " + e.status
	}
	return fmt.Sprintf("the server answers %s: %q", e.status, e.body)
}

// limited returns body, cut where no answer may be longer: JSON that is cut is no JSON.
func limited(body io.Reader) io.Reader { return io.LimitReader(body, maxBody) }
