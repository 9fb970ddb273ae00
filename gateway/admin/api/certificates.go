// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
	"github.com/dragoman-gateway/dragoman/gateway/transport/acme"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

// mostCertificateFile is how many bytes of a file of certificates are read: that of all authorities of a system has a fifth of it.
const mostCertificateFile = 2 << 20

type certificateServer struct {
	adminv1.UnimplementedCertificateServiceServer

	api *API
}

// ListenerCertificates are the certificates of an open listener.
type ListenerCertificates struct {
	// Listener is its name.
	Listener string
	// Shown are the certificates that it shows, or has none for yet.
	Shown []transport.Shown
	// Events are what happened last with those that an authority gives, newest first; Counts how often it did, by domain.
	Events []acme.Event
	Counts map[string]acme.Counts
	// CA is the authority's directory; "" where there is none.
	CA string
}

// ListCertificates tells of the certificates in use: those of listeners as they are shown, the others as their files have them now.
func (s *certificateServer) ListCertificates(context.Context, *adminv1.ListCertificatesRequest) (*adminv1.ListCertificatesResponse, error) {
	all := s.api.certificates()
	slices.SortStableFunc(all, func(a, b *adminv1.Certificate) int { return a.GetNotAfter().AsTime().Compare(b.GetNotAfter().AsTime()) })
	answer := &adminv1.ListCertificatesResponse{Certificates: all}
	for _, l := range s.api.shown() {
		answer.Domains = append(answer.Domains, domainsOf(&l)...)
		for i := range l.Events {
			e := &l.Events[i]
			answer.Events = append(answer.Events, &adminv1.AcmeEvent{
				Time: timeOf(e.Time), Kind: eventKinds[e.Kind], Listener: l.Listener, Name: e.Domain, Renewal: e.Renewal, Text: e.Text,
			})
		}
	}
	slices.SortStableFunc(answer.Events, func(a, b *adminv1.AcmeEvent) int { return b.GetTime().AsTime().Compare(a.GetTime().AsTime()) })
	return answer, nil
}

// eventKinds are the events of ACME as the API names them.
var eventKinds = map[acme.Kind]adminv1.AcmeEventKind{
	acme.Loaded: adminv1.AcmeEventKind_ACME_EVENT_KIND_LOADED, acme.Ordered: adminv1.AcmeEventKind_ACME_EVENT_KIND_ORDERED,
	acme.Issued: adminv1.AcmeEventKind_ACME_EVENT_KIND_ISSUED, acme.Failed: adminv1.AcmeEventKind_ACME_EVENT_KIND_FAILED,
	acme.Revoked: adminv1.AcmeEventKind_ACME_EVENT_KIND_REVOKED,
}

// domainsOf tells how it stands with the domains of a listener.
func domainsOf(l *ListenerCertificates) []*adminv1.AcmeDomain {
	var all []*adminv1.AcmeDomain
	for i := range l.Shown {
		c := &l.Shown[i]
		if c.Domain == "" {
			continue
		}
		d := &adminv1.AcmeDomain{
			Listener: l.Listener, Name: c.Domain, HasCertificate: c.Leaf != nil, Error: c.Error, FailedAt: timeOf(c.Failed), NextTry: timeOf(c.Next),
			Issued: l.Counts[c.Domain].Issued, Failed: l.Counts[c.Domain].Failed, Authority: l.CA,
		}
		if c.Leaf != nil {
			d.NotAfter = timeOf(c.Leaf.NotAfter)
		}
		all = append(all, d)
	}
	return all
}

// shown are the certificates of the listeners that are open.
func (a *API) shown() []ListenerCertificates {
	if a.config.Certificates == nil {
		return nil
	}
	return a.config.Certificates()
}

// certificates are those in use.
func (a *API) certificates() []*adminv1.Certificate {
	cfg := a.config.Assembly().Config()
	var all []*adminv1.Certificate
	for _, l := range a.shown() {
		path := ""
		if i := slices.IndexFunc(cfg.Listeners, func(own transport.Config) bool { return own.Name == l.Listener }); i >= 0 {
			path = fmt.Sprintf("listeners[%d].tls", i)
		}
		for i := range l.Shown {
			c := &l.Shown[i]
			if c.Leaf == nil {
				continue // it is one of the domains, that have none
			}
			out := certificateOf(c.Leaf)
			out.UsedBy, out.Listener, out.File, out.Source, out.Error = path, l.Listener, c.File, sourceFile, c.Error
			if c.Domain != "" {
				out.UsedBy, out.Source = path+".acme", sourceACME
			}
			all = append(all, out)
		}
	}
	return append(all, certificatesOfBackends(cfg)...)
}

// Where a certificate is from.
const (
	sourceFile = "file"
	sourceACME = "acme"
)

// certificatesOfBackends reads the certificates that a configuration names for backends.
func certificatesOfBackends(cfg *config.Config) []*adminv1.Certificate {
	var all []*adminv1.Certificate
	for i := range cfg.Backends {
		t := cfg.Backends[i].TLS
		if t == nil {
			continue
		}
		path := fmt.Sprintf("backends[%q].tls", cfg.Backends[i].Name)
		if t.Cert != "" {
			all = append(all, readCertificates(t.Cert, path, false)...)
		}
		if t.CA != "" {
			all = append(all, readCertificates(t.CA, path, true)...)
		}
	}
	return all
}

// readCertificates reads a file. Of a chain, the first is what is shown; of authorities all are told.
func readCertificates(file, usedBy string, authority bool) []*adminv1.Certificate {
	failed := func(err error) []*adminv1.Certificate {
		return []*adminv1.Certificate{{UsedBy: usedBy, File: file, Source: sourceFile, Authority: authority, Error: err.Error()}}
	}
	f, err := os.Open(file) //nolint:gosec // the configuration names it
	if err != nil {
		return failed(err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, mostCertificateFile))
	if err != nil {
		return failed(err)
	}
	var all []*adminv1.Certificate
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return failed(err)
		}
		out := certificateOf(c)
		out.UsedBy, out.File, out.Source, out.Authority = usedBy, file, sourceFile, authority
		if all = append(all, out); !authority {
			break
		}
	}
	if all == nil {
		return failed(errors.New("it has no certificate"))
	}
	return all
}

func certificateOf(c *x509.Certificate) *adminv1.Certificate {
	sum := sha256.Sum256(c.Raw)
	out := &adminv1.Certificate{
		Subject: c.Subject.String(), Issuer: c.Issuer.String(), NotBefore: timeOf(c.NotBefore), NotAfter: timeOf(c.NotAfter),
		DaysLeft: number(int(math.Floor(time.Until(c.NotAfter).Hours() / 24))), Serial: c.SerialNumber.Text(16), Fingerprint: hex.EncodeToString(sum[:]),
		Names: slices.Clone(c.DNSNames), KeyType: keyTypeOf(c),
	}
	for _, ip := range c.IPAddresses {
		out.Names = append(out.Names, ip.String())
	}
	for _, u := range c.URIs {
		out.Names = append(out.Names, u.String())
	}
	return out
}

func keyTypeOf(c *x509.Certificate) string {
	switch key := c.PublicKey.(type) {
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Curve.Params().Name
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case ed25519.PublicKey:
		return "Ed25519"
	default:
		return c.PublicKeyAlgorithm.String()
	}
}
