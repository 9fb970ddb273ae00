// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Comments of HTML before a block say what is special about it:
//
//	<!-- file: NAME -->      the block is written to a file, and other blocks use it
//	<!-- background -->      the command goes on until the document ends, or the next such command begins
//	<!-- exits: CODE -->     the last command of the block ends with this code
//	<!-- says: TEXT -->      what the block prints has this text in it
//	<!-- not run: REASON --> the block is not run
var mark = regexp.MustCompile(`<!-- (file|background|exits|says|not run):? ?(.*?) -->`)

// runnable are the documents whose commands run. Those of others could do anything to the machine, so each of their blocks says why it is not run.
var runnable = map[string]bool{
	"README.md": true, "docs/getting-started.md": true, "docs/guides/browsers.md": true, "docs/guides/protos.md": true, "docs/migrate/envoy.md": true,
	"docs/migrate/grpc-gateway.md": true, "docs/call.md": true, "docs/clients.md": true, "docs/explain.md": true, "docs/openapi.md": true,
}

// block is a fenced block of a document.
type block struct {
	line  int
	lang  string
	text  string
	marks map[string]string
}

// blocks returns the fenced blocks of a document, with the comments that stand directly before them.
func blocks(text string) []block {
	var all []block
	marks := map[string]string{}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		lang, fence := strings.CutPrefix(lines[i], "```")
		switch {
		case fence:
			b := block{line: i + 1, lang: lang, marks: marks}
			for i++; i < len(lines) && lines[i] != "```"; i++ {
				b.text += lines[i] + "\n"
			}
			all, marks = append(all, b), map[string]string{}
		case mark.MatchString(lines[i]):
			for _, m := range mark.FindAllStringSubmatch(lines[i], -1) {
				marks[m[1]] = m[2]
			}
		case strings.TrimSpace(lines[i]) != "":
			marks = map[string]string{}
		}
	}
	return all
}

// commands returns what a shell would run of a block: all of it, or what stands behind the prompts of a transcript.
func (b *block) commands() string {
	if b.lang == "sh" {
		return b.text
	}
	var lines strings.Builder
	for line := range strings.Lines(b.text) {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			lines.WriteString(command)
		}
	}
	return lines.String()
}

