// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what should come soon; the machine may be slow.
const patience = 20 * time.Second

// raceOptions keep a process that the race detector watches from pausing for a second before it ends.
const raceOptions = "atexit_sleep_ms=0"

// transcript is what a process has written so far.
type transcript struct {
	mu   sync.Mutex
	text []byte        // guarded by mu
	more chan struct{} // guarded by mu; closed at the next write
}

func newTranscript() *transcript { return &transcript{more: make(chan struct{})} }

func (r *transcript) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text = append(r.text, p...)
	close(r.more)
	r.more = make(chan struct{})
	return len(p), nil
}

func (r *transcript) read() (string, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.text), r.more
}

func (r *transcript) String() string {
	text, _ := r.read()
	return text
}

// process is a dragoman that runs.
type process struct {
	t        *testing.T
	cmd      *exec.Cmd
	temp     string // its folder for temporary files
	out, err *transcript
	began    time.Time
	ended    chan struct{}
}

// start runs dragoman in a folder, with its temporary files in a folder of this test. It is killed if it outlives the test.
func start(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	out := newTranscript()
	p := startWith(t, dir, out, args...)
	p.out = out
	return p
}

// startWith is start with another standard output; nil discards it.
func startWith(t *testing.T, dir string, out io.Writer, args ...string) *process {
	t.Helper()
	return startCommand(t, dir, out, exec.CommandContext(t.Context(), "dragoman", args...))
}

// startCommand is startWith for a command that becomes dragoman.
func startCommand(t *testing.T, dir string, out io.Writer, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, temp: t.TempDir(), out: newTranscript(), err: newTranscript(), ended: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, out, p.err
	p.cmd.Env = append(os.Environ(), "TMPDIR="+p.temp, "NO_COLOR=1", "GORACE="+raceOptions)
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // code asks the state
	}()
	t.Cleanup(func() {
		<-p.ended // the context of the test has ended, and with it the process
		if strings.Contains(p.err.String(), "DATA RACE") {
			t.Error("the process has a data race")
		}
		if t.Failed() {
			t.Logf("%s\n%s\n%s", strings.Join(cmd.Args, " "), p.out, p.err)
		}
	})
	return p
}

// says waits until what was written to r matches, and returns the submatches.
func (p *process) says(r *transcript, pattern string) []string {
	p.t.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		text, more := r.read()
		if found := re.FindStringSubmatch(text); found != nil {
			return found
		}
		select {
		case <-more:
		case <-p.ended:
			if text, _ := r.read(); re.MatchString(text) {
				continue
			}
			p.t.Fatalf("the process ended with %d and did not say %s", p.cmd.ProcessState.ExitCode(), pattern)
		case <-deadline.C:
			p.t.Fatalf("the process does not say %s", pattern)
		}
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// exits waits until the process ends and compares its code. It returns how long that took.
func (p *process) exits(code int) time.Duration {
	p.t.Helper()
	asked := time.Now()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	select {
	case <-p.ended:
	case <-deadline.C:
		p.t.Fatalf("the process has not ended after %s", patience)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Fatalf("exit code is %d; want %d", got, code)
	}
	return time.Since(asked)
}

// firstScreen is what `dev` and `demo` print when they serve.
type firstScreen struct {
	text       string
	api, admin string   // http://host:port
	tries      []string // command lines
}

// address is where calls are served, host:port.
func (s *firstScreen) address() string { return strings.TrimPrefix(s.api, "http://") }

func (p *process) screen() *firstScreen {
	p.t.Helper()
	s := &firstScreen{admin: p.says(p.out, `^  health    (http://\S+)/readyz$`)[1], text: p.out.String()}
	s.api = p.says(p.out, `^  API       (http://\S+)   REST, and gRPC with reflection, on the same port$`)[1]
	_, rest, _ := strings.Cut(s.text, "\n  try   ")
	rest, _, _ = strings.Cut(rest, "\n  docs")
	for line := range strings.Lines(rest) {
		s.tries = append(s.tries, strings.TrimSpace(line))
	}
	if len(s.tries) == 0 || s.tries[0] == "" {
		p.t.Fatalf("the screen has no line to try:\n%s", s.text)
	}
	return s
}

// servingLine is the line in the log of `run` that says where calls are served.
type servingLine struct {
	Listeners       map[string]string
	Admin           string
	Methods, Routes int
}

func (p *process) serving() *servingLine {
	p.t.Helper()
	line := p.says(p.err, `^\{.*"msg":"serving".*\}$`)[0]
	s := &servingLine{}
	if err := json.Unmarshal([]byte(line), s); err != nil {
		p.t.Fatalf("%s: %v", line, err)
	}
	return s
}
