// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package explain provides why a request would be answered as it would be: the route, what each field gets, the policy and where the call would go,
// without sending anything; and the pages of the codes of errors.
package explain

import (
	"encoding/json"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Request is the request that is asked about.
type Request struct {
	// Method is the method of HTTP, Path the escaped path, Query the raw query.
	Method, Path, Query string
	// Authority is the host that it is for.
	Authority string
	// Header are its fields, names in lower case.
	Header wire.Header
	// Body is its body.
	Body []byte
	// Listener is the name of the listener by which it would come.
	Listener string
}

// Explanation is what would become of a request. Its JSON is that of `dragoman explain --json`.
type Explanation struct {
	// Request is the method of HTTP and the path.
	Request string `json:"request"`
	// Protocol is what the request speaks.
	Protocol string `json:"protocol,omitempty"`
	// Outcome tells how far it gets.
	Outcome Outcome `json:"outcome"`
	// Route is the route that it finds; nil for none, and for protocols that name the method.
	Route *Route `json:"route,omitempty"`
	// Method is the method that is called: package.Service/Method; "" where none is found.
	Method string `json:"method,omitempty"`
	// Kind is the kind of its streams.
	Kind string `json:"kind,omitempty"`
	// Others are the routes that it does not find, the nearest first, and why. There may be more.
	Others []Other `json:"others,omitempty"`
	// MoreOthers is how many more there are.
	MoreOthers int `json:"more_others,omitempty"`
	// Input is the type of the request message; Fields are what sets each of its fields.
	Input  string  `json:"input,omitempty"`
	Fields []Field `json:"fields,omitempty"`
	// Message is the request message as JSON, where the request can be bound.
	Message json.RawMessage `json:"message,omitempty"`
	// Policy are the values of the method's policy.
	Policy []Setting `json:"policy,omitempty"`
	// Auth says who may call.
	Auth *Auth `json:"auth,omitempty"`
	// Limits are the limits that hold, in the order in which they are asked.
	Limits []Limit `json:"limits,omitempty"`
	// Permits are the rules of authorisation that are for the method; all must allow the call.
	Permits []Permit `json:"authorization,omitempty"`
	// Traffic is where the call goes.
	Traffic *Traffic `json:"traffic,omitempty"`
	// Cache tells of the method's stored answers; nil where no policy says anything of them.
	Cache *Cache `json:"cache,omitempty"`
}

// Outcome tells how far a request gets.
type Outcome struct {
	// OK tells that the call gets to a backend if its policies let it pass.
	OK bool `json:"ok"`
	// Status is the status of HTTP with which it is refused, Reason the reason, Message what the client is told; zero where it is not.
	Status  int    `json:"status,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// Allow are the methods of HTTP that the path takes, where it does not take this one.
	Allow []string `json:"allow,omitempty"`
	// Location is where the client is sent instead.
	Location string `json:"location,omitempty"`
}

// Route is a route.
type Route struct {
	// Rule is the method of HTTP and the template.
	Rule string `json:"rule"`
	// Method is what it calls.
	Method string `json:"method"`
	// Body and ResponseBody are which part of the messages the bodies are.
	Body         string `json:"body,omitempty"`
	ResponseBody string `json:"response_body,omitempty"`
	// Origin says what the rule is from: annotation, config or default. Declared is where it is written.
	Origin   string `json:"origin"`
	Declared string `json:"declared,omitempty"`
}

// Other is a route that a request does not find.
type Other struct {
	Route

	// Reason says why.
	Reason string `json:"reason"`
	// Matches tells that its path matches, and something else is preferred or the method of HTTP is another.
	Matches bool `json:"matches,omitempty"`
}

// Field is a field of the request message, or something in the request that sets none.
type Field struct {
	// Path is the field, with dots; "" where there is none of that name.
	Path string `json:"path,omitempty"`
	// From is what sets it: path, query, body, header, or "" where nothing does.
	From string `json:"from,omitempty"`
	// Name is what it is called there.
	Name string `json:"name,omitempty"`
	// Value is the text that it has there; shortened.
	Value string `json:"value,omitempty"`
	// Note says what becomes of it where that is not plain.
	Note string `json:"note,omitempty"`
}

// Setting is a value of a policy.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Origin is the setting that it is from; "" where it is built in. Place is where that stands.
	Origin string `json:"origin,omitempty"`
	Place  string `json:"place,omitempty"`
}

// Auth says who may call.
type Auth struct {
	// Any are alternatives: names of providers with a plus between them.
	Any []string `json:"any,omitempty"`
	// Everybody tells that callers who show nothing are let in, too.
	Everybody bool `json:"everybody,omitempty"`
	// Providers are those that are asked.
	Providers []Provider `json:"providers,omitempty"`
}

// Provider is a way to prove who one is.
type Provider struct {
	Name string `json:"name"`
	// Kind is what it takes: bearer, basic, header, cookie or mutualTLS.
	Kind string `json:"kind"`
	// Field is where it looks.
	Field string `json:"field,omitempty"`
	// Shown tells that the request has something there. Whether it is good is not asked.
	Shown bool `json:"shown"`
}

// Limit is a limit that holds for a call.
type Limit struct {
	Name string `json:"name"`
	// Key says what is counted apart.
	Key string `json:"key,omitempty"`
	// Limit is how often, InFlight how many at a time, Weight how much the call counts.
	Limit    string `json:"limit,omitempty"`
	InFlight uint32 `json:"max_in_flight,omitempty"`
	Weight   uint32 `json:"weight,omitempty"`
	// Messages tells that messages are counted, and not calls.
	Messages bool `json:"messages,omitempty"`
	// Place is where the rule stands.
	Place string `json:"place,omitempty"`
}

// Permit is a rule of authorisation that is for a method.
type Permit struct {
	Name string `json:"name,omitempty"`
	// Allow is the expression that must be true; "" where no rule is for the method and what is said of all others refuses it.
	Allow string `json:"allow,omitempty"`
	// DryRun tells that what it would refuse is only counted.
	DryRun bool `json:"dry_run,omitempty"`
	// Place is where it stands.
	Place string `json:"place,omitempty"`
}

// Cache tells whether the answers of a method are stored, and which calls get them. `dragoman routes --json` has it as well.
type Cache struct {
	// Stores tells that some are; Why says why none is.
	Stores bool   `json:"stores"`
	Why    string `json:"why,omitempty"`
	// TTL is how long an answer is fresh of which the backend does not say it; "" stores only those of which it does. StaleWhileRevalidate and
	// StaleIfError are how long it is used after that.
	TTL                  string `json:"ttl,omitempty"`
	StaleWhileRevalidate string `json:"stale_while_revalidate,omitempty"`
	StaleIfError         string `json:"stale_if_error,omitempty"`
	// Shared tells that answers are the same for all who may call.
	Shared bool `json:"shared,omitempty"`
	// Key are the parts of what an answer is stored under: calls that differ in one of them get answers of their own.
	Key []string `json:"key,omitempty"`
	// Notes tell what the request itself makes of that.
	Notes []string `json:"notes,omitempty"`
	// Origin is the setting, or the option in the schema, that says so. Place is where a setting stands.
	Origin string `json:"origin"`
	Place  string `json:"place,omitempty"`
}

// Traffic is where a call goes.
type Traffic struct {
	// Entry is the entry of services that is in force; "" for none.
	Entry string `json:"entry,omitempty"`
	// Place is where it stands.
	Place string `json:"place,omitempty"`
	// Backend is where the call goes; "" where it is refused or where chance decides.
	Backend string `json:"backend,omitempty"`
	// Steps are the rules of a split.
	Steps []Step `json:"steps,omitempty"`
	// Mirror is the backend that gets a copy.
	Mirror string `json:"mirror,omitempty"`
}

// Step is a rule of a split.
type Step struct {
	Rule    string  `json:"rule"`
	Backend string  `json:"backend"`
	Takes   bool    `json:"takes"`
	Percent float64 `json:"percent,omitempty"`
}
