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
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

// mostCertificateFile is how many bytes of a file of certificates are read: that of all authorities of a system has a fifth of it.
const mostCertificateFile = 2 << 20

type certificateServer struct {
	adminv1.UnimplementedCertificateServiceServer

	api *API
}

// ListCertificates tells of the certificates in use, as their files have them now.
func (s *certificateServer) ListCertificates(context.Context, *adminv1.ListCertificatesRequest) (*adminv1.ListCertificatesResponse, error) {
	all := certificatesOf(s.api.config.Assembly().Config())
	slices.SortStableFunc(all, func(a, b *adminv1.Certificate) int { return a.GetNotAfter().AsTime().Compare(b.GetNotAfter().AsTime()) })
	return &adminv1.ListCertificatesResponse{Certificates: all}, nil
}

// certificatesOf reads the certificates that a configuration names.
func certificatesOf(cfg *config.Config) []*adminv1.Certificate {
	var all []*adminv1.Certificate
	for i := range cfg.Listeners {
		if t := cfg.Listeners[i].TLS; t != nil {
			all = append(all, readCertificates(t.Cert, fmt.Sprintf("listeners[%d].tls", i), false)...)
		}
	}
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
		return []*adminv1.Certificate{{UsedBy: usedBy, File: file, Authority: authority, Error: err.Error()}}
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
		out.UsedBy, out.File, out.Authority = usedBy, file, authority
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
