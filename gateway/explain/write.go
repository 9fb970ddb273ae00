// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"fmt"
	"io"
	"strings"
)

// labelWidth is how wide the column of headings is.
const labelWidth = 10

// text writes lines below headings.
type text struct {
	b    strings.Builder
	last string
}

// line writes a line; a heading is written once.
func (t *text) line(label, format string, args ...any) {
	if label == t.last {
		label = ""
	} else {
		t.last = label
	}
	line := fmt.Sprintf("  %-*s %s", labelWidth, label, fmt.Sprintf(format, args...))
	t.b.WriteString(strings.TrimRight(line, " ") + "\n")
}

// Write writes an explanation for people.
func (e *Explanation) Write(w io.Writer) error {
	t := &text{}
	t.b.WriteString(e.Request + "\n")
	e.writeOutcome(t)
	e.writeRoute(t)
	e.writeFields(t)
	for _, s := range e.Policy {
		origin := "built in"
		if s.Origin != "" {
			origin = strings.TrimSpace(s.Origin + "   " + s.Place)
		}
		t.line("policy", "%-28s %-16s %s", s.Name, s.Value, origin)
	}
	e.writeAuth(t)
	e.writeLimits(t)
	for _, p := range e.Permits {
		text := p.Allow
		if text == "" {
			text = "no rule is for the method, and all such calls are refused"
		}
		if p.DryRun {
			text += "   (only counted)"
		}
		t.line("permits", "%s", strings.TrimSpace(strings.TrimSpace(p.Name+"   "+text)+"   "+p.Place))
	}
	e.writeTraffic(t)
	e.writeCache(t)
	_, err := io.WriteString(w, t.b.String())
	return err
}

func (e *Explanation) writeOutcome(t *text) {
	if e.Outcome.OK {
		t.line("outcome", "reaches %s, if its policies let it pass", e.Method)
	} else {
		t.line("outcome", "%s", strings.TrimSpace(fmt.Sprintf("%d %s", e.Outcome.Status, e.Outcome.Message)))
		if e.Outcome.Reason != "" {
			t.line("reason", "%s", e.Outcome.Reason)
		}
	}
	if len(e.Outcome.Allow) > 0 {
		t.line("allow", "%s", strings.Join(e.Outcome.Allow, ", "))
	}
	if e.Outcome.Location != "" {
		t.line("location", "%s", e.Outcome.Location)
	}
	if e.Protocol != "" {
		t.line("protocol", "%s", e.Protocol)
	}
}

func (e *Explanation) writeRoute(t *text) {
	if r := e.Route; r != nil {
		t.line("route", "%s   %s", r.Rule, r.Method)
		t.line("route", "%s", strings.TrimSpace(fmt.Sprintf("%s   %s", r.Declared, r.Origin)))
	} else if e.Method != "" {
		t.line("method", "%s", e.Method)
	}
	if e.Kind != "" && e.Kind != "unary" {
		t.line("kind", "%s", e.Kind)
	}
	width := 0
	for _, o := range e.Others {
		width = max(width, len(o.Rule))
	}
	for _, o := range e.Others {
		t.line("not", "%-*s   %s", width, o.Rule, o.Reason)
	}
	if e.MoreOthers > 0 {
		t.line("not", "…%d more", e.MoreOthers)
	}
}

func (e *Explanation) writeFields(t *text) {
	width := 0
	for _, f := range e.Fields {
		width = max(width, len(f.Path))
	}
	if e.Input != "" {
		t.line("request", "%s", e.Input)
	}
	for _, f := range e.Fields {
		from := cmp.Or(f.From, "–")
		name := ""
		if f.Name != "" && f.Name != f.Path {
			name = f.Name + "="
		}
		line := fmt.Sprintf("%-*s  %-6s  %s", width, f.Path, from, name+f.Value)
		if f.Note != "" {
			line += "   (" + f.Note + ")"
		}
		t.line("request", "%s", line)
	}
	if len(e.Message) > 0 {
		t.line("message", "%s", e.Message)
	}
}

