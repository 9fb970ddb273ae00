// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package proxyprotocol

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
)

// inet are the addresses of a header over IPv4, and inet6 of one over IPv6, whose source is 192.0.2.7:4711 or [2001:db8::7]:4711.
const (
	inet  = "\xc0\x00\x02\x07\xc0\x00\x02\x01\x12\x67\x01\xbb"
	inet6 = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x12\x67\x01\xbb"
)

// binaryHeader is a header of version 2.
func binaryHeader(versionAndCommand, family byte, data string) string {
	h := append(bytes.Clone(signature), versionAndCommand, family)
	return string(binary.BigEndian.AppendUint16(h, uint16(len(data)))) + data //nolint:gosec // of a test
}

// vector is a type-length-value vector.
func vector(kind byte, value string) string {
	return string(binary.BigEndian.AppendUint16([]byte{kind}, uint16(len(value)))) + value //nolint:gosec // of a test
}

// checked is a header over IPv4 with a vector that has its checksum.
func checked(change uint32) string {
	h := []byte(binaryHeader(0x21, 0x11, inet+vector(typeCRC32C, "\x00\x00\x00\x00")+vector(0x05, "id")))
	at := fixedSize + len(inet) + vectorSize
	binary.BigEndian.PutUint32(h[at:], checksum(h, at)^change)
	return string(h)
}

