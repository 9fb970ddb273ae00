// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

// Code names a kind of problem. Codes are stable: they appear in documentation and in the output of `dragoman check`.
type Code string

// The codes of this package, DG1100 to DG1199.
const (
	// CodeNoPattern: a rule has no HTTP method, or an empty path.
	CodeNoPattern Code = "DG1101"
	// CodeSyntax: a path is not in the grammar of google/api/http.proto.
	CodeSyntax Code = "DG1102"
	// CodeUnknownVariable: a path variable is not a field of the request.
	CodeUnknownVariable Code = "DG1103"
	// CodeVariableKind: a path variable, or a field on the way to it, is repeated, a map, a message or a group.
	CodeVariableKind Code = "DG1104"
	// CodeVariableTwice: a path has the same variable twice.
	CodeVariableTwice Code = "DG1105"
	// CodeNestedBindings: additional_bindings stand inside additional_bindings.
	CodeNestedBindings Code = "DG1106"
	// CodeConflict: two rules claim the same HTTP method and path.
	CodeConflict Code = "DG1107"
	// CodeBody: body names no top-level field of the request.
	CodeBody Code = "DG1108"
	// CodeBodyInPath: body names a field that the path already sets.
	CodeBodyInPath Code = "DG1109"
	// CodeResponseBody: response_body names no top-level field of the response.
	CodeResponseBody Code = "DG1110"
	// CodeSelector: a selector is neither a full name, nor a name that ends in ".*", nor "*".
	CodeSelector Code = "DG1111"
	// CodeSelectorUnused: a selector matches no method.
	CodeSelectorUnused Code = "DG1112"
	// CodeCustomKind: the kind of a custom pattern is no HTTP method that can be served.
	CodeCustomKind Code = "DG1113"
	// CodeUnreadable: the google.api.http option of a method cannot be decoded.
	CodeUnreadable Code = "DG1114"
	// CodeTooLarge: a path is longer, or has more segments or variables, than permitted.
	CodeTooLarge Code = "DG1115"
	// CodeBodyOnGet: a GET, HEAD or DELETE rule has a body (warning).
	CodeBodyOnGet Code = "DG1116"
	// CodeBidi: a method that streams both ways has an HTTP rule (warning).
	CodeBidi Code = "DG1117"
	// CodeKindCase: the kind of a custom pattern is a standard method in other letters (warning).
	CodeKindCase Code = "DG1118"
	// CodeOneof: a rule always sets two members of one oneof.
	CodeOneof Code = "DG1119"
	// CodeCost: some path would take too many steps to match.
	CodeCost Code = "DG1120"
	// CodeConfig: a setting of this package is out of bounds.
	CodeConfig Code = "DG1121"
)
