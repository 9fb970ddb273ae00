// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestCalls runs the scripts of `dragoman call`, and of others that ask a running gateway, against gateways in front of a bookstore: one in clear text, which serves reflection, and one with TLS.
func TestCalls(t *testing.T) {
	t.Parallel()
	plain := startDev(t, bookstoreProtos(t), "./proto", "--to", startBackend(t)).screen()
	_, secured, dir := startComplete(t, 1)
	behind := startBackend(t)
	protos := filepath.Join(bookstoreProtos(t), "proto")
	t.Run("scripts", func(t *testing.T) {
		testscript.Run(t, testscript.Params{
			Dir:                 "testdata/call",
			UpdateScripts:       *update,
			RequireExplicitExec: true,
			RequireUniqueNames:  true,
			Setup: func(e *testscript.Env) error {
				for name, value := range map[string]string{
					"GORACE": raceOptions, "API": plain.api, "ADMIN": strings.TrimPrefix(plain.admin, "http://"), "SECURE": "https://" + secured.Listeners["public"], "SECURE_PORT": strings.TrimPrefix(secured.Listeners["public"], "127.0.0.1:"),
					"CA": filepath.Join(dir, "tls", "server.crt"), "PROTOS": protos,
					"BACKEND": behind,
				} {
					e.Setenv(name, value)
				}
				return nil
			},
			Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "serves": serves},
		})
	})
}

// TestCallAnswersBeforeTheNextLine: of a method that streams both ways each answer is printed before the next line is read.
func TestCallAnswersBeforeTheNextLine(t *testing.T) {
	t.Parallel()
	api := startDev(t, bookstoreProtos(t), "./proto", "--to", startBackend(t)).screen().api
	for _, via := range []string{"grpc", "grpcweb", "connect", "websocket"} {
		t.Run(via, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), "dragoman", "call", "BookstoreService/Chat", "--at", api, "--via", via)
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			answers := bufio.NewReader(out)
			for _, word := range []string{"odyssey", "faust", "nothing of that name"} {
				if _, err := io.WriteString(in, `{"text": "`+word+`"}`+"\n"); err != nil {
					t.Fatal(err)
				}
				if line, err := answers.ReadString('\n'); err != nil || !strings.HasPrefix(line, `{"text":"I have `) {
					t.Fatalf("%s is answered with %q, %v", word, line, err)
				}
			}
			if err := in.Close(); err != nil {
				t.Fatal(err)
			}
			if rest, err := io.ReadAll(answers); err != nil || len(rest) > 0 {
				t.Errorf("after the last line come %q, %v", rest, err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}
