// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package split

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/gateway/expression"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// condition is a Rule without a weight, in the form in which calls are held against it.
type condition struct {
	to      Backend
	label   string
	hosts   []hostPattern
	headers []headerPattern
	when    *when // nil is always
}

func newCondition(r *Rule, log *slog.Logger) (condition, error) {
	c := condition{label: r.Label}
	for _, h := range r.Hosts {
		c.hosts = append(c.hosts, newHostPattern(h))
	}
	for _, name := range sortedNames(r.Headers) {
		c.headers = append(c.headers, newHeaderPattern(name, r.Headers[name]))
	}
	if r.When == "" {
		return c, nil
	}
	e, err := expression.New(r.When, expression.Head)
	if err != nil {
		return c, err
	}
	c.when = &when{program: e.Head(), text: r.When, label: r.Label, log: log}
	return c, nil
}

// holds tells whether all that the rule says is so. What costs most comes last.
func (r *condition) holds(c *transcoder.Call) bool {
	if len(r.hosts) > 0 {
		host := expression.HostOf(c)
		if !slices.ContainsFunc(r.hosts, func(p hostPattern) bool { return p.matches(host) }) {
			return false
		}
	}
	for i := range r.headers {
		if !r.headers[i].matches(c.Request.Header) {
			return false
		}
	}
	return r.when == nil || r.when.holds(c)
}

// headerPattern is what the first field of a name must be.
type headerPattern struct {
	name, value string
	prefix      bool // value is only how it must begin
}

// maxHeaderValue is the length of the longest value that a condition can ask for.
const maxHeaderValue = 1024

func newHeaderPattern(name, value string) headerPattern {
	prefix, open := strings.CutSuffix(value, "*")
	return headerPattern{name: name, value: prefix, prefix: open}
}

func (p *headerPattern) matches(h wire.Header) bool {
	for i := range h {
		if h[i].Name != p.name {
			continue
		}
		if p.prefix {
			return strings.HasPrefix(h[i].Value, p.value)
		}
		return h[i].Value == p.value
	}
	return false
}

func checkHeader(name, value string) error {
	switch {
	case !wire.ValidName(name):
		return errors.New("must be the name of a header field, in lower case")
	case name == "host":
		return errors.New("is not a header field here; use hosts")
	case value == "":
		return errors.New("is empty; use * for any value")
	case len(value) > maxHeaderValue:
		return fmt.Errorf("has a value of %d bytes; it may have %d", len(value), maxHeaderValue)
	case !wire.ValidValue(value):
		return errors.New("has a value with bytes that no header can have")
	case strings.Contains(strings.TrimSuffix(value, "*"), "*"):
		return errors.New("has a * that is not at the end of the value; for more than a beginning use when")
	}
	return nil
}

func sortedNames(headers map[string]string) []string { return slices.Sorted(maps.Keys(headers)) }
