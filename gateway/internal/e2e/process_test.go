// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/internal/processtest"
)

// gatewayRole is that of a gateway in a process of its own; its argument is its configuration file and the file for its log.
const gatewayRole = "gateway"

// serveGateway serves until it is told to stop, or the test ends.
func serveGateway(argument string) {
	file, logFile, _ := strings.Cut(argument, " ")
	if err := serveFile(file, logFile); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serveFile(file, logFile string) error {
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	cfg, err := config.Load(file, config.Options{})
	if err != nil {
		return err
	}
	const mode = 0o600
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	a := app.New(app.Options{Config: cfg, Log: slog.New(slog.NewJSONHandler(log, nil)), AccessLog: io.Discard, AccessFormat: "json"})
	started, err := a.Start(context.Background())
	if err != nil {
		return err
	}
	fmt.Println(started.Listeners[0].Addr)
	<-stop.Done()
	return a.Stop(context.Background())
}

// gatewayProcess is such a gateway.
type gatewayProcess struct {
	*processtest.Process

	argument string // of the role
	log      string // the file
}

// startGatewayProcess runs a gateway in front of a backend, with more configuration of the test's, and more folders of protos.
func startGatewayProcess(t *testing.T, backendAddress, more string, folders ...string) *gatewayProcess {
	t.Helper()
	protos, err := filepath.Abs(protoFolder)
	if err != nil {
		t.Fatal(err)
	}
	sources := fmt.Sprintf("{protos: {dir: %q, import_paths: [%q]}}", protos+"/dragoman/test", protos)
	for i, folder := range folders {
		sources += fmt.Sprintf(", {name: more-%d, protos: {dir: %q}}", i, folder)
	}
	text := fmt.Sprintf("version: v1\nlisteners: [{name: main, address: \"127.0.0.1:0\"}]\nadmin: {address: \"127.0.0.1:0\"}\n"+
		"schemas: {sources: [%s]}\nbackends: {test: {target: %q}}\nservices: [{match: \"**\", backend: test}]\n",
		sources, backendAddress) + more
	dir := t.TempDir()
	file, log := filepath.Join(dir, "dragoman.yaml"), filepath.Join(dir, "log")
	const mode = 0o600
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return &gatewayProcess{Process: processtest.Start(t, gatewayRole, file+" "+log), argument: file + " " + log, log: log}
}

// again starts it anew after it has ended.
func (g *gatewayProcess) again(t testing.TB) {
	t.Helper()
	g.Again(t, gatewayRole, g.argument)
}

// client is an HTTP client of the process.
func (g *gatewayProcess) client(t testing.TB) *client {
	t.Helper()
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{name: "HTTP/1.1", base: "http://" + g.Line, http: &http.Client{Transport: transport}}
}

// logged is the log so far.
func (g *gatewayProcess) logged(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(g.log)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// lastLine fails unless the log has the one of two texts after the other one.
func (g *gatewayProcess) lastLine(text, other string) error {
	log, err := os.ReadFile(g.log)
	if err != nil {
		return err
	}
	return lastOf(string(log), text, other)
}

// lastOf fails unless a log has the one of two texts after the other one.
func lastOf(log, text, other string) error {
	if is, was := strings.LastIndex(log, text), strings.LastIndex(log, other); is < 0 || is < was {
		return fmt.Errorf("the log has not come to say %q", text)
	}
	return nil
}
