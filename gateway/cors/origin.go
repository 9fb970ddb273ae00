// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cors

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// origin is where a page comes from, as browsers write it: scheme, host and, where it is not the scheme's own, the port.
//
// https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin
type origin struct{ scheme, host, port string }

// maxOrigin is the length of the longest origin that is looked at: a host name has at most 253 characters.
const maxOrigin = len("https://") + 253 + len(":65535")

func parseOrigin(s string) (origin, bool) {
	if len(s) > maxOrigin {
		return origin{}, false
	}
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || scheme == "" {
		return origin{}, false
	}
	o := origin{scheme: scheme, host: rest}
	if i := strings.LastIndexByte(rest, ':'); i >= 0 && !strings.HasSuffix(rest, "]") {
		o.host, o.port = rest[:i], rest[i+1:]
	}
	return o, o.host != ""
}

// pattern is one entry of AllowOrigins.
type pattern struct {
	origin
	below   bool // host is a suffix that begins with a dot
	anyPort bool
}

// parsePattern reads an entry. What could never match, or matches more than its author can mean, is refused.
func parsePattern(s string) (pattern, error) {
	o, ok := parseOrigin(s)
	switch {
	case s == "null":
		return pattern{}, errors.New("null is what sandboxed pages and files of anybody send")
	case !ok:
		return pattern{}, errors.New("it must be scheme, host and, if need be, port: https://app.example")
	case o.scheme != "https" && o.scheme != "http":
		return pattern{}, errors.New("the scheme must be https or http")
	}
	p := pattern{origin: o}
	if o.port == "*" {
		p.anyPort, p.port = true, ""
	} else if err := checkPort(o); err != nil {
		return p, err
	}
	if suffix, ok := strings.CutPrefix(o.host, "*."); ok {
		if strings.Count(suffix, ".") == 0 {
			return p, errors.New("it would let in every site of a whole domain; name two parts or more behind the *")
		}
		p.below, p.host = true, "."+suffix
		return p, checkHost(suffix)
	}
	return p, checkHost(o.host)
}

func checkPort(o origin) error {
	if o.port == "" {
		return nil
	}
	n, err := strconv.ParseUint(o.port, 10, 16)
	switch {
	case err != nil || n == 0 || o.port[0] == '0':
		return errors.New("the port must be 1 to 65535, or * for any")
	case o.scheme == "https" && n == 443, o.scheme == "http" && n == 80:
		return errors.New("browsers leave out the scheme's own port; leave it out")
	}
	return nil
}

func checkHost(host string) error {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		address, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		if err != nil || !address.Is6() || address.Zone() != "" || "["+address.String()+"]" != host {
			return errors.New("the host is no IPv6 address as browsers write it")
		}
		return nil
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" {
			return errors.New("the host has an empty part")
		}
		for i := range len(label) {
			c := label[i]
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return errors.New("the host must be in lower case, in the form of DNS (xn--…), without a path")
			}
		}
	}
	return nil
}

// local tells whether only pages of the machine itself match.
func (p pattern) local() bool {
	if p.below {
		return strings.HasSuffix(p.host, ".localhost")
	}
	address, err := netip.ParseAddr(strings.Trim(p.host, "[]"))
	return p.host == "localhost" || strings.HasSuffix(p.host, ".localhost") || err == nil && address.IsLoopback()
}

func (p pattern) matches(o origin) bool {
	if o.scheme != p.scheme || (!p.anyPort && o.port != p.port) {
		return false
	}
	if p.below {
		return len(o.host) > len(p.host) && strings.HasSuffix(o.host, p.host)
	}
	return o.host == p.host
}
