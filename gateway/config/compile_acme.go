// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/gateway/transport"
	"github.com/dragoman-gateway/dragoman/gateway/transport/acme"
	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

// acmeFolder is where certificates of authorities are kept below admin.data_dir.
const acmeFolder = "acme"

// The ports to which an authority comes.
const (
	challengePortTLS  = "443"
	challengePortHTTP = "80"
)

// tls compiles what a listener shows; nil in clear text.
func (k *compiler) tls(m *configv1.ListenerTls, path string) *transport.TLS {
	if m == nil {
		return nil
	}
	t := &transport.TLS{Cert: k.file(m.GetCert()), Key: k.file(m.GetKey()), MinVersion: m.GetMinVersion(), ClientCertificates: m.GetClientCertificates()}
	if m.GetAcme() == nil && m.GetCert() == "" && m.GetKey() == "" {
		k.on(path, "", "needs cert and key, or acme")
	}
	k.pair(path, "cert", m.GetCert(), "key", m.GetKey())
	if m.GetAcme() != nil {
		t.ACME = k.acme(m.GetAcme(), path+".acme")
	}
	return t
}

// acme compiles whose certificates an authority gives.
func (k *compiler) acme(m *configv1.Acme, path string) *acme.Config {
	cfg := &acme.Config{
		Domains: m.GetDomains(), Email: m.GetEmail(), CA: m.GetCa(), CARoot: k.file(m.GetCaRoot()), Storage: k.file(m.GetStorage()), KeyType: m.GetKeyType(),
		Challenges: m.GetChallenges(), RenewBefore: m.GetRenewBefore().AsDuration(), Profile: m.GetProfile(),
	}
	if cfg.Storage == "" && k.cfg.Admin.DataDir != "" {
		cfg.Storage = filepath.Join(k.cfg.Admin.DataDir, acmeFolder)
	}
	if e := m.GetEab(); e != nil {
		cfg.EAB = &acme.EAB{KeyID: e.GetKeyId(), MACKey: e.GetMacKey(), MACKeyFile: k.file(e.GetMacKeyFile())}
	}
	for _, w := range cfg.Check() {
		k.on(path+"."+w.Setting, w.Hint, "%s", k.detail(path+"."+w.Setting, errors.New(w.Text)))
	}
	k.distinct(m.GetChallenges(), path+".challenges")
	return cfg
}

// reachable tells of certificates that no authority could give, because it has no way to look whose a domain is.
func (k *compiler) reachable(list []*configv1.Listener) {
	for i := range k.cfg.Listeners {
		own := &k.cfg.Listeners[i]
		if own.TLS == nil || own.TLS.ACME == nil {
			continue
		}
		path := item("listeners", i) + ".tls.acme"
		plain := k.plainFor(own)
		ways := own.TLS.ACME.Challenges
		if j := slices.Index(ways, acme.HTTP01); j >= 0 && plain == nil && !k.uncertainListeners(list) {
			k.on(item(path+".challenges", j), "add {name: plain, address: \":80\"}, or use "+acme.TLSALPN01,
				"is not possible: no listener without tls speaks http1 at the same host, or at all hosts")
			continue
		}
		if own.TLS.ACME.CA == "" || own.TLS.ACME.CA == acme.DefaultCA {
			k.public(own, plain, path)
		}
	}
}

// public warns of listeners that a public authority would have to find at ports which it does not come to.
func (k *compiler) public(own, plain *transport.Config, path string) {
	may := func(way string) bool {
		return len(own.TLS.ACME.Challenges) == 0 || slices.Contains(own.TLS.ACME.Challenges, way)
	}
	if may(acme.TLSALPN01) && portOf(own.Address) == challengePortTLS || may(acme.HTTP01) && plain != nil && portOf(plain.Address) == challengePortHTTP {
		return
	}
	var wants []string
	if may(acme.TLSALPN01) {
		wants = append(wants, "port 443 to "+own.Address)
	}
	if may(acme.HTTP01) && plain != nil {
		wants = append(wants, "port 80 to "+plain.Address)
	}
	k.warn(path, "have what is in front bring "+strings.Join(wants, ", or "), "the authority comes to ports 443 and 80 of each domain; no listener is there that could answer")
}

// plainFor is the listener in clear text by which an authority can be answered for another; nil where there is none. One at port 80 is the best.
func (k *compiler) plainFor(own *transport.Config) *transport.Config {
	var found *transport.Config
	for i := range k.cfg.Listeners {
		l := &k.cfg.Listeners[i]
		if l.TLS != nil || len(l.Protocols) > 0 && !slices.Contains(l.Protocols, transport.HTTP1) || !acme.Reachable(hostOf(own.Address), hostOf(l.Address)) {
			continue
		}
		if found == nil || portOf(l.Address) == challengePortHTTP {
			found = l
		}
	}
	return found
}

// uncertainListeners says whether something in a listener was refused that may have said that it is in clear text.
func (k *compiler) uncertainListeners(list []*configv1.Listener) bool {
	for i := range list {
		if path := item("listeners", i); k.uncertain[path] || k.isRefused(path+".tls") || k.isRefused(path+".protocols") {
			return true
		}
	}
	return false
}

// portOf is the port of an address to listen on.
func portOf(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

// hostOf is its host; that of all hosts where it has none, or a name.
func hostOf(address string) netip.Addr {
	a, err := netip.ParseAddr(strings.Trim(strings.TrimSuffix(address, ":"+portOf(address)), "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return a
}
