// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long files must be quiet before they are read again: a certificate and its key are two files.
const settle = 100 * time.Millisecond

// certificates is a certificate from files that is read again when they change. A pair that cannot be
// read leaves the last good one in force.
type certificates struct {
	files   TLS
	log     *slog.Logger
	current atomic.Pointer[tls.Certificate]
	failed  atomic.Pointer[error] // why what the files have now is not in force; nil where it is
	watcher *fsnotify.Watcher
	done    sync.WaitGroup
}

func newCertificates(files TLS, log *slog.Logger) (*certificates, error) {
	c := &certificates{files: files, log: log}
	if err := c.load(); err != nil {
		return nil, err
	}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("tls: watching the certificate: %w", err)
	}
	// The directories, not the files: editors rename, and Kubernetes swaps a symbolic link.
	for _, dir := range []string{filepath.Dir(files.Cert), filepath.Dir(files.Key)} {
		if err := watcher.Add(dir); err != nil {
			return nil, errors.Join(fmt.Errorf("tls: watching %s: %w", dir, err), watcher.Close())
		}
	}
	c.watcher = watcher
	c.done.Go(c.watch)
	return c, nil
}

func (c *certificates) load() error {
	pair, err := readPair(c.files)
	if err != nil {
		c.failed.Store(&err)
		return err
	}
	c.current.Store(&pair)
	c.failed.Store(nil)
	return nil
}

func readPair(files TLS) (tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		return pair, fmt.Errorf("the certificate %s with the key %s cannot be used: %w", files.Cert, files.Key, err)
	}
	return pair, nil
}

func (c *certificates) watch() {
	timer := time.NewTimer(0)
	if !timer.Stop() {
		<-timer.C
	}
	defer timer.Stop()
	for {
		select {
		case _, ok := <-c.watcher.Events:
			if !ok {
				return
			}
			timer.Reset(settle)
		case err, ok := <-c.watcher.Errors:
			if !ok {
				return
			}
			c.log.Warn("watching the certificate", slog.Any("error", err))
			timer.Reset(settle) // events may have been lost
		case <-timer.C:
			before := c.current.Load()
			if err := c.load(); err != nil {
				c.log.Error("the certificate was not reloaded; the one before stays in force", slog.Any("error", err))
			} else if after := c.current.Load(); string(after.Certificate[0]) != string(before.Certificate[0]) {
				c.log.Info("the certificate was reloaded", slog.String("cert", c.files.Cert), slog.Time("not_after", after.Leaf.NotAfter))
			}
		}
	}
}

func (c *certificates) close() {
	_ = c.watcher.Close() // its only error is that it is closed already
	c.done.Wait()
}
