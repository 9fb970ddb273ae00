// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package split

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
)

// maxHost is the length of the longest host name that DNS has.
const maxHost = 253

// hostPattern is a host, or all below one.
type hostPattern struct {
	text  string // in lower case
	below bool   // text is a suffix that begins with a dot
}

func newHostPattern(s string) hostPattern {
	s = strings.ToLower(s)
	if suffix, ok := strings.CutPrefix(s, "*"); ok {
		return hostPattern{text: suffix, below: true}
	}
	return hostPattern{text: s}
}

// matches tells whether a host is meant. Hosts are compared without regard to case.
func (p hostPattern) matches(host string) bool {
	if p.below {
		cut := len(host) - len(p.text)
		return cut > 0 && equalFold(host[cut:], p.text)
	}
	return equalFold(host, p.text)
}

// covers tells whether the pattern means all that another means.
func (p hostPattern) covers(o hostPattern) bool {
	if !p.below {
		return p == o
	}
	return p == o || strings.HasSuffix(o.text, p.text) && len(o.text) > len(p.text)
}

// coveredHost tells whether one of the patterns means all that another means.
func coveredHost(all []string, host string) bool {
	return slices.ContainsFunc(all, func(s string) bool { return newHostPattern(s).covers(newHostPattern(host)) })
}

// equalFold compares ASCII without regard to case; lower is in lower case. strings.EqualFold would take the Kelvin sign for a k.
func equalFold(s, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i := range len(s) {
		b := s[i]
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		if b != lower[i] {
			return false
		}
	}
	return true
}

var errNoHost = errors.New("must be a host, such as api.example.com or *.example.com, without scheme, port and path")

func checkHost(s string) error {
	name := strings.TrimPrefix(s, "*.")
	if _, err := netip.ParseAddr(name); err == nil {
		if name != s {
			return errors.New("has a * before an address; it must stand before a name")
		}
		return nil
	}
	if strings.HasPrefix(s, "*.") && !strings.Contains(name, ".") {
		return errors.New("is for a whole domain; name two parts or more behind the *")
	}
	if name == "" || len(name) > maxHost {
		return errNoHost
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return errNoHost
		}
		for i := range len(label) {
			b := label[i] | 0x20
			if (b < 'a' || b > 'z') && (label[i] < '0' || label[i] > '9') && label[i] != '-' && label[i] != '_' {
				return errNoHost
			}
		}
	}
	return nil
}