// The commands of README and of the documents run, in the order in which they stand there: against the demo, or against what the document itself starts.
func TestDocumentsRun(t *testing.T) {
	t.Parallel()
	const root = "../.."
	documents := []string{"README.md"}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(file string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(file, ".md") {
			documents = append(documents, strings.TrimPrefix(file, root+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, document := range documents {
		data, err := os.ReadFile(filepath.Join(root, document))
		if err != nil {
			t.Fatal(err)
		}
		all, runs, starts := blocks(string(data)), false, false
		for i := range all {
			reason, skipped := all[i].marks["not run"]
			if skipped && reason == "" {
				t.Errorf("%s:%d: is not run, and no reason stands there", document, all[i].line)
			}
			command := !skipped && (all[i].lang == "sh" || all[i].lang == "console")
			if command && !runnable[document] {
				t.Errorf("%s:%d: write <!-- not run: REASON --> before it, or let this test run the document", document, all[i].line)
				continue
			}
			runs = runs || command
			_, background := all[i].marks["background"]
			starts = starts || background && !skipped
		}
		if !runs {
			continue
		}
		ran++
		t.Run(document, func(t *testing.T) {
			t.Parallel()
			newReader(t, !starts).read(all)
		})
	}
	if ran != len(runnable) {
		t.Errorf("%d documents have commands that run; %d are said to", ran, len(runnable))
	}
}

// reader does what a document says.
type reader struct {
	t       *testing.T
	dir     string
	names   *strings.Replacer // addresses of documents by those of this test
	admin   string
	gateway *process
}

// newReader makes a folder with the protos of the bookstore, a configuration, and a backend; and, where a document starts no gateway itself, the
// demo.
func newReader(t *testing.T, demo bool) *reader {
	t.Helper()
	r := &reader{t: t, dir: bookstoreProtos(t)}
	api, admin, other := freePort(t), freePort(t), freePort(t)
	r.admin = "127.0.0.1:" + admin
	backend := startBackend(t)
	if demo {
		p := start(t, r.dir, append([]string{"demo"}, anyPort...)...)
		s := p.screen()
		_, api, _ = net.SplitHostPort(s.address())
		r.admin = strings.TrimPrefix(s.admin, "http://")
	}
	r.names = strings.NewReplacer(
		"go run ./cmd/dragoman", "dragoman", "127.0.0.1:8080", "127.0.0.1:"+api, "localhost:8080", "127.0.0.1:"+api, `":8080"`, `"127.0.0.1:`+api+`"`,
		"port_value: 8080", "port_value: "+api, "127.0.0.1:9901", r.admin, "localhost:9901", r.admin, "port_value: 9901", "port_value: "+admin,
		"localhost:50051", backend, "port_value: 50051", "port_value: "+backend[strings.LastIndexByte(backend, ':')+1:],
		"dragoman call ", "dragoman call --at http://127.0.0.1:"+api+" ", "localhost:50059", "127.0.0.1:"+other,
	)
	write(t, r.dir, "dragoman.yaml", r.names.Replace("version: v1\nlisteners: [{name: public, address: \"127.0.0.1:8080\"}]\nschemas: {sources: [{protos: {dir: ./proto}}]}\n"+
		"backends: {all: {target: \"localhost:50051\"}}\nservices: [{match: \"**\", backend: all}]\nadmin: {address: \"127.0.0.1:9901\"}\n"))
	return r
}

// freePort returns a port that nobody has at the moment.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port) //nolint:errcheck // it is one
}

func (r *reader) read(all []block) {
	r.t.Helper()
	for i := range all {
		b := &all[i]
		if _, skipped := b.marks["not run"]; skipped {
			continue
		}
		if name, ok := b.marks["file"]; ok {
			write(r.t, r.dir, name, r.names.Replace(b.text))
			continue
		}
		if b.lang != "sh" && b.lang != "console" {
			continue
		}
		if _, ok := b.marks["background"]; ok {
			r.begin(b)
			continue
		}
		r.run(b)
		if r.t.Failed() {
			return
		}
	}
}

// begin starts a gateway and waits until it takes calls.
func (r *reader) begin(b *block) {
	r.t.Helper()
	if r.gateway != nil {
		r.gateway.signal(syscall.SIGTERM)
		r.gateway.exits(exitDone)
	}
	line, _, _ := strings.Cut(b.commands(), "\n")
	line, _, _ = strings.Cut(line, " #")
	args := words(r.t, r.names.Replace(strings.TrimSpace(line)))
	if len(args) < 2 || args[0] != "dragoman" {
		r.t.Fatalf("line %d: %q starts no gateway", b.line, line)
	}
	if args[1] == "demo" || args[1] == "dev" {
		args = append(args, "--listen", r.names.Replace("127.0.0.1:8080"), "--admin", r.admin)
	}
	r.gateway = start(r.t, r.dir, args[1:]...)
	eventually(r.t, patience, func() string {
		if code, text := get(r.t, "http://"+r.admin+"/readyz"); code != http.StatusOK {
			return fmt.Sprintf("line %d: the gateway is not ready: %d %s", b.line, code, text)
		}
		return ""
	})
}

// endless are calls of curl that end when somebody ends them.
var endless = regexp.MustCompile(`(?m)^curl -N ([^#\n]*?)( +#.*)?$`)

// run runs the commands of a block in one shell, which ends at the first that fails.
func (r *reader) run(b *block) {
	r.t.Helper()
	script := endless.ReplaceAllString(b.commands(), "curl -N --max-time 1 $1 || [ $$? = 28 ]")
	flags := "--silent --show-error"
	if !strings.Contains(b.marks["says"], "HTTP/") && !strings.Contains(b.text, "curl -i") {
		flags += " --fail-with-body"
	}
	script = "curl() { command curl " + flags + " \"$@\"; }\n" + r.names.Replace(script)
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-eu", "-o", "pipefail", "-c", script)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "DRAGOMAN_ADMIN="+r.admin, "NO_COLOR=1", "GORACE="+raceOptions)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	want := 0
	if code, ok := b.marks["exits"]; ok {
		want, _ = strconv.Atoi(code) // digits
	}
	got := 0
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		got = ended.ExitCode()
	} else if err != nil {
		r.t.Fatal(err)
	}
	if got != want || !strings.Contains(string(out), r.names.Replace(b.marks["says"])) {
		r.t.Errorf("line %d ends with %d; want %d, and %q in what it prints:\n%s\n%s", b.line, got, want, b.marks["says"], script, out)
	}
}
