// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package acme

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"
)

const (
	// together is how many certificates are read, or asked for, at a time.
	together = 4
	// storageWait is how long the start waits for the certificates that the storage has. What takes longer comes while handshakes go on.
	storageWait = 3 * time.Second
	// checkEvery is how often it is looked what has to be renewed. It is oftener where RenewBefore is less than ten times that.
	checkEvery = 10 * time.Minute
	// checkOCSPEvery is the same of whether a newer answer of a responder is due, and of what is revoked.
	checkOCSPEvery = time.Hour
	// unreachableRetry and mostUnreachableRetry are how long it takes to ask again an authority that did not answer, the first time and in the end.
	unreachableRetry, mostUnreachableRetry = 2 * time.Second, 5 * time.Minute
	// refusedRetry and mostRefusedRetry are the same of one that refused: public ones allow a few failures in an hour.
	refusedRetry, mostRefusedRetry = time.Minute, 6 * time.Hour
)

// Manager has the certificates of a listener, asks for those that are missing, and renews them. It is safe for concurrent use.
type Manager struct {
	source  *Source
	at      netip.AddrPort
	meeting *Meeting
	journal *Journal
	log     *slog.Logger

	cache  *certmagic.Cache
	config *certmagic.Config
	issuer *certmagic.ACMEIssuer

	start   func() // begins to ask
	cancel  context.CancelFunc
	working sync.WaitGroup
	loaded  chan struct{} // closed when what the storage has is there
	now     chan struct{} // closed, and made anew, when failed orders are to be tried again at once; guarded by mu
	closing sync.Once

	state map[string]*domain // by name; all names are there from the beginning
	mu    sync.Mutex         // guards what state has, and now
}

// domain is how it stands with a name.
type domain struct {
	wrong  string
	failed time.Time
	next   time.Time
}

// noEmail is an address that is none. Without any, certmagic would take one that it has heard of elsewhere, of another listener say, and with it
// another account; and would ask for one as if a person sat in front of it.
const noEmail = " "

// New returns a manager of certificates for the listener at an address. It begins with those that the storage has, and asks for nothing before Start.
func New(s *Source, at netip.AddrPort, meeting *Meeting, journal *Journal, log *slog.Logger) *Manager {
	m := &Manager{
		source: s, at: netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), meeting: meeting, journal: journal, log: log, loaded: make(chan struct{}), now: make(chan struct{}), state: map[string]*domain{},
	}
	for _, name := range s.names {
		m.state[name] = &domain{}
	}
	kind, _ := kindOf(s.config.KeyType) // it was checked
	zapLog := newLogger(log.Handler())
	m.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert:   func(c certmagic.Certificate) (*certmagic.Config, error) { return m.configOf(c), nil },
		RenewCheckInterval: s.checkEvery(checkEvery), OCSPCheckInterval: s.checkEvery(checkOCSPEvery), Logger: zapLog,
	})
	m.config = certmagic.New(m.cache, certmagic.Config{
		DefaultServerName: s.names[0], KeySource: certmagic.StandardKeyGenerator{KeyType: kind},
		Storage: &certmagic.FileStorage{Path: s.config.Storage}, OnEvent: m.happened, Logger: zapLog,
		// Where a proxy is given, an OCSP responder has 30 seconds to answer; else all the time there is, while a certificate that is there is not
		// shown and nothing is asked for (certmagic v0.25.6: ocsp.go, getOCSPForCert).
		OCSP:           certmagic.OCSPConfig{HTTPProxy: http.ProxyFromEnvironment},
		ShouldEmitFunc: func(event string) bool { return event != "tls_get_certificate" },
	})
	m.issuer = certmagic.NewACMEIssuer(m.config, m.template())
	m.issuer.Logger = zapLog
	m.config.Issuers = []certmagic.Issuer{m.issuer}
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	meeting.join(m)
	m.start = sync.OnceFunc(func() { m.working.Go(func() { m.work(ctx) }) })
	m.working.Go(func() {
		m.each(ctx, m.load)
		close(m.loaded)
	})
	return m
}

// template is what the authority is asked by.
func (m *Manager) template() certmagic.ACMEIssuer {
	cfg := &m.source.config
	t := certmagic.ACMEIssuer{
		CA: cfg.CA, Email: cmp.Or(cfg.Email, noEmail), Agreed: true, Profile: cfg.Profile,
		DisableTLSALPNChallenge: !cfg.may(TLSALPN01), AltTLSALPNPort: int(m.at.Port()), ListenHost: hostOf(m.at.Addr(), netip.Addr{}),
		DisableHTTPChallenge: true,
	}
	// certmagic opens a port of its own unless it is taken, and then trusts who has it: these are ours.
	if plain, ok := m.meeting.plainFor(m.at); ok && cfg.may(HTTP01) {
		t.DisableHTTPChallenge, t.AltHTTPPort, t.ListenHost = false, int(plain.Port()), hostOf(m.at.Addr(), plain.Addr())
	}
	if cfg.EAB != nil {
		t.ExternalAccount = &acme.EAB{KeyID: cfg.EAB.KeyID, MACKey: m.source.mac}
	}
	if m.source.roots != nil {
		t.TrustedRoots = x509.NewCertPool()
		t.TrustedRoots.AppendCertsFromPEM(m.source.roots)
	}
	return t
}