var good = []struct {
	reason, header string
	version        int
	source         string // "" for none
}{
	{"TCP over IPv4", "PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n", 1, "192.0.2.7:4711"},
	{"TCP over IPv6", "PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n", 1, "[2001:db8::7]:4711"},
	{"IPv6 in full, the longest that there is", "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n", 1, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
	{"IPv4 within IPv6 is IPv4", "PROXY TCP6 ::ffff:192.0.2.7 ::1 4711 443\r\n", 1, "192.0.2.7:4711"},
	{"nobody in particular", "PROXY UNKNOWN\r\n", 1, ""},
	{"what stands behind UNKNOWN is to be ignored", "PROXY UNKNOWN ffff::1 x y\r\n", 1, ""},
	{"IPv4", binaryHeader(0x21, 0x11, inet), 2, "192.0.2.7:4711"},
	{"IPv6", binaryHeader(0x21, 0x21, inet6), 2, "[2001:db8::7]:4711"},
	{"IPv4 within IPv6", binaryHeader(0x21, 0x21, strings.Repeat("\x00", 10)+"\xff\xff\xc0\x00\x02\x07"+inet6[16:]), 2, "192.0.2.7:4711"},
	{"a UNIX socket", binaryHeader(0x21, 0x31, strings.Repeat("x", unixSize)), 2, ""},
	{"LOCAL, with addresses that do not count", binaryHeader(0x20, 0x11, inet), 2, ""},
	{"LOCAL, with anything", binaryHeader(0x20, 0xff, "anything"), 2, ""},
	{"LOCAL, with nothing", binaryHeader(0x20, 0x00, ""), 2, ""},
	{"UNSPEC, with anything", binaryHeader(0x21, 0x00, "anything"), 2, ""},
	{"vectors", binaryHeader(0x21, 0x11, inet+vector(0x02, "api.example")+vector(0x20, "\x01\x00\x00\x00\x00"+vector(0x21, "TLSv1.3"))+vector(0x04, "")), 2, "192.0.2.7:4711"},
	{"a vector of a kind that nobody knows", binaryHeader(0x21, 0x21, inet6+vector(0xee, strings.Repeat("v", 1000))), 2, "[2001:db8::7]:4711"},
	{"a checksum", checked(0), 2, "192.0.2.7:4711"},
	{"as long as can be", binaryHeader(0x21, 0x11, inet+vector(0x04, strings.Repeat("\x00", MaxSize-fixedSize-inetSize-vectorSize))), 2, "192.0.2.7:4711"},
}

var bad = []struct{ reason, header, want string }{
	{"a request", "GET / HTTP/1.1\r\n", "does not begin with a header"},
	{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n", "does not begin with a header"},
	{"a handshake of TLS", "\x16\x03\x01", "does not begin with a header"},
	{"lower case", "proxy TCP4 192.0.2.7 192.0.2.1 1 2\r\n", "does not begin with a header"},
	{"a signature that goes wrong", "\r\n\r\n\x00\r\nQUIX", "does not begin with a header"},
	{"a line without CR", "PROXY UNKNOWN\n", "CR LF"},
	{"a line without end", "PROXY UNKNOWN " + strings.Repeat("x", 100), "within 107 bytes"},
	{"a family there is not", "PROXY UDP4 192.0.2.7 192.0.2.1 1 2\r\n", `"UDP4"`},
	{"no family", "PROXY \r\n", `the family is ""`},
	{"two spaces", "PROXY TCP4  192.0.2.7 192.0.2.1 1 2\r\n", "two addresses"},
	{"a space at the end", "PROXY TCP4 192.0.2.7 192.0.2.1 1 2 \r\n", "two addresses"},
	{"a tab", "PROXY TCP4 192.0.2.7\t192.0.2.1 1 2\r\n", "two addresses"},
	{"one address", "PROXY TCP4 192.0.2.7 1 2\r\n", "two addresses"},
	{"IPv6 in TCP4", "PROXY TCP4 ::1 ::1 1 2\r\n", `"::1" is no address of TCP4`},
	{"IPv4 in TCP6", "PROXY TCP6 192.0.2.7 192.0.2.1 1 2\r\n", "no address of TCP6"},
	{"a zone", "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", "no address of TCP6"},
	{"zeros that some read as octal", "PROXY TCP4 192.0.02.7 192.0.2.1 1 2\r\n", "no address"},
	{"a bad address of ours", "PROXY TCP4 192.0.2.7 here 1 2\r\n", `"here"`},
	{"a port too high", "PROXY TCP4 192.0.2.7 192.0.2.1 65536 2\r\n", "no port"},
	{"a port with a sign", "PROXY TCP4 192.0.2.7 192.0.2.1 +1 2\r\n", "no port"},
	{"a port with a zero before", "PROXY TCP4 192.0.2.7 192.0.2.1 01 2\r\n", "no port"},
	{"a port that is none", "PROXY TCP4 192.0.2.7 192.0.2.1 1 x\r\n", "no port"},
	{"NUL", "PROXY TCP4 192.0.2.7\x00 192.0.2.1 1 2\r\n", "no address"},
	{"version 1 in binary", binaryHeader(0x11, 0x11, inet), "the version is 1"},
	{"version 3", binaryHeader(0x31, 0x11, inet), "the version is 3"},
	{"a command there is not", binaryHeader(0x22, 0x11, inet), "the command is 2"},
	{"a datagram, as of QUIC", binaryHeader(0x21, 0x12, inet), "a datagram"},
	{"a datagram over IPv6", binaryHeader(0x21, 0x22, inet6), "a datagram"},
	{"a family there is not", binaryHeader(0x21, 0x41, inet), "0x41"},
	{"a family without a transport", binaryHeader(0x21, 0x10, inet), "0x10"},
	{"addresses cut short", binaryHeader(0x21, 0x11, inet[:11]), "have 11 bytes; their family needs 12"},
	{"IPv6 with the addresses of IPv4", binaryHeader(0x21, 0x21, inet), "needs 36"},
	{"a UNIX socket cut short", binaryHeader(0x21, 0x31, "x"), "needs 216"},
	{"a vector cut short", binaryHeader(0x21, 0x11, inet+"\x01\x00"), "cut short"},
	{"a vector that says too much", binaryHeader(0x21, 0x11, inet+"\x01\x00\x05abcd"), "more than there are"},
	{"a checksum that is wrong", checked(1), "the checksum is wrong"},
	{"a checksum that is none", binaryHeader(0x21, 0x11, inet+vector(typeCRC32C, "abc")), "the checksum has 3 bytes"},
	{"longer than we read", string(signature) + "\x21\x11\x10\x01", "more than 4112"},
	{"as long as the format allows, before any of it has come", string(signature) + "\x21\x11\xff\xff", "more than 4112"},
}

// Threat B11: who a connection counts as coming from is what a header says that is whole and right, and nothing else.
func TestThreatB11HeadersOfTheProxyProtocol(t *testing.T) {
	t.Parallel()
	const behind = "GET / HTTP/1.1\r\n"
	for _, tt := range good {
		var want netip.AddrPort
		if tt.source != "" {
			want = netip.MustParseAddrPort(tt.source)
		}
		for _, all := range []string{tt.header, tt.header + behind} {
			h, size, err := parse([]byte(all))
			if err != nil || h != (Header{tt.version, want}) || size != len(tt.header) {
				t.Errorf("%s: %+v, %d bytes, %v; want version %d from %q, %d bytes", tt.reason, h, size, err, tt.version, tt.source, len(tt.header))
			}
		}
		for n := range len(tt.header) {
			if h, size, err := parse([]byte(tt.header[:n])); err != nil || size != 0 || h != (Header{}) {
				t.Errorf("%s, the first %d bytes: %+v, %d, %v; want that more is needed", tt.reason, n, h, size, err)
			}
		}
		if h, rest, err := readHeader(iotest.OneByteReader(strings.NewReader(tt.header + behind))); err != nil || h.Source != want || len(rest) != 0 {
			t.Errorf("%s, byte by byte: %+v, %q, %v", tt.reason, h, rest, err)
		}
		if h, rest, err := readHeader(strings.NewReader(tt.header + behind)); err != nil || h.Source != want || !strings.HasPrefix(behind, string(rest)) {
			t.Errorf("%s, at once: %+v, %q, %v", tt.reason, h, rest, err)
		}
	}
	for _, tt := range bad {
		if h, _, err := parse([]byte(tt.header)); err == nil || !strings.Contains(err.Error(), tt.want) || h != (Header{}) {
			t.Errorf("%s: %+v, %v; want an error that says %q", tt.reason, h, err, tt.want)
		}
		if _, _, err := readHeader(iotest.OneByteReader(strings.NewReader(tt.header))); err == nil {
			t.Errorf("%s, byte by byte: there is no error", tt.reason)
		}
	}
}

func TestHeadersThatEndEarly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ reason, header string }{
		{"nothing", ""},
		{"half a line", "PROXY TCP4 192."},
		{"half a signature", string(signature[:5])},
		{"half of the addresses", binaryHeader(0x21, 0x11, inet)[:20]},
	} {
		if _, _, err := readHeader(strings.NewReader(tt.header)); err == nil || !strings.Contains(err.Error(), "the connection ended after") {
			t.Errorf("%s: %v", tt.reason, err)
		}
	}
}

