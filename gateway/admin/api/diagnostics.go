// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"errors"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/reload"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/compare"
)

// mostDiagnostics is how many diagnostics an answer has: a schema can have thousands.
const mostDiagnostics = 500

var levels = map[schema.Level]adminv1.Level{
	schema.Error: adminv1.Level_LEVEL_ERROR, schema.Warning: adminv1.Level_LEVEL_WARNING, schema.Note: adminv1.Level_LEVEL_NOTE,
}

func diagnosticsOf(list []schema.Diagnostic) []*adminv1.Diagnostic {
	all := make([]*adminv1.Diagnostic, 0, len(list))
	for i := range list[:min(len(list), mostDiagnostics)] {
		d := &list[i]
		out := &adminv1.Diagnostic{Level: levels[d.Level], Code: d.Code, Message: readable(d.Message), Help: d.Help, Notes: d.Notes}
		for _, s := range d.Spans {
			out.Spans = append(out.Spans, &adminv1.Span{
				Position: positionOf(s.Position), EndColumn: number(s.EndColumn), Label: readable(s.Label), Text: readable(s.Text), Primary: s.Primary,
			})
		}
		all = append(all, out)
	}
	return all
}

func problemsOf(list []config.Problem) []*adminv1.Diagnostic {
	all := make([]*adminv1.Diagnostic, 0, len(list))
	for i := range list[:min(len(list), mostDiagnostics)] {
		p := &list[i]
		out := &adminv1.Diagnostic{Level: adminv1.Level_LEVEL_ERROR, Message: readable(p.Message), Path: readable(p.Path)}
		if p.Warning {
			out.Level = adminv1.Level_LEVEL_WARNING
		}
		if p.Hint != "" {
			out.Help = []string{p.Hint}
		}
		if p.Line > 0 || p.File != "" {
			out.Spans = []*adminv1.Span{{
				Position: &adminv1.Position{File: p.File, Line: number(p.Line), Column: number(p.Column)}, Text: readable(p.Source), Primary: true,
			}}
		}
		all = append(all, out)
	}
	return all
}

// reasonsOf tells why something was refused.
func reasonsOf(err error) []*adminv1.Diagnostic {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*schema.LoadError](err); ok {
		return diagnosticsOf(e.Diagnostics)
	}
	if e, ok := errors.AsType[*config.Problems](err); ok {
		return problemsOf(e.List)
	}
	return []*adminv1.Diagnostic{{Level: adminv1.Level_LEVEL_ERROR, Message: readable(err.Error())}}
}

// readable is a text of a file that may be no UTF-8, which may be what is wrong with it, as one that can be sent.
func readable(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func positionOf(p schema.Position) *adminv1.Position {
	return &adminv1.Position{File: p.File, Line: number(p.Line), Column: number(p.Column)}
}

// number makes a small number of one.
func number(n int) int32 { return int32(n) } //nolint:gosec // lines, columns and counts of what is in memory

func timeOf(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

var triggers = map[reload.Trigger]adminv1.Trigger{
	reload.Start: adminv1.Trigger_TRIGGER_START, reload.ConfigFile: adminv1.Trigger_TRIGGER_CONFIG_FILE, reload.Schemas: adminv1.Trigger_TRIGGER_SCHEMA,
	reload.Signal: adminv1.Trigger_TRIGGER_SIGNAL, reload.Admin: adminv1.Trigger_TRIGGER_ADMIN, reload.Switch: adminv1.Trigger_TRIGGER_SWITCH,
}

func reloadOf(e *reload.Event) *adminv1.Reload {
	r := &adminv1.Reload{
		Id: e.ID, Time: timeOf(e.Time), Took: durationpb.New(e.Took), Trigger: triggers[e.Trigger], Who: e.Who, DryRun: e.DryRun, Sources: e.Sources,
		Changes: changesOf(e.Changes), RoutesAdded: e.Added, RoutesRemoved: e.Removed, RoutesChanged: e.Changed, SchemaChanges: schemaChangesOf(e.Schema),
		Problems: reasonsOf(e.Err),
	}
	switch {
	case e.Err != nil:
		r.Result = adminv1.ReloadResult_RELOAD_RESULT_REFUSED
	case e.Applied:
		r.Result = adminv1.ReloadResult_RELOAD_RESULT_APPLIED
	default:
		r.Result = adminv1.ReloadResult_RELOAD_RESULT_UNCHANGED
	}
	if e.Trigger == reload.Start {
		r.RoutesAdded = nil // it is all of them, which ListRoutes has
	}
	if e.Err == nil {
		r.Warnings = diagnosticsOf(e.Diagnostics)
	}
	return r
}

func changesOf(list []config.Change) []*adminv1.FieldChange {
	all := make([]*adminv1.FieldChange, 0, len(list))
	for _, c := range list {
		all = append(all, &adminv1.FieldChange{
			Path: c.Path, Before: c.Before, After: c.After, NeedsRestart: c.Effect == config.NeedsRestart, Effect: string(c.Effect),
		})
	}
	return all
}

func schemaChangesOf(list []compare.Change) []*adminv1.SchemaChange {
	all := make([]*adminv1.SchemaChange, 0, len(list))
	for i := range list {
		c := &list[i]
		all = append(all, &adminv1.SchemaChange{Breaking: c.Breaking, Rule: string(c.Rule), Element: c.Element, Message: c.Message, Methods: c.Methods})
	}
	return all
}
