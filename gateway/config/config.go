// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/docs"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

// Defaults of the settings that this package owns; the packages whose Config is used have their own.
const (
	DefaultListener           = "default"
	DefaultAddress            = ":8080"
	DefaultAdminAddress       = "127.0.0.1:9901"
	DefaultReflectionInterval = time.Minute
	DefaultDrain              = 30 * time.Second
)

// Config is a configuration in the form in which the parts of the gateway want it. Those that come from a file are
// checked and have their defaults. It is not changed once it is in use, and then safe for concurrent use.
type Config struct {
	// File is the name of the file; "" when there is none.
	File string
	// Listeners are the sockets for clients, in the order of the file.
	Listeners []transport.Config
	// Local says what the gateway itself answers at a listener, by its name; what is not there answers nothing.
	Local map[string]Local
	// Schemas say where schemas come from, and what of them clients can call.
	Schemas Schemas
	// Backends are in the order of their names, which are unique.
	Backends []backend.Config
	// Defaults are the policy where services and methods say nothing.
	Defaults Policy
	// Services say which backend serves which services; see ServiceFor.
	Services []Service
	// JSON says how messages are written as JSON and read from it.
	JSON JSON
	// Routes say how REST calls are matched.
	Routes Routes
	// RPC says how gRPC, gRPC-Web and Connect are served.
	RPC RPC
	// Observability says what is logged and where to.
	Observability Observability
	// Admin is the listener of the operators.
	Admin Admin
	// Shutdown says how the gateway ends.
	Shutdown Shutdown
	// Auth says by what clients prove who they are.
	Auth Auth
	// RateLimits say how often and how many at a time calls may be.
	RateLimits RateLimits
	// Authorization says which calls are permitted.
	Authorization Authorization
	// Docs says what documentation of the API clients find; nil for none.
	Docs *docs.Config
	// Cache is where answers are stored.
	Cache Cache
	// Warnings are about what works and is probably not meant, in the order of the file.
	Warnings []Problem

	text    *text            // nil without a file
	message *configv1.Config // what the file says; nil without one
	flat    *flattened       // the same as single values; nil without one
	places  map[string]place // of every setting in the file, by path
}

// Local says which services the gateway itself answers at a listener.
type Local struct {
	// Reflection is grpc.reflection.v1 and v1alpha.
	Reflection bool
	// Health is grpc.health.v1.
	Health bool
}

// OnConflict says what happens when two methods claim one path.
type OnConflict string

// What happens when two methods claim one path.
const (
	// ConflictReject refuses the schemas. It is the default.
	ConflictReject OnConflict = "reject"
	// ConflictFirstWins keeps the method whose full name comes first.
	ConflictFirstWins OnConflict = "first_wins"
)

// BreakingChanges says what happens to schemas that break clients.
type BreakingChanges string

// What happens to schemas that break clients.
const (
	// BreakingAllow puts them in force. It is the default.
	BreakingAllow BreakingChanges = "allow"
	// BreakingReject refuses them.
	BreakingReject BreakingChanges = "reject"
)

// Schemas say where schemas come from, and what of them clients can call.
type Schemas struct {
	// Sources are in the order of the file; their names are unique.
	Sources []Source
	// Expose are the services that clients can call; empty means all.
	Expose []Glob
	// Hide are services that they cannot call though Expose has them.
	Hide []Glob
	// OnConflict says what happens when two methods claim one path; "" means ConflictReject.
	OnConflict OnConflict
	// MergeRules says what the HTTPRules of sources do to annotations; "" means MergeReplace.
	MergeRules MergeRules
	// LiteralTail permits segments behind ** in paths.
	LiteralTail bool
	// BreakingChanges says what happens to schemas that break clients; "" means BreakingAllow.
	BreakingChanges BreakingChanges
}

// Exposes says whether clients can call the methods of a service, by its full name.
func (s *Schemas) Exposes(service string) bool {
	return (len(s.Expose) == 0 || matchAny(s.Expose, service)) && !matchAny(s.Hide, service)
}

// Source is where a schema comes from. Exactly one of Protos, DescriptorSet, Reflection and Upload is set.
type Source struct {
	// Name is what messages call it.
	Name string
	// Protos are folders of .proto files.
	Protos *Protos
	// DescriptorSet are files with descriptors.
	DescriptorSet *DescriptorSet
	// Reflection is a backend that is asked.
	Reflection *Reflection
	// Upload is what is sent by the admin API.
	Upload *Upload
	// HTTPRules are files with HTTP rules, google.api.Service in YAML; none twice.
	HTTPRules []string
	// PolicyOptions says what becomes of the options of dragoman.policy.v1; "" means ReadOptions, and IgnoreOptions for Reflection and Upload.
	PolicyOptions PolicyOptions
}

