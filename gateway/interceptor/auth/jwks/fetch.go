// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
)

// fetchTimeout bounds one fetch, discovery included (threat C7).
const fetchTimeout = 5 * time.Second

// discoveryPath is where an issuer says where its keys are.
//
// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationRequest
const discoveryPath = "/.well-known/openid-configuration"

// fetcher fetches key sets by HTTP.
type fetcher struct {
	config Config
	base   *url.URL // what the configuration names
	client *http.Client
}

func newFetcher(cfg Config) (*fetcher, error) {
	base, err := CheckURL(cfg.URL+cfg.Issuer, cfg.InsecureHTTP)
	if err != nil {
		return nil, err
	}
	f := &fetcher{config: cfg, base: base}
	dialer := &net.Dialer{Timeout: fetchTimeout}
	f.client = &http.Client{
		Timeout: fetchTimeout,
		// A key set of another host than the one that is configured is not what the operator asked for (threat C5).
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > 3 || r.URL.Host != via[0].URL.Host || r.URL.Scheme != via[0].URL.Scheme {
				return errors.New("it redirects to another host, or too often")
			}
			return nil
		},
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				d := *dialer
				if host, _, err := net.SplitHostPort(address); err != nil || host != f.base.Hostname() {
					d.ControlContext = publicOnly
				}
				return d.DialContext(ctx, network, address)
			},
			DisableCompression: true, // the bound on the size is then one on what is read
			DisableKeepAlives:  true, // minutes lie between two fetches
			ForceAttemptHTTP2:  true,
		},
	}
	return f, nil
}

// CheckURL reads a URL that keys, or what is known of tokens, can be had from.
func CheckURL(s string, insecureHTTP bool) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return nil, errors.New("must be a URL such as https://login.example/keys, without a user and a fragment")
	}
	switch u.Scheme {
	case "https":
	case "http":
		if !insecureHTTP && !local(u.Hostname()) {
			return nil, errors.New("must be https; http is only for this machine itself, or with insecure_http")
		}
	default:
		return nil, errors.New("must be https")
	}
	return u, nil
}

func local(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// publicOnly refuses to connect to an address that only this machine or its network has. It is for hosts that a document names and
// not the configuration.
func publicOnly(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	a := ap.Addr().Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return fmt.Errorf("%s is no public address, and not of the host that is configured", a)
	}
	return nil
}

func (f *fetcher) fetch(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	if f.config.URL != "" {
		return f.get(ctx, f.config.URL)
	}
	data, err := f.get(ctx, strings.TrimSuffix(f.config.Issuer, "/")+discoveryPath)
	if err != nil {
		return nil, err
	}
	var doc struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("what %s says of itself is not JSON: %w", f.config.Issuer, err)
	}
	if doc.Issuer != f.config.Issuer {
		return nil, fmt.Errorf("%s says that it is %.200q", f.config.Issuer, doc.Issuer)
	}
	keys, err := CheckURL(doc.Keys, f.config.InsecureHTTP)
	if err != nil {
		return nil, fmt.Errorf("the jwks_uri of %s is %.200q; it %w", f.config.Issuer, doc.Keys, err)
	}
	if f.base.Scheme == "https" && keys.Scheme != "https" {
		return nil, fmt.Errorf("the jwks_uri of %s is not https", f.config.Issuer)
	}
	return f.get(ctx, doc.Keys)
}

func (f *fetcher) get(ctx context.Context, from string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "dragoman")
	answer, err := f.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d", from, answer.StatusCode)
	}
	return atMost(answer.Body, from)
}

func atMost(r io.Reader, from string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxSet+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxSet {
		return nil, fmt.Errorf("%s has more than %d bytes", from, MaxSet)
	}
	return data, nil
}

// watchFile reads the file again whenever it changes. What cannot be read leaves the keys as they are.
func (k *Keys) watchFile(ctx context.Context) {
	k.file().Watch(ctx, k.loaded, func() {
		err := k.read()
		if k.fault.Store(nil); err != nil {
			k.fault.Store(&err)
			k.config.Log.Error("the file with keys was not read again; the keys before stay in force", slog.String("file", k.config.File), slog.Any("error", err))
		}
	})
}

func (k *Keys) file() auth.File { return auth.File{Path: k.config.File, Most: MaxSet} }
