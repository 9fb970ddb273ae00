// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
)

// defaultDNSPort is the port of a DNS server that is named without one.
const defaultDNSPort = "53"

// Family says which addresses of a name are wanted.
type Family string

// The families.
const (
	// Both asks for A and AAAA records.
	Both Family = "ip"
	// IPv4 asks for A records only.
	IPv4 Family = "ip4"
	// IPv6 asks for AAAA records only.
	IPv6 Family = "ip6"
)

// DNSConfig says which name to look up.
type DNSConfig struct {
	// Host is the name. An IP address is its own answer. Required.
	Host string
	// Port is the port that the instances listen on, 1 to 65535. Required.
	Port uint16
	// Server is the DNS server to ask, as "host", "host:port" or "[v6]:port". Empty: those of the
	// machine.
	Server string
	// Family says which addresses are wanted. Empty: Both. With a server that does not answer
	// questions for AAAA at all, say IPv4: the answer is complete only when both have come.
	Family Family
}

// DNS looks a name up: each address in the answer is an endpoint. The standard library's resolver
// does not tell how long an answer may be kept, so the adapter's interval decides how soon a
// change is followed, and records with a TTL of zero are no special case.
type DNS struct {
	cfg      DNSConfig
	resolver *net.Resolver
	last     []netip.Addr // the last good answer; only Lookup touches it
}

// NewDNS checks cfg and returns the source.
func NewDNS(cfg DNSConfig) (*DNS, error) {
	var errs []error
	if cfg.Host == "" || strings.ContainsAny(cfg.Host, "/:@ ,") && !isIP(cfg.Host) {
		errs = append(errs, fmt.Errorf("dns: host is %q; it must be a name", cfg.Host))
	}
	if cfg.Port == 0 {
		errs = append(errs, errors.New("dns: port is 0; it must be 1 to 65535"))
	}
	switch cfg.Family {
	case "":
		cfg.Family = Both
	case Both, IPv4, IPv6:
	default:
		errs = append(errs, fmt.Errorf("dns: family is %q; it must be %q, %q or %q", cfg.Family, Both, IPv4, IPv6))
	}
	server := ""
	if cfg.Server != "" {
		var err error
		if server, err = dnsServer(cfg.Server); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &DNS{cfg: cfg, resolver: &net.Resolver{
		PreferGo: server != "", // only Go's own resolver can be told which server to ask
		Dial:     dialDNS(server),
	}}, nil
}

// dialDNS returns how the resolver reaches server; empty: those that it has chosen. A question that
// was given up is cut short: left alone, the standard library's goroutine would wait for the answer
// until its own timeout.
func dialDNS(server string) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if server != "" {
			address = server
		}
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		// The resolver cancels ctx when the exchange has ended, which releases this too.
		context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
		return conn, nil
	}
}

func isIP(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

func dnsServer(s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = strings.Trim(s, "[]"), defaultDNSPort
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("dns: server is %q; its port must be 1 to 65535", s)
	}
	if host == "" || strings.ContainsAny(host, "/:@ ,") && !isIP(host) {
		return "", fmt.Errorf(`dns: server is %q; it must be "host" or "host:port"`, s)
	}
	return net.JoinHostPort(host, port), nil
}

// Lookup implements Lookuper.
func (d *DNS) Lookup(ctx context.Context) ([]endpoint.Endpoint, error) {
	addrs, err := d.ask(ctx, d.cfg.Family)
	if err != nil {
		return nil, err
	}
	for _, f := range []Family{IPv4, IPv6} {
		addrs = append(addrs, d.missing(ctx, f, addrs)...)
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	addrs = slices.Compact(addrs)
	d.last = addrs
	out := make([]endpoint.Endpoint, len(addrs))
	for i, a := range addrs {
		e, err := endpoint.New(endpoint.Spec{Addresses: []string{netip.AddrPortFrom(a, d.cfg.Port).String()}})
		if err != nil {
			return nil, err
		}
		out[i] = e
	}
	return out, nil
}

// missing returns the addresses of a family that the last answer had and the new one has none of,
// unless the server confirms that they are gone. The standard library hides that half of a question
// failed when the other half was answered; taken at its word, one lost packet would remove
// every IPv6 endpoint. It asks for the family alone, but trusts that answer only as far as it
// repeats what was known: with a search list it may be about another name.
func (d *DNS) missing(ctx context.Context, f Family, fresh []netip.Addr) []netip.Addr {
	if d.cfg.Family != Both || slices.ContainsFunc(fresh, f.has) {
		return nil
	}
	var known []netip.Addr
	for _, a := range d.last {
		if f.has(a) {
			known = append(known, a)
		}
	}
	if len(known) == 0 {
		return nil
	}
	confirmed, err := d.ask(ctx, f)
	var dnsErr *net.DNSError
	if errors.As(err, &dnsErr) && dnsErr.IsNotFound {
		return nil
	}
	if err != nil {
		return known
	}
	return slices.DeleteFunc(known, func(a netip.Addr) bool { return !slices.Contains(confirmed, a) })
}

func (f Family) has(a netip.Addr) bool {
	return f == Both || a.Is4() == (f == IPv4)
}

func (d *DNS) ask(ctx context.Context, f Family) ([]netip.Addr, error) {
	addrs, err := d.resolver.LookupNetIP(ctx, string(f), d.cfg.Host)
	if err != nil {
		return nil, fmt.Errorf("dns: %w", d.naming(err))
	}
	for i, a := range addrs {
		addrs[i] = a.Unmap()
	}
	return addrs, nil
}

// naming makes err name the server that was asked: the standard library names the machine's, from
// which dialDNS has led it away.
func (d *DNS) naming(err error) error {
	var dnsErr *net.DNSError
	if d.cfg.Server == "" || !errors.As(err, &dnsErr) {
		return err
	}
	named := *dnsErr
	named.Server = d.cfg.Server
	return &named
}
