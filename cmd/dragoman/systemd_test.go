// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// systemdSocket is where systemd would be told of a service.
type systemdSocket struct {
	t      *testing.T
	listen net.PacketConn
}

// listenAsSystemd sets NOTIFY_SOCKET for the processes of the test.
func listenAsSystemd(t *testing.T) *systemdSocket {
	t.Helper()
	folder, err := os.MkdirTemp("", "notify") //nolint:usetesting // names of sockets are short, and those of the test's folder long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	socket := filepath.Join(folder, "s")
	listen, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "unixgram", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listen.Close() })
	t.Setenv("NOTIFY_SOCKET", socket)
	return &systemdSocket{t: t, listen: listen}
}

// told waits for the next message, which has to match as a whole. Signs of life are passed over unless one is waited for.
func (s *systemdSocket) told(pattern string) {
	s.t.Helper()
	want := regexp.MustCompile("^(?:" + pattern + ")$")
	const most = 4096
	data := make([]byte, most)
	for {
		if err := s.listen.SetReadDeadline(time.Now().Add(patience)); err != nil {
			s.t.Fatal(err)
		}
		n, _, err := s.listen.ReadFrom(data)
		if err != nil {
			s.t.Fatalf("told nothing, %v; want %s", err, pattern)
		}
		text := string(data[:n])
		if want.MatchString(text) {
			return
		}
		if text != "WATCHDOG=1" {
			s.t.Fatalf("told %q; want %s", text, pattern)
		}
	}
}

// systemd is told that the gateway is ready, lives, reloads, is ready again although the reload was refused, and stops; and how long that
// may take by the configuration that is in force then.
func TestSystemdIsTold(t *testing.T) {
	dir := bookstoreProtos(t)
	write(t, dir, "dragoman.yaml", strings.ReplaceAll(completeConfig, "${BOOKS}", "127.0.0.1:1"))
	writeCertificate(t, dir, 1)
	systemd := listenAsSystemd(t)
	t.Setenv("WATCHDOG_USEC", "200000")
	p := start(t, dir, "run", "-c", "dragoman.yaml")
	const reloading = `RELOADING=1\nMONOTONIC_USEC=\d+`
	systemd.told(`READY=1\nSTATUS=serving 12 methods at public 127\.0\.0\.1:\d+, internal 127\.0\.0\.1:\d+`)
	systemd.told("WATCHDOG=1")
	p.signal(syscall.SIGHUP)
	systemd.told(reloading)
	systemd.told(`READY=1\nSTATUS=serving 12 methods; nothing was new at \S+Z`)
	edit(t, dir, "dragoman.yaml", "drain: 10s", "drain: 7s")
	systemd.told(`STATUS=serving 12 methods since the reload at \S+Z`)
	edit(t, dir, "dragoman.yaml", "drain: 7s", "drain: never")
	systemd.told(`STATUS=a reload was refused at \S+Z; what was loaded at \S+Z is still served`)
	p.signal(syscall.SIGHUP)
	systemd.told(reloading)
	systemd.told(`READY=1\nSTATUS=a reload was refused at \S+Z; what was loaded at \S+Z is still served`)
	p.signal(syscall.SIGTERM)
	systemd.told(`STOPPING=1\nSTATUS=draining 0 calls\nEXTEND_TIMEOUT_USEC=12000000`)
	p.exits(exitDone)
}

