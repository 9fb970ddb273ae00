// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/overloads"
)

// literalPatterns refuses regular expressions that are made while a call is served: they would be compiled for each, and a client could
// choose one that takes long (threat A16).
type literalPatterns struct{}

// Name names the validator.
func (literalPatterns) Name() string { return "dragoman.patterns" }

// Validate reports patterns that do not stand in the expression.
func (literalPatterns) Validate(_ *cel.Env, _ cel.ValidatorConfig, tree *ast.AST, issues *cel.Issues) {
	for _, call := range ast.MatchDescendants(ast.NavigateAST(tree), ast.FunctionMatcher(overloads.Matches)) {
		args := call.AsCall().Args()
		if pattern := args[len(args)-1]; pattern.Kind() != ast.LiteralKind {
			issues.ReportErrorAtID(pattern.ID(), "the pattern of matches must be a text that stands here")
		}
	}
}
