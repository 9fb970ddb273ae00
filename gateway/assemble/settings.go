// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/authz"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/validate"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// settingCode is the code of settings that do not fit a method.
const settingCode = "DG1301"

// placed returns the diagnostic of a setting that does not fit a method, with the place in the configuration where it stands.
func (a *Assembly) placed(err error) (schema.Diagnostic, bool) {
	if e, ok := errors.AsType[*badKey](err); ok {
		return e.diagnostic(a.config), true
	}
	if h, ok := errors.AsType[*hedgeError](err); ok {
		d := schema.Diagnostic{Level: schema.Error, Code: settingCode, Message: h.Error(), Help: []string{hedgeHelp}}
		if span := configSpan(a.config, h.path, ""); span.Line > 0 {
			d.Spans = append(d.Spans, span)
		}
		return d, true
	}
	if e, ok := errors.AsType[*ratelimit.FieldError](err); ok {
		return a.badLimit(e), true
	}
	if e, ok := errors.AsType[*optionError](err); ok {
		return e.diagnostic(), true
	}
	if e, ok := errors.AsType[*authz.FieldError](err); ok {
		return a.badAllow(e), true
	}
	if e, ok := errors.AsType[*redactionError](err); ok {
		return a.badRedaction(e), true
	}
	if e, ok := errors.AsType[*validate.RuleError](err); ok {
		return badRule(e), true
	}
	e, ok := errors.AsType[*rest.SettingError](err)
	if !ok || e.Method == "" {
		return schema.Diagnostic{}, false
	}
	service, method, _ := strings.Cut(strings.TrimPrefix(e.Method, "/"), "/")
	_, origins := a.config.PolicyFor(service, method)
	name := "rest." + e.Setting
	if strings.HasPrefix(e.Setting, "json.") {
		name = e.Setting
	}
	path := string(origins[name])
	if e.Key != "" {
		path, name = fmt.Sprintf("%s[%q]", path, e.Key), fmt.Sprintf("%s[%q]", name, e.Key)
	}
	d := schema.Diagnostic{
		Level: schema.Error, Code: settingCode, Message: fmt.Sprintf("%s does not fit %s: %s", name, e.Method, e.Message),
		Help: []string{"set it at the methods that it fits"},
	}
	if span := configSpan(a.config, path, ""); span.Line > 0 {
		d.Spans = append(d.Spans, span)
	}
	return d, true
}