// socketOfSystemd is a socket that listens as one of systemd does, which uses MPTCP only where it is told to.
func socketOfSystemd(t *testing.T) net.Listener {
	t.Helper()
	var open net.ListenConfig
	open.SetMultipathTCP(false)
	l, err := open.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// startGiven starts a gateway as systemd does that listens for it: with sockets, in the order of their names.
func startGiven(t *testing.T, dir, names string, sockets ...any) *process {
	t.Helper()
	script := fmt.Sprintf(`LISTEN_PID=$$ LISTEN_FDS=%d LISTEN_FDNAMES=%s exec dragoman run -c dragoman.yaml`, len(sockets), names)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
	for _, s := range sockets {
		own, ok := s.(interface{ File() (*os.File, error) })
		if !ok {
			t.Fatalf("%T has no descriptor", s)
		}
		file, err := own.File()
		if err != nil {
			t.Fatal(err)
		}
		cmd.ExtraFiles = append(cmd.ExtraFiles, file)
	}
	out := newTranscript()
	p := startCommand(t, dir, out, cmd)
	p.out = out
	for _, file := range cmd.ExtraFiles {
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

const givenConfig = `version: v1
listeners:
  - {name: public, address: "192.0.2.1:1"}
  - {name: secure, address: "192.0.2.1:2", protocols: [http1, http2, http3], tls: {cert: tls/server.crt, key: tls/server.key}}
  - {name: own, address: "127.0.0.1:0"}
schemas: {sources: [{protos: {dir: ./proto}}]}
backends: {books: {target: "127.0.0.1:1"}}
services: [{match: "**", backend: books}]
admin: {address: "127.0.0.1:0"}
`

// The gateway serves on the sockets that it is given. They belong to systemd: who connects while the gateway is started anew waits, and is
// answered.
func TestSocketsOfSystemdOutliveTheGateway(t *testing.T) {
	t.Parallel()
	dir := bookstoreProtos(t)
	write(t, dir, "dragoman.yaml", givenConfig)
	writeCertificate(t, dir, 1)
	public, secure := socketOfSystemd(t), socketOfSystemd(t)
	packets, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = packets.Close() }()
	ask := func() (int, error) {
		client := &http.Transport{DisableKeepAlives: true}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+public.Addr().String()+"/nothing", http.NoBody)
		if err != nil {
			return 0, err
		}
		answer, err := client.RoundTrip(r)
		if err != nil {
			return 0, err
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		return answer.StatusCode, answer.Body.Close()
	}
	p := startGiven(t, dir, "secure:public:secure", secure, public, packets)
	got := p.serving().Listeners
	if got["public"] != public.Addr().String() || got["secure"] != secure.Addr().String() || got["own"] == "" {
		t.Fatalf("it listens at %v; want the sockets at %s and %s, and one of its own", got, public.Addr(), secure.Addr())
	}
	if status, err := ask(); status != http.StatusNotFound || err != nil {
		t.Fatalf("answered %d, %v; want 404", status, err)
	}
	p.signal(syscall.SIGTERM)
	p.exits(exitDone)
	answered := make(chan error, 1)
	go func() {
		status, err := ask()
		if err == nil && status != http.StatusNotFound {
			err = fmt.Errorf("status %d", status)
		}
		answered <- err
	}()
	again := startGiven(t, dir, "secure:public:secure", secure, public, packets)
	if err := <-answered; err != nil {
		t.Errorf("while the gateway was started anew: %v; want 404", err)
	}
	again.signal(syscall.SIGTERM)
	again.exits(exitDone)
}

// Sockets that are for no listener keep the gateway from starting: somebody meant to serve on them.
func TestSocketsForNoListener(t *testing.T) {
	t.Parallel()
	dir := bookstoreProtos(t)
	write(t, dir, "dragoman.yaml", givenConfig)
	writeCertificate(t, dir, 1)
	socket := func() net.Listener { return socketOfSystemd(t) }
	for _, tt := range []struct {
		name, names string
		sockets     []any
		want        string
	}{
		{"a name that no listener has", "dragoman.socket", []any{socket()}, `a socket was given with the name "dragoman.socket", and no listener has it; there are public, secure, own`},
		{"two for one listener", "public:public", []any{socket(), socket()}, `socket "public": there are two of TCP`},
		{"names that do not fit", "public", []any{socket(), socket()}, `LISTEN_FDNAMES is "public"; it must have 2 names`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := startGiven(t, dir, tt.names, tt.sockets...)
			p.exits(exitFailed)
			if !strings.Contains(p.err.String(), tt.want) {
				t.Errorf("it says %q; want %q", p.err, tt.want)
			}
		})
	}
}
