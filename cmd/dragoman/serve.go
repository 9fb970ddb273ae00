// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/dragoman-gateway/dragoman/gateway/admin/api"
	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/memory"
	"github.com/dragoman-gateway/dragoman/gateway/reload"
	"github.com/dragoman-gateway/dragoman/gateway/systemd"
	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
)

// service is a gateway that a command serves until it is told to stop.
type service struct {
	terminal *terminal
	config   *config.Config
	// reread reads the configuration anew, for a reload; nil where it is of no file.
	reread func() (*config.Config, error)
	// started is called when calls are served, reloaded at every reload after that. Without them, the log tells.
	started  func(*app.Started)
	reloaded func(reload.Event)
	// draining is called when the service was told to end, with the number of calls that are under way; nil tells nobody.
	draining func(calls int64)
	// heapFloor is up to how many bytes the heap may grow before the garbage collector runs; nil for the default.
	heapFloor *size
}

// run serves until SIGINT or SIGTERM, then drains. A second signal ends it at once.
func (s *service) run(ctx context.Context) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)

	defer keepHeap(s.heapFloor)()
	o := &s.config.Observability
	level, err := s.terminal.level(levelName(o.Log.Level))
	if err != nil {
		return err
	}
	current := new(slog.LevelVar)
	current.Set(level)
	tail := api.NewLogTail(logger(s.terminal.err, current, s.terminal.format(o.Log.Format, s.terminal.err)).Handler())
	log := slog.New(tail)
	access, err := s.accessLog(log)
	if err != nil {
		return &exitError{code: exitFailed, err: err}
	}
	defer access.close()
	if s.started == nil {
		s.started = func(info *app.Started) { logStart(log, info) }
	}
	if s.reloaded == nil {
		s.reloaded = func(e reload.Event) { logReload(log, &e) }
	}
	limit, err := memory.Apply()
	if err != nil {
		return &exitError{code: exitFailed, err: err}
	}
	logResources(ctx, log, &limit)
	system, err := systemd.NewNotifier(log) //nolint:contextcheck // systemd is told whatever became of the start
	if err != nil {
		return &exitError{code: exitFailed, err: err}
	}
	sockets, err := systemd.Sockets()
	if err != nil {
		return &exitError{code: exitFailed, err: err}
	}
	hangups, rotations := make(chan os.Signal, 1), make(chan os.Signal, 1)
	notifyReload(hangups)
	defer signal.Stop(hangups)
	notifyReopen(rotations)
	defer signal.Stop(rotations)
	a := app.New(app.Options{
		Config: s.config, Log: log, AccessLog: access.out,
		AccessFormat: access.format, OnReload: func(e reload.Event) {
			s.reloaded(e)
			tellReload(system, &e)
		}, Reread: s.reread, Sockets: sockets, Version: version(), Level: current, Logs: tail,
		OnConfig: func(cfg *config.Config) {
			if level, err := s.terminal.level(levelName(cfg.Observability.Log.Level)); err == nil {
				current.Set(level) // the flag was looked at when the process began
			}
		},
	})
	starting, cancel := context.WithCancel(ctx)
	defer cancel()
	interrupted := make(chan struct{})
	go func() {
		defer close(interrupted)
		select {
		case <-signals:
			cancel() // a start that was interrupted ends; so does the wait below
		case <-starting.Done():
		}
	}()
	info, err := a.Start(starting)
	if err != nil {
		if starting.Err() != nil {
			return nil // it was told to stop before it served, and it did
		}
		return s.terminal.startError(err)
	}
	s.started(info)
	system.Ready(startStatus(info))
	var watching sync.WaitGroup
	defer watching.Wait()
	watching.Go(func() {
		system.Watch(starting, func(ctx context.Context) error { return alive(ctx, info.Admin.String()) })
	})
	go func() {
		for {
			select {
			case <-hangups:
				access.reopen()
				system.Reloading()
				info.Reload()
			case <-rotations:
				access.reopen()
			case <-starting.Done():
				return
			}
		}
	}()
	var failed error
	select {
	case <-interrupted:
		if s.draining != nil {
			s.draining(info.InFlight())
		}
	case failed = <-a.Failed():
	}
	system.Stopping(fmt.Sprintf("draining %s", counted(int(info.InFlight()), "call")), info.StopTime())
	cancel()
	return s.stop(a, signals, failed) //nolint:contextcheck // the drain has a time of its own
}

// stop drains the process, because of a signal or of a part that failed.
func (s *service) stop(a *app.App, signals <-chan os.Signal, failed error) error {
	ctx, force := context.WithCancel(context.Background())
	defer force()
	go func() {
		select {
		case <-signals:
			force()
		case <-ctx.Done():
		}
	}()
	err := a.Stop(ctx)
	switch {
	case failed != nil:
		return &exitError{code: exitFailed, err: errors.Join(failed, err)}
	case errors.Is(err, context.Canceled):
		return &exitError{code: exitForced, err: errors.New("stopped at once, as asked; calls that were under way are lost")}
	case errors.Is(err, context.DeadlineExceeded):
		return &exitError{code: exitForced, err: fmt.Errorf("calls were still under way after %s and were cut off", s.config.Shutdown.Drain)}
	case err != nil:
		return &exitError{code: exitFailed, err: err}
	}
	return nil
}

// accessLog is what lines of calls are written to.
type accessLog struct {
	out    io.Writer // nil for none
	format string
	// reopen begins a file anew that somebody has moved, close closes it; both do nothing to what is no file.
	reopen, close func()
}

// accessLog opens what lines of calls are written to. log is told when a file cannot be begun anew.
func (s *service) accessLog(log *slog.Logger) (*accessLog, error) {
	own := &s.config.Observability.AccessLog
	a := &accessLog{reopen: func() {}, close: func() {}}
	switch own.Output {
	case config.OutputOff:
	case config.OutputStdout:
		a.out, a.format = s.terminal.out, s.terminal.format(own.Format, s.terminal.out)
	case config.OutputStderr:
		a.out, a.format = s.terminal.err, s.terminal.format(own.Format, s.terminal.err)
	default:
		f, err := telemetry.OpenLogFile(own.Output, log)
		if err != nil {
			return nil, fmt.Errorf("observability.access_log.output: %w", err)
		}
		a.out, a.format, a.reopen = f, cmp.Or(s.terminal.logFormat, string(own.Format), string(config.FormatJSON)), f.Reopen
		a.close = func() { _ = f.Close() } // everything is written through: nothing is left to fail
	}
	return a, nil
}

// format is the form of a log that goes to f: the flag's, else the configuration's.
func (t *terminal) format(configured config.Format, f *os.File) string {
	if form := cmp.Or(t.logFormat, string(configured)); form != "" {
		return form
	}
	if isTerminal(f) {
		return string(config.FormatText)
	}
	return string(config.FormatJSON)
}
