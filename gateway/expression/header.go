// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// firstValues is a request's header as a map of CEL, made without one: the first value of each field. A field that is not
// there reads as "", so that an expression need not ask before; "name" in headers tells the difference.
type firstValues struct{ header wire.Header }

// allValues is a request's header as a map of lists.
type allValues struct{ header wire.Header }

var (
	_ traits.Mapper = firstValues{}
	_ traits.Mapper = allValues{}
)

// Find returns the value of a field, and is never without one.
func (f firstValues) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(key), false
	}
	return types.String(f.header.Get(string(name))), true
}

// Get is Find.
func (f firstValues) Get(key ref.Val) ref.Val {
	value, _ := f.Find(key)
	return value
}

// Contains tells whether the field is there.
func (f firstValues) Contains(key ref.Val) ref.Val { return contains(f.header, key) }

// whole is the map itself, for what is not about one field.
func (f firstValues) whole() traits.Mapper {
	all := make(map[string]string, len(f.header))
	for _, field := range f.header {
		if _, ok := all[field.Name]; !ok {
			all[field.Name] = field.Value
		}
	}
	return types.NewStringStringMap(types.DefaultTypeAdapter, all)
}

// Size returns how many names there are.
func (f firstValues) Size() ref.Val { return f.whole().Size() }

// Iterator goes over the names.
func (f firstValues) Iterator() traits.Iterator { return f.whole().Iterator() }

// Equal compares the fields that are there.
func (f firstValues) Equal(other ref.Val) ref.Val { return f.whole().Equal(plain(other)) }

// ConvertToNative converts to a type of Go's.
func (f firstValues) ConvertToNative(t reflect.Type) (any, error) {
	return f.whole().ConvertToNative(t)
}

// ConvertToType converts to a type of CEL's.
func (f firstValues) ConvertToType(t ref.Type) ref.Val { return f.whole().ConvertToType(t) }

// Type is that of maps.
func (firstValues) Type() ref.Type { return types.MapType }

// Value returns a map of Go's.
func (f firstValues) Value() any { return f.whole().Value() }

// Find returns the values of a field, which may be none.
func (f allValues) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(key), false
	}
	var list []string
	for i := range f.header {
		if f.header[i].Name == string(name) {
			list = append(list, f.header[i].Value)
		}
	}
	return types.NewStringList(types.DefaultTypeAdapter, list), true
}

// Get is Find.
func (f allValues) Get(key ref.Val) ref.Val {
	value, _ := f.Find(key)
	return value
}

// Contains tells whether the field is there.
func (f allValues) Contains(key ref.Val) ref.Val { return contains(f.header, key) }

func (f allValues) whole() traits.Mapper {
	all := make(map[string][]string, len(f.header))
	for _, field := range f.header {
		all[field.Name] = append(all[field.Name], field.Value)
	}
	return types.NewDynamicMap(types.DefaultTypeAdapter, all)
}

// Size returns how many names there are.
func (f allValues) Size() ref.Val { return f.whole().Size() }

// Iterator goes over the names.
func (f allValues) Iterator() traits.Iterator { return f.whole().Iterator() }

// Equal compares the fields that are there.
func (f allValues) Equal(other ref.Val) ref.Val { return f.whole().Equal(plain(other)) }

// ConvertToNative converts to a type of Go's.
func (f allValues) ConvertToNative(t reflect.Type) (any, error) { return f.whole().ConvertToNative(t) }

// ConvertToType converts to a type of CEL's.
func (f allValues) ConvertToType(t ref.Type) ref.Val { return f.whole().ConvertToType(t) }

// Type is that of maps.
func (allValues) Type() ref.Type { return types.MapType }

// Value returns a map of Go's.
func (f allValues) Value() any { return f.whole().Value() }

func contains(h wire.Header, key ref.Val) ref.Val {
	name, ok := key.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(key)
	}
	return types.Bool(h.Has(string(name)))
}

// plain is a value with nothing of ours in it.
func plain(v ref.Val) ref.Val {
	switch f := v.(type) {
	case firstValues:
		return f.whole()
	case allValues:
		return f.whole()
	}
	return v
}

// headerNames refuses names of fields in an expression that no field ever has, and the question whether one is there in a form that is always
// answered with yes: one that is not there reads as "".
type headerNames struct{}

// Name names the validator.
func (headerNames) Name() string { return "dragoman.headers" }

// Validate reports names with a capital, say.
func (headerNames) Validate(_ *cel.Env, _ cel.ValidatorConfig, tree *ast.AST, issues *cel.Issues) {
	for _, test := range ast.MatchDescendants(ast.NavigateAST(tree), ast.KindMatcher(ast.SelectKind)) {
		if s := test.AsSelect(); s.IsTestOnly() && isHeader(s.Operand()) {
			issues.ReportErrorAtID(test.ID(), "has is always true of %s; write %q in %s", s.Operand().AsIdent(), s.FieldName(), s.Operand().AsIdent())
		}
	}
	for _, call := range ast.MatchDescendants(ast.NavigateAST(tree), ast.KindMatcher(ast.CallKind)) {
		args := call.AsCall().Args()
		if len(args) != 2 {
			continue
		}
		of, key := args[0], args[1]
		switch call.AsCall().FunctionName() {
		case operators.Index:
		case operators.In:
			of, key = key, of
		default:
			continue
		}
		if !isHeader(of) || key.Kind() != ast.LiteralKind {
			continue
		}
		if name, ok := key.AsLiteral().Value().(string); ok && !wire.ValidName(name) {
			issues.ReportErrorAtID(key.ID(), "%q must be the name of a header field, in lower case", name)
		}
	}
}

func isHeader(e ast.Expr) bool {
	return e.Kind() == ast.IdentKind && (e.AsIdent() == "headers" || e.AsIdent() == "header_values")
}
