// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/transport/acme"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/http2"
	"github.com/dragoman-gateway/dragoman/transcoder/http3"
)

// credentials are what a listener shows to its clients, and asks of them. They can be changed while it serves: handshakes go by what is there when
// they begin.
type credentials struct {
	log     *slog.Logger
	journal *acme.Journal
	current atomic.Pointer[shown]

	mu      sync.Mutex // held while they are changed; guards what is below
	meeting *acme.Meeting
	at      net.Addr // nil before start
	closed  bool
}

// shown is what is in force.
type shown struct {
	settings TLS
	files    *certificates // nil where there are none
	source   *acme.Source  // nil without ACME, as are both managers
	manager  *acme.Manager // nil before start
	// before is the manager before this one. Its certificates are shown until this one has read the storage.
	before *acme.Manager
	tcp    *tls.Config
	quic   *tls.Config
}

// newCredentials reads what a listener shows.
func newCredentials(cfg *Config, log *slog.Logger) (*credentials, error) {
	c := &credentials{log: log, journal: acme.NewJournal()}
	next, err := c.read(cfg, nil)
	if err != nil {
		return nil, err
	}
	c.current.Store(next)
	return c, nil
}

// read reads what a configuration says, and takes over what is in force already.
func (c *credentials) read(cfg *Config, before *shown) (*shown, error) {
	s := &shown{settings: *cfg.TLS}
	var errs []error
	if cfg.TLS.ACME != nil {
		var err error
		if s.source, err = acme.Read(*cfg.TLS.ACME); err != nil {
			errs = append(errs, fmt.Errorf("acme: %w", err))
		}
	}
	switch {
	case cfg.TLS.Cert == "" || len(errs) > 0:
	case before != nil && before.files != nil && before.settings.Cert == cfg.TLS.Cert && before.settings.Key == cfg.TLS.Key:
		s.files = before.files
	default:
		var err error
		if s.files, err = newCertificates(*cfg.TLS, c.log); err != nil {
			errs = append(errs, err)
		}
	}
	s.tcp = s.config(cfg.nextProtos())
	s.quic = s.config([]string{http3.NextProto})
	s.quic.MinVersion = tls.VersionTLS13
	return s, errors.Join(errs...)
}

// nextProtos are what clients over TLS can choose from.
func (c *Config) nextProtos() []string {
	var protos []string
	if c.speaks(HTTP2) {
		protos = append(protos, http2.NextProto)
	}
	if c.speaks(HTTP1) {
		protos = append(protos, nextHTTP1)
	}
	return protos
}

// config is what handshakes go by.
func (s *shown) config(protos []string) *tls.Config {
	version := uint16(tls.VersionTLS12)
	if s.settings.MinVersion == "1.3" {
		version = tls.VersionTLS13
	}
	ask := map[string]tls.ClientAuthType{RequestCertificates: tls.RequestClientCert, RequireCertificates: tls.RequireAnyClientCert}
	return &tls.Config{MinVersion: version, ClientAuth: ask[s.settings.ClientCertificates], GetCertificate: s.certificate, NextProtos: protos}
}

// certificate returns what to show to a client. Without any it is told that its name is not known here, at once.
func (s *shown) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	own, err := s.fromACME(hello)
	if own == nil && s.files != nil {
		return s.files.current.Load(), nil
	}
	return own, err
}

func (s *shown) fromACME(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if s.manager == nil {
		return nil, nil //nolint:nilnil // as crypto/tls means it: there is none
	}
	own, err := s.manager.Certificate(hello)
	if own != nil || s.before == nil {
		return own, err
	}
	select {
	case <-s.manager.Loaded():
		return nil, err
	default:
		return s.before.Certificate(hello)
	}
}