// checkEvery is how often something is looked for, at the latest after most: oftener where certificates are renewed shortly before their end.
func (s *Source) checkEvery(most time.Duration) time.Duration {
	const looks = 10
	if before := s.config.RenewBefore; before > 0 {
		return min(most, before/looks)
	}
	return most
}

// configOf is what a certificate is renewed by. certmagic knows when as a part of its life.
func (m *Manager) configOf(c certmagic.Certificate) *certmagic.Config {
	before, life := m.source.config.RenewBefore, c.Lifetime()
	if before == 0 || life <= 0 {
		return m.config
	}
	own := *m.config
	// Who asks for more than there is would renew without end.
	const most = 0.9
	own.RenewalWindowRatio = min(float64(before)/float64(life), most)
	return &own
}

// Loaded is closed when all certificates that the storage has are in use.
func (m *Manager) Loaded() <-chan struct{} { return m.loaded }

// AwaitStorage waits a while for the certificates that the storage has.
func (m *Manager) AwaitStorage(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, storageWait)
	defer cancel()
	select {
	case <-m.loaded:
	case <-ctx.Done():
		m.log.Warn("acme: the storage is slow; handshakes are refused until it has given their certificates", slog.String("storage", m.source.config.Storage))
	}
}

// Start begins to ask for certificates, and returns.
func (m *Manager) Start() { m.start() }

func (m *Manager) work(ctx context.Context) {
	select {
	case <-m.loaded:
	case <-ctx.Done():
		return
	}
	// What ended while nobody looked is renewed now, and not at the next look.
	if err := m.cache.RenewManagedCertificates(ctx); err != nil {
		m.log.Warn("acme: renewing", slog.Any("error", err))
	}
	m.each(ctx, m.obtain)
}

// each does something for every name. Who does much takes one of the places for it.
func (m *Manager) each(ctx context.Context, do func(context.Context, string, chan struct{})) {
	places := make(chan struct{}, together)
	var all sync.WaitGroup
	for _, name := range m.source.names {
		all.Go(func() { do(ctx, name, places) })
	}
	all.Wait()
}

// load puts the certificate of a name in use that the storage has.
func (m *Manager) load(ctx context.Context, name string, places chan struct{}) {
	places <- struct{}{}
	defer func() { <-places }()
	if ctx.Err() != nil {
		return
	}
	c, err := m.config.CacheManagedCertificate(ctx, name)
	switch {
	case err == nil:
		m.journal.add(Event{Kind: Loaded, Domain: name, Text: until(c.Leaf)})
	case !errors.Is(err, fs.ErrNotExist) && ctx.Err() == nil:
		m.fail(name, fmt.Errorf("reading the storage: %w", err), 0)
		m.log.Error("acme: a certificate of the storage cannot be used", slog.String("domain", name), slog.Any("error", err))
	}
}

// obtain asks for the certificate of a name until there is one.
func (m *Manager) obtain(ctx context.Context, name string, places chan struct{}) {
	if m.leaf(name) != nil {
		return // the cache renews it
	}
	attempts := 0
	tries := context.WithValue(ctx, certmagic.AttemptsCtxKey, &attempts)
	for {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		err := m.config.ObtainCertSync(tries, name)
		if err == nil {
			_, err = m.config.CacheManagedCertificate(ctx, name)
		}
		<-places
		if err == nil || ctx.Err() != nil {
			return
		}
		wait := waitAfter(err, attempts)
		attempts++
		m.fail(name, err, wait)
		m.journal.add(Event{Kind: Failed, Domain: name, Text: err.Error()})
		m.log.Error("acme: there is no certificate", slog.String("domain", name), slog.Any("error", err), slog.Duration("retry_in", wait))
		if !m.pause(ctx, wait) {
			return
		}
	}
}

// waitAfter is how long it takes until an authority is asked again.
func waitAfter(err error, failures int) time.Duration {
	wait, most := unreachableRetry, mostUnreachableRetry
	if _, refused := errors.AsType[acme.Problem](err); refused {
		wait, most = refusedRetry, mostRefusedRetry
	}
	for range failures {
		wait = min(2*wait, most) //nolint:mnd // twice
	}
	return time.Duration(float64(wait) * (0.9 + 0.2*rand.Float64())) //nolint:gosec // no secret
}

// pause waits, until the time is over or somebody wants a try at once. It reports false when ctx has ended.
func (m *Manager) pause(ctx context.Context, wait time.Duration) bool {
	m.mu.Lock()
	now := m.now
	m.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-now:
	case <-ctx.Done():
		return false
	}
	return true
}

// Retry tries at once what failed and waits.
func (m *Manager) Retry() {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.now)
	m.now = make(chan struct{})
}

// fail notes why there is no certificate for a name.
func (m *Manager) fail(name string, err error, wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.state[name]
	d.wrong, d.failed, d.next = short(err), time.Now(), time.Time{}
	if wait > 0 {
		d.next = d.failed.Add(wait)
	}
}

