// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"

	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
)

func (k *compiler) rest(m *configv1.Rest, path string) REST {
	if m == nil {
		return REST{}
	}
	r := REST{
		Profile:                m.GetProfile(),
		UnknownQuery:           UnknownQuery(m.GetUnknownQuery()),
		IgnoredQueryParameters: m.GetIgnoredQueryParameters(),
		MaxQueryParameters:     int(m.GetMaxQueryParameters()),
		AnyContentType:         m.AnyContentType,
		SuccessStatus:          int(m.GetSuccessStatus()),
		NoContentForEmpty:      m.NoContentForEmpty,
		ETag:                   m.GetEtag(),
		CacheControl:           m.GetCacheControl(),
		RequestHeaders:         m.GetRequestHeaders(),
		ResponseHeaders:        m.GetResponseHeaders(),
		TrailersAsHeaders:      m.GetTrailersAsHeaders(),
		Multipart:              m.Multipart,
		StreamFormat:           m.GetStreamFormat(),
		SSEID:                  m.GetSseId(),
		SSERetry:               m.GetSseRetry().AsDuration(),
		BindEvery:              m.BindEveryMessage,
		CaptureQueryInto:       m.GetCaptureQueryInto(),
		MaxQueryListElements:   int(m.GetMaxQueryListElements()),
		JSONParameters:         m.JsonParameters,
		MaskField:              m.GetMaskField(),
		AnyMaskPath:            m.AnyMaskPath,
	}
	k.distinct(r.IgnoredQueryParameters, path+".ignored_query_parameters")
	k.distinct(r.TrailersAsHeaders, path+".trailers_as_headers")
	if (r.UnknownQuery == QueryCapture) != (r.CaptureQueryInto != "") && !k.isRefused(path+".unknown_query") {
		k.on(path+".unknown_query", "", "capture and capture_query_into go together")
	}
	if s := m.GetStatusFrom(); s != nil {
		r.StatusFrom = &StatusFrom{Header: s.GetHeader()}
		for _, code := range s.GetAllow() {
			r.StatusFrom.Allow = append(r.StatusFrom.Allow, int(code))
		}
	}
	if c := m.GetCompression(); c != nil {
		r.Compression = &Compression{Algorithms: c.GetAlgorithms(), MinSize: int(k.size(c.GetMinSize(), path+".compression.min_size", 1, mostCompressFrom))}
		k.distinct(r.Compression.Algorithms, path+".compression.algorithms")
	}
	if e := m.GetErrors(); e != nil {
		r.Errors = &Errors{Format: e.GetFormat(), Template: e.GetTemplate()}
	}
	for _, e := range r.config().Check() {
		if e.Setting == "status_from" || e.Setting == "status_from.allow" {
			continue // the schema says so
		}
		at := path + "." + e.Setting
		if e.Key != "" {
			at = entry(at, e.Key)
		}
		if !k.isRefused(at) {
			k.on(at, "", "%s", k.detail(at, errors.New(e.Message)))
		}
	}
	return r
}

// config is what of it can be checked without the methods.
func (r *REST) config() *rest.Config {
	cfg := &rest.Config{
		SuccessStatus: r.SuccessStatus, ETag: rest.ETag(r.ETag), CacheControl: r.CacheControl, ResponseFields: r.ResponseHeaders, TrailersAsHeaders: r.TrailersAsHeaders,
	}
	if r.StatusFrom != nil {
		cfg.StatusHeader, cfg.StatusAllowed = r.StatusFrom.Header, r.StatusFrom.Allow
	}
	if r.Errors != nil {
		cfg.Errors = rest.ErrorFormat{Name: r.Errors.Format, Template: r.Errors.Template}
	}
	return cfg
}

func jsonOf(m *configv1.Json) JSON {
	if m == nil {
		return JSON{}
	}
	return JSON{
		ProtoFieldNames:     m.ProtoFieldNames,
		Int64AsNumber:       m.Int64AsNumber,
		EnumsAsNumbers:      m.EnumsAsNumbers,
		EmitDefaults:        EmitDefaults(m.GetEmitDefaults()),
		RejectUnknownFields: m.RejectUnknownFields,
		StripEnumPrefix:     m.StripEnumPrefix,
		FoldEnumCase:        m.FoldEnumCase,
		DropRedacted:        m.DropRedacted,
		RefuseUnknownAny:    m.RefuseUnknownAny,
	}
}
