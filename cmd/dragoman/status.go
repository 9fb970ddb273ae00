// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

func newStatus(t *terminal) *cobra.Command {
	c := &control{terminal: t}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how a gateway that runs is: version, listeners, schemas, backends, last reload",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return unary(c, cmd, func(ctx context.Context, conn *grpc.ClientConn) (*adminv1.GetStatusResponse, error) {
				return adminv1.NewStatusServiceClient(conn).GetStatus(ctx, &adminv1.GetStatusRequest{})
			}, func(s *adminv1.GetStatusResponse) error {
				t.status(s)
				return nil
			})
		},
	}
	c.flags(cmd)
	return cmd
}

// status prints a status on one screen.
func (t *terminal) status(s *adminv1.GetStatusResponse) {
	ready := "ready"
	if !s.GetReady() {
		ready = "not ready"
		for _, c := range s.GetChecks() {
			if !c.GetOk() {
				ready += ": " + c.GetMessage()
			}
		}
	}
	t.printf("dragoman %s   %s   up %s   %s\n\n", s.GetVersion(), ready, short(s.GetUptime().AsDuration()), s.GetHostname())
	n := s.GetTotals()
	t.printf("schemas    %s, %s, %s from %s\n", counted(int(n.GetServices()), "service"), counted(int(n.GetMethods()), "method"), counted(int(n.GetRoutes()), "route"), counted(int(n.GetSources()), "source"))
	t.printf("backends   %s, %d of %s ready\n", counted(int(n.GetBackends()), "backend"), n.GetReadyEndpoints(), counted(int(n.GetEndpoints()), "endpoint"))
	t.printf("calls      %d under way\n", n.GetInFlight())
	for i, l := range s.GetListeners() {
		name := "listeners"
		if i > 0 {
			name = ""
		}
		secure := ""
		if l.GetTls() {
			secure = " TLS" + certificateText(l)
		}
		t.printf("%-10s %-12s %-24s %s%s\n", name, l.GetName(), l.GetAddress(), strings.Join(l.GetProtocols(), " "), secure)
	}
	if file := s.GetConfigFile(); file != "" {
		t.printf("config     %s\n", file)
	}
	if r := s.GetLastReload(); r != nil {
		t.printf("reload     %s   in force since %s\n", reloadLine(r), s.GetInForceSince().AsTime().Local().Format(time.DateTime))
	}
	for _, c := range s.GetNeedsRestart() {
		t.printf("restart    %s waits for a restart: %s → %s\n", c.GetPath(), orNone(c.GetBefore()), orNone(c.GetAfter()))
	}
	if len(s.GetWarnings()) > 0 {
		t.printf("\n")
		t.diagnose(diagnosticsOf(s.GetWarnings()))
	}
}

// certificateText tells until when the certificates of a listener hold.
func certificateText(l *adminv1.Listener) string {
	var text string
	if end := l.GetCertificateNotAfter(); end != nil {
		const day = 24 * time.Hour
		left := time.Until(end.AsTime())
		text = fmt.Sprintf(", certificate until %s (%s left)", end.AsTime().Local().Format(time.DateOnly), counted(int(left/day), "day"))
		if left < day {
			text = ", certificate until " + end.AsTime().Local().Format(time.DateTime)
		}
	}
	if n := l.GetDomainsWithoutCertificate(); n > 0 {
		text += fmt.Sprintf(", no certificate for %s yet", counted(int(n), "domain"))
	}
	return text
}

// short is a duration without what nobody wants to know of a long one.
func short(d time.Duration) string {
	switch {
	case d >= time.Hour:
		return d.Round(time.Minute).String()
	case d >= time.Minute:
		return d.Round(time.Second).String()
	default:
		return d.Round(time.Millisecond).String()
	}
}

// resultWords are the words for how reloads end.
var resultWords = map[adminv1.ReloadResult]string{
	adminv1.ReloadResult_RELOAD_RESULT_APPLIED: "applied", adminv1.ReloadResult_RELOAD_RESULT_UNCHANGED: "nothing is new", adminv1.ReloadResult_RELOAD_RESULT_REFUSED: "refused",
}

// reloadLine is a reload in one line.
func reloadLine(r *adminv1.Reload) string {
	text := fmt.Sprintf("%s at %s, by %s", resultWords[r.GetResult()], r.GetTime().AsTime().Local().Format(time.DateTime),
		strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(r.GetTrigger().String(), "TRIGGER_")), "_", " "))
	if r.GetWho() != "" {
		text += " from " + r.GetWho()
	}
	return text
}

func orNone(s string) string {
	if s == "" {
		return "(not set)"
	}
	return s
}