// PolicyOptions says what becomes of the options of dragoman.policy.v1 in schemas.
type PolicyOptions string

// What becomes of options in schemas.
const (
	// ReadOptions makes them policies.
	ReadOptions PolicyOptions = "read"
	// IgnoreOptions leaves them.
	IgnoreOptions PolicyOptions = "ignore"
)

// Protos are folders of .proto files.
type Protos struct {
	// Dirs are the folders.
	Dirs []string
	// ImportPaths are folders in which imports are looked for too.
	ImportPaths []ImportPath
	// Watch loads again when a file changes.
	Watch bool
}

// ImportPath is a folder whose files can be imported.
type ImportPath struct {
	// Virtual is the path before their names in imports, with slashes; "" for none.
	Virtual string
	// Dir is the folder.
	Dir string
}

// DescriptorSet are files with descriptors.
type DescriptorSet struct {
	// Path is a file, or a pattern as of filepath.Match.
	Path string
	// Watch loads again when a file changes.
	Watch bool
}

// Reflection is a backend that is asked.
type Reflection struct {
	// Backend is its name.
	Backend string
	// Interval is how often it is asked; 0 means DefaultReflectionInterval.
	Interval time.Duration
}

// DefaultUpload is the name of a source of uploads that has none.
const DefaultUpload = "upload"

// Upload is what is sent by the admin API.
type Upload struct {
	// File keeps it.
	File string
}

// EmitDefaults says how fields without a value are written.
type EmitDefaults string

// How fields without a value are written.
const (
	// EmitPrint writes the default of those that have one. It is the default of the strict profile.
	EmitPrint EmitDefaults = "print"
	// EmitOmit leaves them out.
	EmitOmit EmitDefaults = "omit"
	// EmitNull is EmitPrint, and writes null for messages and optional fields.
	EmitNull EmitDefaults = "print_null"
)

// JSON says how messages are written as JSON and read from it. What is nil or empty is not said.
type JSON struct {
	// ProtoFieldNames writes names as in the .proto file.
	ProtoFieldNames *bool
	// Int64AsNumber writes integers of 64 bits as numbers.
	Int64AsNumber *bool
	// EnumsAsNumbers writes the values of enums as numbers.
	EnumsAsNumbers *bool
	// EmitDefaults says how fields without a value are written.
	EmitDefaults EmitDefaults
	// RejectUnknownFields refuses fields that the message does not have; else they are read past.
	RejectUnknownFields *bool
	// StripEnumPrefix leaves the prefix that repeats the name of the enum out of its values.
	StripEnumPrefix *bool
	// FoldEnumCase reads the names of enum values in any case.
	FoldEnumCase *bool
	// DropRedacted leaves out fields whose option debug_redact is true.
	DropRedacted *bool
	// RefuseUnknownAny makes an answer with an Any of a type that is in no schema an error.
	RefuseUnknownAny *bool
}

// TrailingSlash says what a slash at the end of a path means.
type TrailingSlash string

// What a slash at the end of a path means.
const (
	// SlashStrict makes it another path. It is the default.
	SlashStrict TrailingSlash = "strict"
	// SlashIgnore makes it the path without the slash.
	SlashIgnore TrailingSlash = "ignore"
	// SlashRedirect sends the client there.
	SlashRedirect TrailingSlash = "redirect"
)

// UnknownQuery says what happens to a query parameter that names no field.
type UnknownQuery string

// What happens to a query parameter that names no field.
const (
	// QueryReject answers 400. It is the default of the strict profile.
	QueryReject UnknownQuery = "reject"
	// QueryIgnore drops it.
	QueryIgnore UnknownQuery = "ignore"
	// QueryCapture puts it into a field.
	QueryCapture UnknownQuery = "capture"
)

// Routes say how REST calls are matched.
type Routes struct {
	// TrailingSlash says what a slash at the end of a path means; "" means SlashStrict.
	TrailingSlash TrailingSlash
	// UnknownQuery says what happens to a query parameter that names no field; "" leaves it to the profile of the method.
	UnknownQuery UnknownQuery
	// IgnoredQueryParameters never reach a message.
	IgnoredQueryParameters []string
	// DisableDerivedHead turns off that HEAD is served by the routes of GET.
	DisableDerivedHead bool
	// MaxPath is the length in bytes of the longest path that is matched; 0 means httprule.DefaultMaxPathBytes.
	MaxPath int
	// MaxQueryParameters is how many query parameters a request may have; 0 means bind.DefaultMaxParameters.
	MaxQueryParameters int
	// RejectDotSegments refuses paths with a segment "." or "..".
	RejectDotSegments bool
	// Unescape says how variables of several segments are decoded; "" means UnescapeKeepSlash.
	Unescape Unescape
	// MethodOverride lets a POST be another method by its X-HTTP-Method-Override.
	MethodOverride bool
}

