// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"
)

const (
	// logFileMode are the permissions of a file of lines that is made.
	logFileMode = 0o640
	// LookInterval is how often it is looked whether a file of lines is still where it was.
	LookInterval = time.Second
)

// LogFile is a file that lines are appended to, and that others may rotate: when it was renamed or removed, a new one of its name is begun, with the
// first lines that come a LookInterval later, or at once with Reopen. It is safe for concurrent use.
type LogFile struct {
	path string
	log  *slog.Logger
	now  func() time.Time

	mu     sync.Mutex
	file   *os.File    // guarded by mu
	info   os.FileInfo // of file; guarded by mu
	looked time.Time   // guarded by mu
	failed bool        // the last attempt to open it anew; guarded by mu
}

// OpenLogFile opens a file, and makes it where it is not there. log is told when it cannot be opened anew.
func OpenLogFile(path string, log *slog.Logger) (*LogFile, error) {
	f := &LogFile{path: path, log: log, now: time.Now}
	var err error
	if f.file, f.info, err = openAppending(path); err != nil {
		return nil, err
	}
	f.looked = f.now()
	return f, nil
}

func openAppending(path string) (*os.File, os.FileInfo, error) {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, logFileMode)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

// Write appends whole lines.
func (f *LogFile) Write(lines []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return 0, os.ErrClosed
	}
	if now := f.now(); now.Sub(f.looked) >= LookInterval {
		f.looked = now
		// A file that cannot be looked at is another one, too: opening it tells why.
		if info, err := os.Stat(f.path); err != nil || !os.SameFile(info, f.info) {
			f.reopenLocked()
		}
	}
	return f.file.Write(lines)
}

// Reopen begins the file of the name anew, which is the same one where nobody has moved it. Where that cannot be, lines go on to go where they went.
func (f *LogFile) Reopen() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file != nil {
		f.reopenLocked()
	}
}

func (f *LogFile) reopenLocked() {
	file, info, err := openAppending(f.path)
	if err != nil {
		if !f.failed {
			f.log.Error("the file of the access log cannot be opened anew; lines go on to go where they went", slog.String("file", f.path), slog.Any("error", err))
		}
		f.failed = true
		return
	}
	_ = f.file.Close() // everything is written through: nothing is left to fail
	f.file, f.info, f.failed, f.looked = file, info, false, f.now()
}

// Close closes the file. What is written later is lost.
func (f *LogFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return nil
	}
	file := f.file
	f.file = nil
	return file.Close()
}
