// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package mtls

import (
	"crypto/x509"
	"errors"
	"net/netip"
	"strings"
)

// Kinds of names (RFC 5280, section 4.2.1.6). They are compared with names of the same kind alone (threat C18).
const (
	kindURI   = "uri"
	kindDNS   = "dns"
	kindEmail = "email"
	kindIP    = "ip"
)

// name is one name of a certificate.
type name struct{ kind, value string }

func (n name) String() string { return n.kind + ":" + n.value }

// rule is a name, of which one part may be anything.
type rule struct {
	name
	// wild says that the first label of a dns or the last segment of a uri may be anything.
	wild bool
}

// CheckRule tells what is wrong with a rule.
func CheckRule(text string) error {
	_, err := parseRule(text)
	return err
}

func parseRule(text string) (rule, error) {
	kind, value, ok := strings.Cut(text, ":")
	r := rule{name: name{kind: kind, value: value}}
	bad := errors.New("must be dns:name, uri:..., email:... or ip:..., of which a dns name may begin with *. and a uri end with /*")
	if !ok || value == "" || !printable(value) {
		return rule{}, bad
	}
	switch kind {
	case kindDNS:
		r.value = strings.ToLower(value)
		r.value, r.wild = strings.CutPrefix(r.value, "*")
		if strings.ContainsAny(r.value, "*/:") || r.wild && (!strings.HasPrefix(r.value, ".") || len(r.value) < 2) {
			return rule{}, bad
		}
	case kindURI:
		r.value, r.wild = strings.CutSuffix(value, "/*")
		if strings.Contains(r.value, "*") || !strings.Contains(r.value, ":") || r.wild && strings.HasSuffix(r.value, "/") {
			return rule{}, bad
		}
	case kindEmail:
		if strings.Count(value, "@") != 1 || strings.Contains(value, "*") {
			return rule{}, bad
		}
	case kindIP:
		address, err := netip.ParseAddr(value)
		if err != nil || address.Zone() != "" {
			return rule{}, bad
		}
		r.value = address.Unmap().String()
	default:
		return rule{}, bad
	}
	return r, nil
}

// namesOf returns the names of a certificate, in the order in which they make good subjects. A name with a byte that is not
// printable ASCII, NUL for one, or with a star, makes the certificate nobody's.
func namesOf(cert *x509.Certificate) ([]name, error) {
	var names []name
	for _, u := range cert.URIs {
		names = append(names, name{kindURI, u.String()})
	}
	for _, s := range cert.DNSNames {
		names = append(names, name{kindDNS, strings.ToLower(s)})
	}
	for _, s := range cert.EmailAddresses {
		names = append(names, name{kindEmail, s})
	}
	for _, ip := range cert.IPAddresses {
		address, ok := netip.AddrFromSlice(ip)
		if !ok {
			return nil, errors.New("it has an address that is none")
		}
		names = append(names, name{kindIP, address.Unmap().String()})
	}
	for _, n := range names {
		if n.value == "" || !printable(n.value) || strings.Contains(n.value, "*") {
			return nil, errors.New("it has a name that is empty, or has a byte that is not printable ASCII, or a star")
		}
	}
	return names, nil
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func (n name) matchesAny(rules []rule) bool {
	for i := range rules {
		if rules[i].matches(n) {
			return true
		}
	}
	return false
}

func (r *rule) matches(n name) bool {
	if r.kind != n.kind {
		return false
	}
	if !r.wild {
		return r.value == n.value
	}
	if r.kind == kindDNS {
		label, ok := strings.CutSuffix(n.value, r.value)
		return ok && label != "" && !strings.Contains(label, ".")
	}
	segment, ok := strings.CutPrefix(n.value, r.value+"/")
	return ok && segment != "" && !strings.ContainsAny(segment, "/?#%")
}
