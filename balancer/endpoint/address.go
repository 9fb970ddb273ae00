// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// unixScheme starts the address of a Unix socket.
const unixScheme = "unix:"

// Normalize returns address in the one spelling that endpoints use: "host:port", "[v6]:port" or
// "unix:/path" (from "unix:///path" too). The error says what an address looks like.
func Normalize(address string) (string, error) {
	if rest, ok := strings.CutPrefix(address, unixScheme); ok {
		return normalizeUnix(address, rest)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf(`endpoint: address is %q; it must be "host:port", "[v6]:port" or "unix:/path"`, address)
	}
	if host == "" || strings.ContainsAny(host, "/ ,@") {
		return "", fmt.Errorf(`endpoint: address is %q; its host must be a name or an IP address`, address)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", fmt.Errorf("endpoint: address is %q; its port must be 1 to 65535", address)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.Unmap().String()
	} else {
		host = strings.ToLower(host)
	}
	return net.JoinHostPort(host, strconv.FormatUint(n, 10)), nil
}

func normalizeUnix(address, rest string) (string, error) {
	path := rest
	if strings.HasPrefix(rest, "//") {
		path = rest[2:]
		if !strings.HasPrefix(path, "/") {
			return "", fmt.Errorf(`endpoint: address is %q; after "unix://" comes an absolute path, as in "unix:///run/app.sock"`, address)
		}
	}
	if path == "" || strings.ContainsAny(path, ",\x00") {
		return "", fmt.Errorf(`endpoint: address is %q; it must name a socket's path, as in "unix:/run/app.sock"`, address)
	}
	return unixScheme + path, nil
}

// Dialable returns the network and the address that net.Dialer wants for a normalized address.
func Dialable(address string) (network, addr string) {
	if path, ok := strings.CutPrefix(address, unixScheme); ok {
		return "unix", path
	}
	return "tcp", address
}