// challenge is what a handshake goes by with which an authority looks whose a name is; nil for all others. It must not be asked for a certificate,
// and there is nothing to be said afterwards.
func (s *shown) challenge(hello *tls.ClientHelloInfo) *tls.Config {
	if s.manager == nil || !acme.Challenges(hello) {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{acme.NextProto}, GetCertificate: s.manager.Certificate}
}

// tcp is the configuration of handshakes over TCP.
func (c *credentials) tcp() *tls.Config {
	base := c.current.Load().tcp.Clone()
	base.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		now := c.current.Load()
		if own := now.challenge(hello); own != nil {
			return own, nil
		}
		return now.tcp, nil
	}
	return base
}

// quic is the configuration of handshakes over QUIC.
func (c *credentials) quic() *tls.Config {
	base := c.current.Load().quic.Clone()
	base.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.current.Load().quic, nil }
	return base
}

// start begins to ask for certificates, for a listener that is open at an address. It waits a moment for those that are stored.
func (c *credentials) start(at net.Addr, meeting *acme.Meeting) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.meeting = at, meeting
	next := *c.current.Load()
	c.manage(&next, nil)
	c.current.Store(next.bound())
}

// bound returns it with configurations whose certificates are its own.
func (s *shown) bound() *shown {
	s.tcp, s.quic = s.tcp.Clone(), s.quic.Clone()
	s.tcp.GetCertificate, s.quic.GetCertificate = s.certificate, s.certificate
	return s
}

// manage gives what is shown its manager: the one before, where nothing has changed for it.
func (c *credentials) manage(s *shown, before *acme.Manager) {
	if s.source == nil {
		c.journal.Keep(nil)
	} else {
		c.journal.Keep(s.source.Domains())
	}
	switch {
	case s.source == nil || c.meeting == nil || c.closed:
	case before != nil && before.Source().Equal(s.source):
		s.manager = before
		before.Retry()
	default:
		s.manager, s.before = acme.New(s.source, transcoder.AddrPort(c.at), c.meeting, c.journal, c.log), before
		s.manager.AwaitStorage(context.Background())
		s.manager.Start()
	}
}

// apply puts a changed configuration in force, for handshakes that begin from now on.
func (c *credentials) apply(cfg *Config) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	before := c.current.Load()
	next, err := c.read(cfg, before)
	if err != nil {
		if next.files != nil && next.files != before.files {
			next.files.close()
		}
		return err
	}
	c.manage(next, before.manager)
	c.current.Store(next.bound())
	if before.files != nil && before.files != next.files {
		before.files.close()
	}
	if before.manager != nil && before.manager != next.manager {
		before.manager.Close()
	}
	return nil
}

// close ends all that goes on for them. They can still be shown.
func (c *credentials) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.closed = true
	now := c.current.Load()
	if now.manager != nil {
		now.manager.Close()
	}
	if now.files != nil {
		now.files.close()
	}
}

// Shown is a certificate that a listener shows, or has none for.
type Shown struct {
	// Leaf is the certificate; nil for a domain that has none yet.
	Leaf *x509.Certificate
	// File is the file that it is from; "" for one that an authority gave.
	File string
	// Domain is the name for which an authority gives it; "" for one from a file.
	Domain string
	// Error says why what is in the files now is not what is shown, or why the last try to get another failed; "" when all is well.
	Error string
	// Failed is when that was; Next when it is tried again. Zero where that is not known.
	Failed, Next time.Time
}

// shownNow tells what is shown.
func (c *credentials) shownNow() []Shown {
	now := c.current.Load()
	var all []Shown
	if now.files != nil {
		own := Shown{Leaf: now.files.current.Load().Leaf, File: now.settings.Cert}
		if err := now.files.failed.Load(); err != nil {
			own.Error = (*err).Error()
		}
		all = append(all, own)
	}
	if now.manager != nil {
		for _, d := range now.manager.Domains() {
			all = append(all, Shown{Leaf: d.Leaf, Domain: d.Name, Error: d.Error, Failed: d.Failed, Next: d.Next})
		}
	}
	return all
}
