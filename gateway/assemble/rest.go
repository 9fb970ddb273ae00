// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"errors"
	"fmt"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
)

// restConfigs says how the methods are served over REST. What belongs to no method is answered as the defaults say.
func (a *Assembly) restConfigs(mux *transcoder.Mux, policies *policies) (rest.Configs, error) {
	var (
		cfg  rest.Configs
		all  = map[*config.Policy]*rest.Config{}
		errs []error
	)
	if own, err := restConfig(policies.defaults); err != nil {
		errs = append(errs, fmt.Errorf("defaults.rest: %w", err))
	} else {
		cfg.Default = *own
		cfg.Default.MethodOverride = a.config.Routes.MethodOverride
	}
	for _, m := range mux.Methods() {
		p := policies.of(m)
		if _, ok := all[p]; ok {
			continue
		}
		own, err := restConfig(p)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.Path, err))
		}
		all[p] = own
	}
	cfg.Of = func(m *transcoder.Method) *rest.Config { return all[policies.of(m)] }
	return cfg, errors.Join(errs...)
}

// restConfig puts what a policy says over what its profile says.
func restConfig(p *config.Policy) (*rest.Config, error) {
	cfg, err := rest.Profile(p.REST.Profile).Config()
	if err != nil {
		return nil, err
	}
	r := &p.REST
	switch r.UnknownQuery {
	case config.QueryReject:
		cfg.Bind.UnknownQuery = bind.RejectUnknown
	case config.QueryIgnore:
		cfg.Bind.UnknownQuery = bind.IgnoreUnknown
	case config.QueryCapture:
		cfg.Bind.UnknownQuery = bind.CaptureUnknown
	}
	override(&cfg.Bind.CaptureField, r.CaptureQueryInto)
	override(&cfg.Bind.MaxListElements, r.MaxQueryListElements)
	override(&cfg.Bind.MaskField, r.MaskField)
	overrideBool(&cfg.Bind.JSONParameters, r.JSONParameters)
	overrideBool(&cfg.Bind.AnyMaskPath, r.AnyMaskPath)
	override(&cfg.Bind.MaxParameters, r.MaxQueryParameters)
	overrideList(&cfg.Bind.IgnoredQuery, r.IgnoredQueryParameters)
	overrideMap(&cfg.Bind.HeaderFields, r.RequestHeaders)
	overrideMap(&cfg.ResponseFields, r.ResponseHeaders)
	overrideList(&cfg.TrailersAsHeaders, r.TrailersAsHeaders)
	overrideBool(&cfg.AnyContentType, r.AnyContentType)
	overrideBool(&cfg.NoContentForEmpty, r.NoContentForEmpty)
	overrideBool(&cfg.Multipart, r.Multipart)
	override(&cfg.SuccessStatus, r.SuccessStatus)
	override(&cfg.CacheControl, r.CacheControl)
	override(&cfg.ETag, rest.ETag(r.ETag))
	override(&cfg.Streams.Format, rest.StreamFormat(r.StreamFormat))
	override(&cfg.Streams.SSEID, r.SSEID)
	override(&cfg.Streams.SSERetry, r.SSERetry)
	overrideBool(&cfg.Streams.BindEvery, r.BindEvery)
	if s := r.StatusFrom; s != nil {
		cfg.StatusHeader, cfg.StatusAllowed = s.Header, s.Allow
	}
	if c := r.Compression; c != nil {
		cfg.Compression = rest.Compression{Algorithms: c.Algorithms, From: c.MinSize}
	}
	if e := r.Errors; e != nil {
		cfg.Errors = rest.ErrorFormat{Name: e.Format, Template: e.Template}
	}
	overrideJSON(&cfg, &p.JSON)
	return &cfg, nil
}

func overrideJSON(cfg *rest.Config, j *config.JSON) {
	encode, decode := &cfg.Encode, &cfg.Bind.Decode
	overrideBool(&encode.ProtoNames, j.ProtoFieldNames)
	overrideBool(&encode.Int64Numbers, j.Int64AsNumber)
	overrideBool(&encode.EnumNumbers, j.EnumsAsNumbers)
	overrideBool(&encode.StripEnumPrefix, j.StripEnumPrefix)
	overrideBool(&encode.DropRedacted, j.DropRedacted)
	overrideBool(&encode.RefuseUnknownAny, j.RefuseUnknownAny)
	overrideBool(&decode.StripEnumPrefix, j.StripEnumPrefix)
	overrideBool(&decode.FoldEnumCase, j.FoldEnumCase)
	if j.RejectUnknownFields != nil {
		decode.DiscardUnknown = !*j.RejectUnknownFields
	}
	switch j.EmitDefaults {
	case config.EmitPrint:
		encode.Defaults = codec.DefaultsPrint
	case config.EmitOmit:
		encode.Defaults = codec.DefaultsOmit
	case config.EmitNull:
		encode.Defaults = codec.DefaultsNull
	}
}

func override[T comparable](to *T, value T) {
	var unset T
	if value != unset {
		*to = value
	}
}

func overrideBool(to, value *bool) {
	if value != nil {
		*to = *value
	}
}

func overrideList(to *[]string, value []string) {
	if len(value) > 0 {
		*to = value
	}
}

func overrideMap(to *map[string]string, value map[string]string) {
	if len(value) > 0 {
		*to = value
	}
}