func (e *Explanation) writeAuth(t *text) {
	if e.Auth == nil {
		return
	}
	switch who := strings.Join(e.Auth.Any, " or "); {
	case who == "":
		t.line("auth", "everybody may call")
	case e.Auth.Everybody:
		t.line("auth", "%s, or nobody in particular", who)
	default:
		t.line("auth", "%s", who)
	}
	for _, p := range e.Auth.Providers {
		shown := "the request has none"
		if p.Shown {
			shown = "the request has one; whether it is good is not asked"
		}
		if p.Kind == "mutualTLS" {
			shown = "a certificate in the handshake of TLS"
		}
		t.line("auth", "%s: %s", p.Name, strings.TrimSpace(fmt.Sprintf("%s %s   %s", p.Kind, p.Field, shown)))
	}
}

func (e *Explanation) writeLimits(t *text) {
	for _, l := range e.Limits {
		var parts []string
		if l.Limit != "" {
			what := "calls"
			if l.Messages {
				what = "messages"
			}
			parts = append(parts, l.Limit+" "+what)
		}
		if l.InFlight > 0 {
			parts = append(parts, fmt.Sprintf("%d at a time", l.InFlight))
		}
		if l.Weight > 0 {
			parts = append(parts, fmt.Sprintf("this one counts %d", l.Weight))
		}
		t.line("limits", "%s   %s   by %s   %s", l.Name, strings.Join(parts, ", "), cmp.Or(l.Key, "nothing: all together"), l.Place)
	}
}

func (e *Explanation) writeCache(t *text) {
	c := e.Cache
	if c == nil {
		return
	}
	if !c.Stores {
		t.line("cache", "%s", strings.TrimSpace(fmt.Sprintf("nothing is stored: %s   %s %s", c.Why, c.Origin, c.Place)))
		return
	}
	t.line("cache", "%s", strings.TrimSpace(fmt.Sprintf("%s   %s %s", c, c.Origin, c.Place)))
	t.line("cache", "key: %s", strings.Join(c.Key, ", "))
	if c.Shared {
		t.line("cache", "answers are the same for all who may call")
	}
	for _, note := range c.Notes {
		t.line("cache", "%s", note)
	}
}

// Short says in a word or two how long answers are fresh, or that none is stored.
func (c *Cache) Short() string {
	switch {
	case !c.Stores:
		return "nothing"
	case c.TTL == "":
		return "as the backend says"
	default:
		return c.TTL
	}
}

// String says how long answers are used.
func (c *Cache) String() string {
	parts := []string{"fresh as the backend says"}
	if c.TTL != "" {
		parts[0] = "fresh for " + c.TTL + " unless the backend says how long"
	}
	if c.StaleWhileRevalidate != "" {
		parts = append(parts, "stale for "+c.StaleWhileRevalidate+" while a new one is fetched")
	}
	if c.StaleIfError != "" {
		parts = append(parts, "and for "+c.StaleIfError+" when the backend fails")
	}
	return strings.Join(parts, ", ")
}

func (e *Explanation) writeTraffic(t *text) {
	to := e.Traffic
	switch {
	case to == nil:
		return
	case to.Backend != "":
		t.line("backend", "%s", strings.TrimSpace(fmt.Sprintf("%s   %s %s", to.Backend, to.Entry, to.Place)))
	case to.Entry == "":
		t.line("backend", "none: no entry of services matches, and the answer is UNAVAILABLE")
	case len(to.Steps) > 0:
		t.line("backend", "%s", strings.TrimSpace(to.Entry+" "+to.Place))
	}
	for _, s := range to.Steps {
		takes := "no"
		switch {
		case s.Takes && s.Percent > 0:
			takes = fmt.Sprintf("%.4g %%", s.Percent)
		case s.Takes:
			takes = "yes"
		}
		t.line("backend", "%-8s %s   %s", takes, s.Backend, s.Rule)
	}
	if to.Mirror != "" {
		t.line("backend", "and a copy to %s", to.Mirror)
	}
}
