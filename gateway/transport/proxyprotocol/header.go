// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package proxyprotocol provides the PROXY protocol, versions 1 and 2: the first bytes of a connection, in which a balancer says whose it is.
//
// https://github.com/haproxy/haproxy/blob/v3.2.0/doc/proxy-protocol.txt
package proxyprotocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Header is what a balancer says of a connection.
type Header struct {
	// Version is 1 or 2.
	Version int
	// Source is the client's end; the zero value where the balancer speaks for itself, as in its health checks, or for a client that has no
	// address of IP.
	Source netip.AddrPort
}

// Sizes of headers.
const (
	// maxText is the longest header of version 1, its line end included (section 2.1).
	maxText = 107
	// fixedSize is what a header of version 2 begins with.
	fixedSize = 16
	// MaxSize is the longest header that is read. Of version 2 the format allows 64 KiB; what balancers add, certificates' names and ids, takes
	// some hundred bytes.
	MaxSize = fixedSize + 4<<10
)

// Lengths of addresses in version 2 (section 2.2).
const (
	inetSize  = 12
	inet6Size = 36
	unixSize  = 216
)

// signature begins a header of version 2.
var signature = []byte("\r\n\r\n\x00\r\nQUIT\n")

// prefix begins a header of version 1.
const prefix = "PROXY "

// errNoHeader says that a connection begins with something else.
var errNoHeader = errors.New("the connection does not begin with a header of the PROXY protocol")

// parse reads the header that b begins with, and tells its size, which is 0 as long as more is needed.
func parse(b []byte) (Header, int, error) {
	switch {
	case len(b) == 0:
		return Header{}, 0, nil
	case b[0] == signature[0]:
		return parseBinary(b)
	default:
		return parseText(b)
	}
}

// parseText reads a header of version 1.
func parseText(b []byte) (Header, int, error) {
	if n := min(len(b), len(prefix)); string(b[:n]) != prefix[:n] {
		return Header{}, 0, errNoHeader
	}
	end := bytes.IndexByte(b[:min(len(b), maxText)], '\n')
	switch {
	case end < 0 && len(b) >= maxText:
		return Header{}, 0, fmt.Errorf("the line has no end within %d bytes", maxText)
	case end < 0:
		return Header{}, 0, nil
	case b[end-1] != '\r':
		return Header{}, 0, errors.New("the line does not end in CR LF")
	}
	h := Header{Version: 1}
	family, rest, _ := strings.Cut(string(b[len(prefix):end-1]), " ")
	switch family {
	case "UNKNOWN": // what stands behind it is to be ignored
		return h, end + 1, nil
	case "TCP4", "TCP6":
	default:
		return Header{}, 0, fmt.Errorf("the family is %.16q; it must be TCP4, TCP6 or UNKNOWN", family)
	}
	const parts = 4
	words := strings.Split(rest, " ")
	if len(words) != parts {
		return Header{}, 0, errors.New("the line has not two addresses and two ports")
	}
	var ends [2]netip.AddrPort
	for i := range ends {
		address, err := netip.ParseAddr(words[i])
		if err != nil || address.Zone() != "" || address.Is4() != (family == "TCP4") {
			return Header{}, 0, fmt.Errorf("%.48q is no address of %s", words[i], family)
		}
		port, err := strconv.ParseUint(words[2+i], 10, 16)
		if err != nil || strconv.FormatUint(port, 10) != words[2+i] {
			return Header{}, 0, fmt.Errorf("%.16q is no port", words[2+i])
		}
		ends[i] = netip.AddrPortFrom(address.Unmap(), uint16(port))
	}
	h.Source = ends[0]
	return h, end + 1, nil
}

// parseBinary reads a header of version 2.
func parseBinary(b []byte) (Header, int, error) {
	if n := min(len(b), len(signature)); !bytes.Equal(b[:n], signature[:n]) {
		return Header{}, 0, errNoHeader
	}
	if len(b) < fixedSize {
		return Header{}, 0, nil
	}
	if version := b[12] >> 4; version != 2 {
		return Header{}, 0, fmt.Errorf("the version is %d; it must be 2", version)
	}
	size := fixedSize + int(binary.BigEndian.Uint16(b[14:]))
	if size > MaxSize {
		return Header{}, 0, fmt.Errorf("the header has %d bytes, more than %d", size, MaxSize)
	}
	if len(b) < size {
		return Header{}, 0, nil
	}
	h := Header{Version: 2}
	switch command := b[12] & 0xf; command {
	case 0: // LOCAL: what it says of addresses is to be ignored
		return h, size, nil
	case 1: // PROXY
	default:
		return Header{}, 0, fmt.Errorf("the command is %d; it must be 0, LOCAL, or 1, PROXY", command)
	}
	said := b[fixedSize:size]
	var used int
	switch family := b[13]; family {
	case 0x00: // UNSPEC: likewise
		return h, size, nil
	case 0x11: // TCP over IPv4
		if used = inetSize; len(said) >= used {
			h.Source = netip.AddrPortFrom(netip.AddrFrom4([4]byte(said[:4])), binary.BigEndian.Uint16(said[8:]))
		}
	case 0x21: // TCP over IPv6
		if used = inet6Size; len(said) >= used {
			h.Source = netip.AddrPortFrom(netip.AddrFrom16([16]byte(said[:16])).Unmap(), binary.BigEndian.Uint16(said[32:]))
		}
	case 0x31: // a stream over a UNIX socket, which has no address that means anything here
		used = unixSize
	case 0x12, 0x22, 0x32:
		return Header{}, 0, errors.New("the header is of a datagram, and this is a stream")
	default:
		return Header{}, 0, fmt.Errorf("the family is %#02x, which there is not", family)
	}
	if len(said) < used {
		return Header{}, 0, fmt.Errorf("the addresses have %d bytes; their family needs %d", len(said), used)
	}
	if err := checkVectors(b[:size], used); err != nil {
		return Header{}, 0, err
	}
	return h, size, nil
}

// Type-length-value vectors (section 2.2).
const (
	vectorSize = 3
	typeCRC32C = 0x03
	crcSize    = 4
)

// checkVectors looks at what stands behind the addresses. Nothing of it is used; it must be whole all the same, and a checksum must be right:
// what does not add up was not written by a balancer.
func checkVectors(header []byte, used int) error {
	for rest := header[fixedSize+used:]; len(rest) > 0; {
		if len(rest) < vectorSize {
			return errors.New("the last vector is cut short")
		}
		kind, size := rest[0], int(binary.BigEndian.Uint16(rest[1:]))
		if len(rest)-vectorSize < size {
			return fmt.Errorf("a vector says that it has %d bytes, more than there are", size)
		}
		value := rest[vectorSize : vectorSize+size]
		rest = rest[vectorSize+size:]
		if kind != typeCRC32C {
			continue
		}
		if size != crcSize {
			return fmt.Errorf("the checksum has %d bytes; it must have %d", size, crcSize)
		}
		at := len(header) - len(rest) - crcSize
		if checksum(header, at) != binary.BigEndian.Uint32(value) {
			return errors.New("the checksum is wrong")
		}
	}
	return nil
}