// short is an error as it is shown.
func short(err error) string {
	if len(err.Error()) > mostText {
		return strings.ToValidUTF8(err.Error()[:mostText], "") + " […]"
	}
	return err.Error()
}

// happened is told by certmagic what it does.
func (m *Manager) happened(ctx context.Context, event string, data map[string]any) error {
	name, _ := data["identifier"].(string)
	renewal, _ := data["renewal"].(bool)
	if !m.has(name) && event != "cert_ocsp_revoked" {
		return nil
	}
	switch event {
	case "cert_obtaining":
		m.journal.add(Event{Kind: Ordered, Domain: name, Renewal: renewal})
	case "cert_obtained":
		m.mu.Lock()
		*m.state[name] = domain{}
		m.mu.Unlock()
		m.journal.add(Event{Kind: Issued, Domain: name, Renewal: renewal})
		m.log.Info("acme: a certificate was issued", slog.String("domain", name), slog.Bool("renewal", renewal), slog.String("ca", m.source.config.CA))
	case "cert_failed":
		if err, _ := data["error"].(error); err != nil && renewal && ctx.Err() == nil { // who asks for the first one says so itself
			m.notRenewed(name, err)
		}
	case "cert_ocsp_revoked":
		names, _ := data["subjects"].([]string)
		for _, name := range names {
			if m.has(name) {
				m.journal.add(Event{Kind: Revoked, Domain: name, Text: fmt.Sprint("reason ", data["reason"])})
				m.log.Error("acme: a certificate was revoked; another is asked for", slog.String("domain", name), slog.Any("reason", data["reason"]))
			}
		}
	}
	return nil
}

// notRenewed notes that a certificate goes on until its end, unless the next try succeeds.
func (m *Manager) notRenewed(name string, err error) {
	m.fail(name, err, 0)
	m.journal.add(Event{Kind: Failed, Domain: name, Renewal: true, Text: err.Error()})
	log := m.log
	if leaf := m.leaf(name); leaf != nil {
		log = log.With(slog.Time("not_after", leaf.NotAfter))
	}
	log.Error("acme: a certificate was not renewed; the one before stays in force", slog.String("domain", name), slog.Any("error", err))
}

func until(leaf *x509.Certificate) string { return "until " + leaf.NotAfter.UTC().Format(time.RFC3339) }

// has says whether a certificate is for a name.
func (m *Manager) has(name string) bool { return m.state[name] != nil }

// leaf returns the certificate that is shown for a name; nil where there is none.
func (m *Manager) leaf(name string) *x509.Certificate {
	var latest *x509.Certificate
	for _, c := range m.cache.AllMatchingCertificates(name) {
		if c.Leaf != nil && (latest == nil || c.Leaf.NotAfter.After(latest.NotAfter)) {
			latest = c.Leaf
		}
	}
	return latest
}

// Certificate returns what to show to a client; nil for a name that is not ours. It never waits.
func (m *Manager) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.ToLower(hello.ServerName)
	if name == "" {
		name = m.source.names[0]
	}
	if !m.has(name) {
		return nil, nil //nolint:nilnil // as crypto/tls means it: there is none
	}
	if m.leaf(name) == nil && !Challenges(hello) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if wrong := m.state[name].wrong; wrong != "" {
			return nil, fmt.Errorf("acme: there is no certificate for %s yet: %s", name, wrong)
		}
		return nil, fmt.Errorf("acme: there is no certificate for %s yet", name)
	}
	return m.config.GetCertificate(hello)
}

// Challenges says whether a client is an authority that wants to see whose a name is (RFC 8737 section 3).
func Challenges(hello *tls.ClientHelloInfo) bool {
	return len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == NextProto
}

// NextProto is the protocol of such handshakes.
const NextProto = "acme-tls/1"

// Domain is how it stands with a name.
type Domain struct {
	// Name is the name.
	Name string
	// Leaf is the certificate in use; nil while there is none.
	Leaf *x509.Certificate
	// Error says why the last try to get one failed, at Failed; "" when it did not.
	Error  string
	Failed time.Time
	// Next is when it is tried again; zero where that is not known.
	Next time.Time
}

// Domains returns how it stands with all names, in the order of the configuration.
func (m *Manager) Domains() []Domain {
	all := make([]Domain, len(m.source.names))
	for i, name := range m.source.names {
		all[i] = Domain{Name: name, Leaf: m.leaf(name)}
		m.mu.Lock()
		d := m.state[name]
		all[i].Error, all[i].Failed, all[i].Next = d.wrong, d.failed, d.next
		m.mu.Unlock()
	}
	return all
}

// Source is what the manager was made of.
func (m *Manager) Source() *Source { return m.source }

// Close gives up what is under way and waits until all is quiet. Certificates that are in use can still be shown.
func (m *Manager) Close() {
	m.closing.Do(func() {
		m.meeting.leave(m)
		m.cancel()
		m.working.Wait()
		m.cache.Stop()
	})
}
