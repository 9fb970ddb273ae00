// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package envoy

import (
	"regexp"
	"strings"
)

// pattern is what a route is for: a glob of services, and perhaps one method.
type pattern struct{ service, method string }

// everything is the pattern of all methods.
var everything = pattern{service: "**"} //nolint:gochecknoglobals // a constant

// covers says whether all methods of q are of p too.
func (p pattern) covers(q pattern) bool {
	if p.method != "" {
		return p == q
	}
	prefix, open := strings.CutSuffix(p.service, "**")
	if !open {
		return p.service == q.service
	}
	return strings.HasPrefix(strings.TrimSuffix(q.service, "**"), prefix)
}

var (
	serviceName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)
	methodName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

func isService(name string) bool { return len(name) <= 512 && serviceName.MatchString(name) }

// isGRPC says whether a name is that of a service or of a package, and not a segment of a path of REST.
func isGRPC(name string) bool {
	return isService(name) && (strings.Contains(name, ".") || name[0] >= 'A' && name[0] <= 'Z')
}

// prefixPattern is what a prefix of paths is for. Paths of gRPC are /package.Service/Method; sure is false where the prefix may have
// matched more than the pattern.
func prefixPattern(prefix string) (p pattern, sure, ok bool) {
	if prefix == "/" || prefix == "" {
		return everything, true, true
	}
	name, rest, slash := strings.Cut(strings.TrimPrefix(prefix, "/"), "/")
	switch {
	case rest != "" || !strings.HasPrefix(prefix, "/"):
		return pattern{}, false, false
	case slash:
		return pattern{service: name}, true, isGRPC(name)
	case strings.HasSuffix(name, "."):
		return pattern{service: name + "**"}, true, isService(strings.TrimSuffix(name, "."))
	case !isGRPC(name):
		return pattern{}, false, false
	}
	if last := name[strings.LastIndexByte(name, '.')+1]; last >= 'A' && last <= 'Z' {
		return pattern{service: name}, false, true
	}
	return pattern{service: name + ".**"}, false, true
}

// pathPattern is what a whole path is for.
func pathPattern(path string) (p pattern, ok bool) {
	name, method, slash := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	ok = slash && strings.HasPrefix(path, "/") && isGRPC(name) && len(method) <= 255 && methodName.MatchString(method)
	return pattern{service: name, method: method}, ok
}
