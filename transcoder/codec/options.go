// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

// Defaults says how fields without a value are written to JSON.
type Defaults uint8

const (
	// DefaultsPrint writes fields that have no presence with their default, lists as [] and maps as {}; unset messages
	// and unset optional fields are left out.
	DefaultsPrint Defaults = iota
	// DefaultsOmit leaves out every field that has no value.
	DefaultsOmit
	// DefaultsNull is DefaultsPrint, and writes null for unset fields with presence that are in no oneof.
	DefaultsNull
)

// EncodeOptions say how JSON is written. The zero value, and nil, is the default of the product. Options are read
// only: one value may serve any number of calls at a time.
type EncodeOptions struct {
	// ProtoNames writes field names as in the .proto file instead of their JSON names.
	ProtoNames bool
	// Int64Numbers writes 64-bit integers as JSON numbers, which readers that hold numbers in doubles round above 2^53.
	Int64Numbers bool
	// EnumNumbers writes enum values as numbers.
	EnumNumbers bool
	// StripEnumPrefix leaves the prefix that repeats the enum's own name out of its values: BOOK_KIND_NOVEL of BookKind
	// is NOVEL. See Message.CheckEnumNames.
	StripEnumPrefix bool
	// DropRedacted leaves out fields whose option debug_redact is true.
	DropRedacted bool
	// Omit are fields that are left out wherever their message occurs.
	Omit []*Field
	// RefuseUnknownAny makes an Any of a type that is not in the schema an error; else it is written with its bytes in
	// base64, {"@type": …, "value": …}.
	RefuseUnknownAny bool
	// Defaults says what is written for fields without a value.
	Defaults Defaults
	// OnUnknownAny, if set, is called with the type of each Any that was written in base64, before the call returns and
	// from the goroutine of the call.
	OnUnknownAny func(typeURL string)
}

// DecodeOptions say how JSON and text are read. The zero value, and nil, is the strict default of the product.
// Options are read only, except for Hits.
type DecodeOptions struct {
	// DiscardUnknown ignores JSON members that name no field. It never ignores an unknown enum value or an Any that has
	// members but no type.
	DiscardUnknown bool
	// FoldEnumCase accepts the names of enum values in any case of ASCII letters. See Message.CheckEnumNames.
	FoldEnumCase bool
	// StripEnumPrefix accepts the names of enum values also without the prefix that repeats the enum's own name. See
	// Message.CheckEnumNames.
	StripEnumPrefix bool
	// Watch names the fields whose presence in the JSON is to be reported in Hits. Nil costs nothing.
	Watch *Watch
	// Hits receives one entry per path of Watch, in its order; it must be at least Watch.Len long. It is cleared first.
	Hits []Hit
}
