// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// environment sets what tells of sockets, for the test alone.
func environment(t *testing.T, pid, count, names string) {
	t.Helper()
	for name, value := range map[string]string{listenPID: pid, listenFDs: count, listenNames: names, listenPIDFD: "7"} {
		t.Setenv(name, value)
	}
}

// What the environment says is for this process or none, is believed only as a whole, and is not there for those that this process starts.
//
//nolint:paralleltest // the environment is of the whole process
func TestTheEnvironmentTellsOfSockets(t *testing.T) {
	own := strconv.Itoa(os.Getpid())
	for _, tt := range []struct{ name, pid, count, names, want string }{
		{"without sockets", "", "", "", ""},
		{"of the process that started this one", "1", "2", "a:b", ""},
		{"none of them", own, "0", "", ""},
		{"no number", own, "many", "a", `LISTEN_FDS is "many"; it must be a number from 0 to 128`},
		{"fewer than none", own, "-1", "a", `LISTEN_FDS is "-1"; it must be a number from 0 to 128`},
		{"more than there are listeners", own, "129", "a", `LISTEN_FDS is "129"; it must be a number from 0 to 128`},
		{"a name is missing", own, "2", "a", `LISTEN_FDNAMES is "a"; it must have 2 names, one for each socket`},
		{"a name too many", own, "1", "a:b", `LISTEN_FDNAMES is "a:b"; it must have 1 names, one for each socket`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			environment(t, tt.pid, tt.count, tt.names)
			got, err := Sockets()
			text := ""
			if err != nil {
				text = err.Error()
			}
			if text != tt.want || len(got) != 0 {
				t.Errorf("got %v, %q; want none and %q", got, text, tt.want)
			}
			for _, name := range []string{listenPID, listenFDs, listenNames, listenPIDFD} {
				if value, there := os.LookupEnv(name); there {
					t.Errorf("%s is still there, %q", name, value)
				}
			}
		})
	}
}

// systemd listens where a test puts it, and returns the notifier that tells it, and what it was told.
func listenAsSystemd(t *testing.T, socket string) (*Notifier, func() string) {
	t.Helper()
	if socket == "" {
		dir, err := os.MkdirTemp("", "notify") //nolint:usetesting // names of sockets are short, and those of the test's folder long
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		socket = filepath.Join(dir, "s")
	}
	l, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "unixgram", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	t.Setenv(notifySocket, socket)
	n, err := NewNotifier(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return n, func() string {
		t.Helper()
		const most, patience = 4096, 20 * time.Second
		data := make([]byte, most)
		if err := l.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		read, _, err := l.ReadFrom(data)
		if err != nil {
			t.Fatal(err)
		}
		return string(data[:read])
	}
}

//nolint:paralleltest // the environment is of the whole process
func TestSystemdIsTold(t *testing.T) {
	for _, at := range []struct{ name, socket string }{{"a file", ""}, {"an abstract name", "@dragoman-" + strconv.Itoa(os.Getpid())}} {
		t.Run(at.name, func(t *testing.T) {
			n, told := listenAsSystemd(t, at.socket)
			n.Ready("serving\nwell")
			n.Status(strings.Repeat("ä", maxStatus))
			n.Stopping("draining 2 calls", 36*time.Second)
			got := []string{told(), told(), told()}
			want := []string{
				"READY=1\nSTATUS=serving", "STATUS=" + strings.Repeat("ä", maxStatus/2),
				"STOPPING=1\nSTATUS=draining 2 calls\nEXTEND_TIMEOUT_USEC=36000000",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			before := monotonic()
			n.Reloading()
			text := told()
			micros, ok := strings.CutPrefix(text, "RELOADING=1\nMONOTONIC_USEC=")
			at, err := strconv.ParseInt(micros, 10, 64)
			if !ok || err != nil || at < before || at > monotonic() || at == 0 {
				t.Errorf("told %q, %v; want the time of the monotonic clock, %d or a little more", text, err, before)
			}
		})
	}
}

// Without systemd nothing is told, and nothing fails.
func TestNobodyListens(t *testing.T) {
	t.Setenv(notifySocket, "")
	n, err := NewNotifier(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	n.Ready("serving")
	n.Reloading()
	n.Stopping("bye", time.Second)
	n.Watch(t.Context(), func(context.Context) error { t.Error("it was asked whether it lives"); return nil })
}

func TestTheEnvironmentTellsOfTheWatchdog(t *testing.T) {
	own := strconv.Itoa(os.Getpid())
	for _, tt := range []struct {
		name, every, pid string
		want             time.Duration
		wrong            string
	}{
		{"none", "", "", 0, ""},
		{"of this process", "30000000", own, 30 * time.Second, ""},
		{"of whoever listens", "1500", "", 1500 * time.Microsecond, ""},
		{"of another process", "30000000", "1", 0, ""},
		{"no number", "soon", own, 0, `WATCHDOG_USEC is "soon"; it must be a number of microseconds`},
		{"no time", "0", own, 0, `WATCHDOG_USEC is "0"; it must be a number of microseconds`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(notifySocket, "/run/nobody")
			t.Setenv(watchdogTime, tt.every)
			t.Setenv(watchdogPID, tt.pid)
			n, err := NewNotifier(slog.New(slog.DiscardHandler))
			if tt.wrong != "" {
				if err == nil || err.Error() != tt.wrong {
					t.Errorf("got %v; want %q", err, tt.wrong)
				}
				return
			}
			if err != nil || n.every != tt.want {
				t.Errorf("got %v, %v; want %s", n, err, tt.want)
			}
		})
	}
}

// The watchdog is fed twice in its time, and only as long as the service answers.
func TestWatchdogIsFedByWhatLives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []time.Duration
		began := time.Now()
		n := &Notifier{log: slog.New(slog.DiscardHandler), every: 10 * time.Second, send: func(text string) error {
			if text != "WATCHDOG=1" {
				t.Errorf("told %q", text)
			}
			told = append(told, time.Since(began))
			return nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 31*time.Second)
		defer cancel()
		n.Watch(ctx, func(ctx context.Context) error {
			switch at := time.Since(began); {
			case at < 10*time.Second:
				return nil
			case at < 15*time.Second:
				return errors.New("refused")
			case at < 20*time.Second: // it hangs: the question has an end
				<-ctx.Done()
				return ctx.Err()
			default:
				return nil
			}
		})
		want := []time.Duration{0, 5 * time.Second, 20 * time.Second, 25 * time.Second, 30 * time.Second}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
