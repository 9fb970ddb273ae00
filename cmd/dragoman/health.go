// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/dragoman-gateway/dragoman/gateway/admin"
)

// healthTime is how long a gateway may take to say how it is.
const healthTime = 5 * time.Second

func newHealth(t *terminal) *cobra.Command {
	c := &control{terminal: t}
	var ready bool
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Exit with 0 when a gateway that runs is alive, with --ready when it takes calls; for HEALTHCHECK of Docker",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, _, err := net.SplitHostPort(c.where()); err != nil {
				return &exitError{code: exitUsage, err: fmt.Errorf("--admin is %q; it must be host:port, such as %s", c.where(), admin.DefaultAddress)}
			}
			return c.health(cmd.Context(), ready)
		},
	}
	c.flags(cmd)
	cmd.Flags().BoolVar(&ready, "ready", false, "ask whether it takes calls, and not only whether it is there")
	return cmd
}

func (c *control) health(ctx context.Context, ready bool) error {
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	path := "/livez"
	if ready {
		path = "/readyz"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.where()+path, http.NoBody)
	if err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return &exitError{code: exitUnreachable, err: fmt.Errorf("no gateway answers at %s: %s", c.where(), reasonOf(err.Error()))}
	}
	defer func() { _ = answer.Body.Close() }()
	const most = 1 << 20
	data, err := io.ReadAll(io.LimitReader(answer.Body, most))
	if err != nil {
		return &exitError{code: exitUnreachable, err: err}
	}
	var told struct {
		Status string            `json:"status"`
		Checks map[string]string `json:"checks"`
	}
	if err := json.Unmarshal(data, &told); err != nil {
		return &exitError{code: exitFailed, err: fmt.Errorf("what answers at %s is no gateway", c.where())}
	}
	if c.asJSON {
		c.terminal.printf("%s", data)
	} else {
		c.terminal.printf("%s\n", told.Status)
		for name, text := range told.Checks {
			if text != "ok" {
				c.terminal.printf("  %s: %s\n", name, text)
			}
		}
	}
	if answer.StatusCode != http.StatusOK {
		return &exitError{code: exitFailed, err: errors.New("the gateway is " + told.Status)}
	}
	return nil
}
