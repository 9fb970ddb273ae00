// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"context"
	"io"
	"log/slog"
	"os"
	"runtime/pprof"

	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/gateway/config"
)

// newDragoman serves what a configuration file says, as the gateway's own command does, in a process that tells of its memory. What
// is measured by its processor time is the command itself.
func newDragoman(args []string) (*server, error) {
	cfg, err := config.Load(args[0], config.Options{})
	if err != nil {
		return nil, err
	}
	stop, err := profile()
	if err != nil {
		return nil, err
	}
	a := app.New(app.Options{
		Config: cfg, Log: slog.New(slog.DiscardHandler), AccessLog: io.Discard, AccessFormat: "json",
	})
	started, err := a.Start(context.Background())
	if err != nil {
		return nil, err
	}
	return &server{started.Listeners[0].Addr.String(), func() error {
		stop()
		return a.Stop(context.Background())
	}}, nil
}

// ProfileVariable names the file to which a profile of the processor's time is written; unset writes none.
const ProfileVariable = "BENCH_PROFILE"

func profile() (stop func(), err error) {
	path := os.Getenv(ProfileVariable)
	if path == "" {
		return func() {}, nil
	}
	file, err := os.Create(path) //nolint:gosec // the user's choice
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = file.Close()
		if heap, err := os.Create(path + ".allocs"); err == nil {
			_ = pprof.Lookup("allocs").WriteTo(heap, 0)
			_ = heap.Close()
		}
	}, nil
}
