// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package acme provides certificates that an authority gives a listener by ACME (RFC 8555), and renews them.
package acme

import (
	"cmp"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"
	"golang.org/x/net/idna"
)

// Defaults and bounds of Config.
const (
	// DefaultCA is the directory of Let's Encrypt.
	DefaultCA = "https://acme-v02.api.letsencrypt.org/directory"
	// DefaultKeyType is what kind of key a certificate has.
	DefaultKeyType = "p256"
	// MostDomains is how many names a listener may have certificates for: each has one of its own, which is renewed by itself.
	MostDomains = 1000
	// LeastRenewBefore is the shortest time before its end at which a certificate can be renewed.
	LeastRenewBefore = time.Second
)

// The ways to show an authority that a name is ours.
const (
	// TLSALPN01 shows it by a handshake on the listener itself (RFC 8737), which the authority reaches on port 443.
	TLSALPN01 = "tls-alpn-01"
	// HTTP01 shows it by a page in clear text (RFC 8555 section 8.3), which the authority reaches on port 80.
	HTTP01 = "http-01"
)

// keyTypes are the kinds of keys, in the order in which they are listed.
var keyTypes = []struct {
	name string
	kind certmagic.KeyType
}{
	{"p256", certmagic.P256},
	{"p384", certmagic.P384},
	{"rsa2048", certmagic.RSA2048},
	{"rsa4096", certmagic.RSA4096},
	{"ed25519", certmagic.ED25519},
}

// kindOf returns what certmagic calls a kind of key.
func kindOf(name string) (certmagic.KeyType, bool) {
	for _, k := range keyTypes {
		if k.name == name {
			return k.kind, true
		}
	}
	return "", false
}

// Config says whose certificates a listener shows, and who gives them. A zero field means its default.
type Config struct {
	// Domains are the names, each of which gets a certificate. The first is that of clients that name none.
	Domains []string
	// Email is where the authority reaches the operator; "" tells it nothing.
	Email string
	// CA is the URL of the authority's directory.
	CA string
	// CARoot is a PEM file with the certificates by which the authority's own is checked; "" means those of the system.
	CARoot string
	// Storage is the folder for accounts, keys and certificates. Instances that share it share these.
	Storage string
	// KeyType is the kind of key that a certificate has: p256, p384, rsa2048, rsa4096 or ed25519.
	KeyType string
	// Challenges are the ways that may be used; none means all that can be.
	Challenges []string
	// EAB binds the account to one that the operator has with the authority; nil binds it to none.
	EAB *EAB
	// RenewBefore is how long before its end a certificate is renewed, unless the authority asks for it earlier; 0 means a third of its life.
	RenewBefore time.Duration
	// Profile is the kind of certificate to ask for, by the authority's name for it; "" leaves that to the authority.
	Profile string
}

// EAB is what binds an account to another (RFC 8555 section 7.3.4).
type EAB struct {
	// KeyID names the key.
	KeyID string
	// MACKey is the key, in base64url; MACKeyFile a file that has it. One of them is set.
	MACKey, MACKeyFile string
}

// Wrong is one thing that is wrong with a Config.
type Wrong struct {
	// Setting is which one, as the configuration file writes it.
	Setting string
	// Text says what is wrong with it, Hint what to do; Hint may be empty.
	Text, Hint string
}

// Error implements error.
func (w *Wrong) Error() string {
	if w.Hint == "" {
		return w.Setting + " " + w.Text
	}
	return w.Setting + " " + w.Text + "; " + w.Hint
}

// Check tells everything that is wrong with a configuration, but for its files: those Read looks at.
func (c *Config) Check() []*Wrong {
	var all []*Wrong
	bad := func(setting, hint, format string, args ...any) {
		all = append(all, &Wrong{Setting: setting, Text: fmt.Sprintf(format, args...), Hint: hint})
	}
	switch {
	case len(c.Domains) == 0:
		bad("domains", "", "is empty; it must have the names that certificates are for")
	case len(c.Domains) > MostDomains:
		bad("domains", "", "has %d names; it may have %d", len(c.Domains), MostDomains)
	}
	seen := map[string]int{}
	for i, d := range c.Domains {
		setting := fmt.Sprintf("domains[%d]", i)
		name, err := Name(d)
		if err != nil {
			bad(setting, hintOf(d), "is %q, %s", d, err)
			continue
		}
		if before, twice := seen[name]; twice {
			bad(setting, "", "is the same as domains[%d]", before)
		}
		seen[name] = i
		if c.public() && !certmagic.SubjectQualifiesForPublicCert(name) {
			bad(setting, "set ca to an authority of your own", "is %q, which no public authority gives a certificate for", d)
		}
	}
	if a, err := mail.ParseAddress(c.Email); c.Email != "" && (err != nil || a.Address != c.Email) {
		bad("email", "", "is %q; it must be an address such as ops@example.com", c.Email)
	}
	if u, err := url.Parse(cmp.Or(c.CA, DefaultCA)); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		bad("ca", "", "must be the https URL of the authority's directory")
	}
	if c.Storage == "" {
		bad("storage", "or set admin.data_dir, in which it then is", "is empty; it must be a folder that outlives the process")
	}
	if _, ok := kindOf(cmp.Or(c.KeyType, DefaultKeyType)); !ok {
		bad("key_type", "", "is %q; it must be p256, p384, rsa2048, rsa4096 or ed25519", c.KeyType)
	}
	for i, way := range c.Challenges {
		if way != TLSALPN01 && way != HTTP01 {
			bad(fmt.Sprintf("challenges[%d]", i), "", "is %q; it must be %s or %s", way, TLSALPN01, HTTP01)
		}
	}
	if c.RenewBefore < 0 || c.RenewBefore > 0 && c.RenewBefore < LeastRenewBefore {
		bad("renew_before", "", "is %s; it must be %s or more", c.RenewBefore, LeastRenewBefore)
	}
	if c.EAB != nil {
		if c.EAB.KeyID == "" {
			bad("eab.key_id", "", "is empty; the authority gives one with the key")
		}
		if (c.EAB.MACKey == "") == (c.EAB.MACKeyFile == "") {
			bad("eab", "", "needs mac_key or mac_key_file, and not both")
		}
	}
	return all
}

// public says whether the authority is one whose certificates everybody trusts.
func (c *Config) public() bool { return c.CA == "" || c.CA == DefaultCA }

// may says whether a way may be used.
func (c *Config) may(way string) bool {
	return len(c.Challenges) == 0 || slices.Contains(c.Challenges, way)
}

// hintOf says what to do about a name that is none.
func hintOf(domain string) string {
	if strings.HasPrefix(domain, "*.") {
		return "name each host, or have a certificate from a file"
	}
	return ""
}

// Name returns the name of a host as certificates have it: in ASCII and in lower case.
func Name(domain string) (string, error) {
	switch {
	case strings.Contains(domain, "*"):
		return "", errors.New("a wildcard, which authorities give for a challenge by DNS alone, and that is not offered")
	case certmagic.SubjectIsIP(domain):
		return "", errors.New("an address; it must be the name of a host")
	}
	name, err := idna.New(idna.MapForLookup(), idna.StrictDomainName(true), idna.VerifyDNSLength(true), idna.BidiRule()).ToASCII(domain)
	if err != nil || strings.HasSuffix(name, ".") {
		return "", errors.New("which is not the name of a host")
	}
	return name, nil
}