// RPC says how gRPC, gRPC-Web and Connect are served.
type RPC struct {
	// CompressFrom is the size in bytes of the smallest message of an answer that the gateway itself compresses; 0 for never.
	CompressFrom int
	// WithoutErrorInfo leaves the google.rpc.ErrorInfo out of the gateway's own errors.
	WithoutErrorInfo bool
	// RequireConnectVersion refuses calls by Connect that do not say its version.
	RequireConnectVersion bool
}

// Unescape says how variables of several segments are decoded.
type Unescape string

// How variables of several segments are decoded.
const (
	// UnescapeKeepSlash decodes all but %2F. It is the default.
	UnescapeKeepSlash Unescape = "keep_slash"
	// UnescapeKeepReserved decodes all but reserved characters.
	UnescapeKeepReserved Unescape = "keep_reserved"
	// UnescapeAll decodes all.
	UnescapeAll Unescape = "all"
)

// Admin is the listener of the operators.
type Admin struct {
	// Address is "host:port"; "" means DefaultAdminAddress. The host of one without a token that comes from a file is loopback.
	Address string
	// Token is what callers have to show; "" asks for none. TokenFile is a file that has it.
	Token, TokenFile string
	// ReadOnly refuses all that changes something.
	ReadOnly bool
	// DataDir is the folder for what is to hold over restarts; "" for none.
	DataDir string
	// Capture keeps what calls say; nil keeps nothing, whatever the admin API is told.
	Capture *Capture
}

// Shutdown says how the gateway ends.
type Shutdown struct {
	// Delay is how long connections are still accepted after readiness has ended.
	Delay time.Duration
	// Drain is how long calls then have to end; 0 means DefaultDrain.
	Drain time.Duration
}

// SetDefaults fills in what is zero and means a default, so that nobody else needs to know which that is. Parse has done
// it; it is for configurations that are made without a file. Settings that another package owns stay zero, which its New
// knows.
func (c *Config) SetDefaults() {
	if len(c.Listeners) == 0 {
		c.Listeners = []transport.Config{{Name: DefaultListener, Address: DefaultAddress}}
	}
	for i := range c.Schemas.Sources {
		source := &c.Schemas.Sources[i]
		if r := source.Reflection; r != nil {
			r.Interval = cmp.Or(r.Interval, DefaultReflectionInterval)
		}
		if source.Reflection != nil || source.Upload != nil { // who serves a schema, or sends it, does not say who may call
			source.PolicyOptions = cmp.Or(source.PolicyOptions, IgnoreOptions)
		}
	}
	c.Schemas.OnConflict = cmp.Or(c.Schemas.OnConflict, ConflictReject)
	c.Schemas.BreakingChanges = cmp.Or(c.Schemas.BreakingChanges, BreakingAllow)
	c.Schemas.MergeRules = cmp.Or(c.Schemas.MergeRules, MergeReplace)
	c.Routes.TrailingSlash = cmp.Or(c.Routes.TrailingSlash, SlashStrict)
	c.Routes.Unescape = cmp.Or(c.Routes.Unescape, UnescapeKeepSlash)
	c.Observability.AccessLog.Output = cmp.Or(c.Observability.AccessLog.Output, OutputStdout)
	c.Admin.Address = cmp.Or(c.Admin.Address, DefaultAdminAddress)
	c.Shutdown.Drain = cmp.Or(c.Shutdown.Drain, DefaultDrain)
}

// Position returns where a setting stands in the file, by its path such as listeners[0].tls.cert; or else where that
// stands which it would stand in. 0, 0 without a file. Lines and columns begin with 1; columns count characters.
func (c *Config) Position(path string) (line, column int) {
	p := (&collector{places: c.places}).place(path)
	return p.line, p.column
}

// Line returns a line of the file, without its end; "" without a file, and where there is no such line. Lines begin with 1.
func (c *Config) Line(number int) string { return c.text.line(number) }

// Problem returns a problem of a setting that is found later, such as a certificate that cannot be read, with its place in
// the file. The path is as in Position.
func (c *Config) Problem(path, message, hint string) Problem {
	line, column := c.Position(path)
	return Problem{File: c.File, Line: line, Column: column, Path: path, Message: message, Hint: hint, Source: c.text.line(line)}
}