// Fuzzing: whatever comes, a header is found whole or refused; what is found does not depend on what comes behind it or on how the bytes
// are cut, and no more is read than may be.
func FuzzHeader(f *testing.F) {
	for _, tt := range good {
		f.Add([]byte(tt.header))
	}
	for _, tt := range bad {
		f.Add([]byte(tt.header))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, size, err := parse(b)
		if err != nil {
			if size != 0 || h != (Header{}) {
				t.Fatalf("%v, and yet %+v, %d", err, h, size)
			}
			return
		}
		if size == 0 {
			if len(b) >= MaxSize {
				t.Fatalf("after %d bytes more is needed", len(b))
			}
			return
		}
		if size > len(b) || size > MaxSize || h.Source.IsValid() && (h.Source.Addr().Is4In6() || h.Source.Addr().Zone() != "") {
			t.Fatalf("%+v, %d of %d bytes", h, size, len(b))
		}
		if again, n, err := parse(b[:size]); err != nil || again != h || n != size {
			t.Fatalf("alone: %+v, %d, %v; want %+v, %d", again, n, err, h, size)
		}
		if _, n, err := parse(b[:size-1]); err != nil || n != 0 {
			t.Fatalf("without its last byte: %d, %v", n, err)
		}
		got, rest, err := readHeader(iotest.OneByteReader(bytes.NewReader(b)))
		if err != nil || got != h || len(rest) != 0 {
			t.Fatalf("byte by byte: %+v, %q, %v; want %+v", got, rest, err, h)
		}
	})
}
