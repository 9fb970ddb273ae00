// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"
	"cel.dev/cel-go/parser"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// requestName is the variable with a message of the request.
const requestName = "request"

// headEnvironment and requestEnvironment are what expressions are compiled in, made once: that takes a millisecond, and they never change.
// In the second one the fields of a request are of any type, since the method is not known.
var (
	headEnvironment    = sync.OnceValues(func() (*cel.Env, error) { return newEnvironment() })                                       //nolint:gochecknoglobals // see above
	requestEnvironment = sync.OnceValues(func() (*cel.Env, error) { return newEnvironment(cel.Variable(requestName, cel.DynType)) }) //nolint:gochecknoglobals // see above
)

func environmentOf(scope Scope) (*cel.Env, error) {
	if scope == Request {
		return requestEnvironment()
	}
	return headEnvironment()
}

func newEnvironment(more ...cel.EnvOption) (*cel.Env, error) {
	options := append(more,
		cel.ParserRecursionLimit(maxNesting), cel.Macros(parser.NewReceiverMacro("header", 1, requestHeader)),
		cel.ASTValidators(cel.ValidateRegexLiterals(), literalPatterns{}, cel.ValidateComprehensionNestingLimit(maxLoops), headerNames{}),
		ext.Strings(ext.StringsVersion(4)), ext.Network(),
	)
	for _, v := range Variables() {
		options = append(options, cel.Variable(v.Name, v.cel))
	}
	return cel.NewEnv(options...)
}

// requestHeader makes request.header("x") another spelling of headers["x"].
func requestHeader(eh parser.ExprHelper, target ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
	if target.Kind() != ast.IdentKind || target.AsIdent() != requestName {
		return nil, nil // not ours
	}
	return eh.NewCall(operators.Index, eh.NewIdent("headers"), args[0]), nil
}

// environmentFor is the environment in which request is a message.
func environmentFor(d protoreflect.MessageDescriptor) (*cel.Env, error) {
	registry, err := types.NewProtoRegistry()
	if err != nil {
		return nil, err
	}
	for _, file := range closure(d.ParentFile()) {
		if err := registry.RegisterDescriptor(file); err != nil {
			return nil, err
		}
	}
	return newEnvironment(cel.CustomTypeAdapter(registry), cel.CustomTypeProvider(registry), cel.Variable(requestName, cel.ObjectType(string(d.FullName()))))
}

// closure is a file with all that it imports, imports first.
func closure(file protoreflect.FileDescriptor) []protoreflect.FileDescriptor {
	var all []protoreflect.FileDescriptor
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] || f.IsPlaceholder() {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
		all = append(all, f)
	}
	add(file)
	return all
}

// standardFiles is where the files of protobuf itself are, which CEL knows.
const standardFiles = "google/protobuf/"

// apartPrefix stands before the names of files that would be taken for others.
const apartPrefix = "schema:"

// apart returns a message whose files CEL cannot take for those that happen to have the same names in this program, which it would
// prefer: it is the same message where there are none.
func apart(d protoreflect.MessageDescriptor) (protoreflect.MessageDescriptor, error) {
	files := closure(d.ParentFile())
	collides := false
	for _, f := range files {
		if linked, err := protoregistry.GlobalFiles.FindFileByPath(f.Path()); err == nil && linked != f && !strings.HasPrefix(f.Path(), standardFiles) {
			collides = true
		}
	}
	if !collides {
		return d, nil
	}
	own := &protoregistry.Files{}
	rename := func(name string) string {
		if strings.HasPrefix(name, standardFiles) {
			return name
		}
		return apartPrefix + name
	}
	for _, f := range files {
		p := protodesc.ToFileDescriptorProto(f)
		p.Name = new(rename(p.GetName()))
		for i := range p.GetDependency() {
			p.Dependency[i] = rename(p.GetDependency()[i])
		}
		p.Options = &descriptorpb.FileOptions{} // that of editions is in features, which are kept
		if f.Options() != nil {
			if o, ok := f.Options().(*descriptorpb.FileOptions); ok {
				p.Options.Features = o.GetFeatures()
			}
		}
		made, err := protodesc.FileOptions{AllowUnresolvable: true}.New(p, own)
		if err != nil {
			return nil, err
		}
		if err := own.RegisterFile(made); err != nil {
			return nil, err
		}
	}
	found, err := own.FindDescriptorByName(d.FullName())
	if err != nil {
		return nil, err
	}
	return found.(protoreflect.MessageDescriptor), nil //nolint:errcheck // a message stays one
}
