// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/gateway/reload"
	"github.com/dragoman-gateway/dragoman/gateway/systemd"
)

// startStatus is what `systemctl status` shows of a gateway that serves.
func startStatus(info *app.Started) string {
	var at []string
	for _, l := range info.Listeners {
		at = append(at, l.Name+" "+l.Addr.String())
	}
	return fmt.Sprintf("serving %s at %s", counted(methodsOf(info.Load.Snapshot.Mux), "method"), strings.Join(at, ", "))
}

// tellReload tells systemd how a reload went; that one which it asked for is over with this.
func tellReload(system *systemd.Notifier, e *reload.Event) {
	status := ""
	switch at := time.Now().UTC().Format(time.RFC3339); {
	case e.DryRun:
		return
	case e.Err != nil:
		status = fmt.Sprintf("a reload was refused at %s; what was loaded at %s is still served", at, e.Since.UTC().Format(time.RFC3339))
	case e.Applied:
		status = fmt.Sprintf("serving %s since the reload at %s", counted(methodsOf(e.Snapshot.Mux), "method"), at)
	default:
		status = fmt.Sprintf("serving %s; nothing was new at %s", counted(methodsOf(e.Snapshot.Mux), "method"), at)
	}
	if e.Trigger == reload.Signal {
		system.Ready(status)
		return
	}
	system.Status(status)
}

// alive asks the gateway over its own admin listener whether it is there. Nobody answers where no goroutine runs, no connection is
// accepted, or a lock is never released.
func alive(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/livez", http.NoBody)
	if err != nil {
		return err
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	const most = 1 << 20
	if _, err := io.Copy(io.Discard, io.LimitReader(answer.Body, most)); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("/livez answers %s", answer.Status)
	}
	return nil
}
