// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"

	"github.com/bufbuild/protocompile/experimental/ir"
	"github.com/bufbuild/protocompile/experimental/seq"
	"github.com/bufbuild/protocompile/experimental/source"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Field numbers of descriptor.proto.
const fileServices, serviceMethods, methodOptions = 6, 2, 4

// locateOptions replaces the positions inside of the option values of methods, where HTTP rules stand. The compiler has
// none for what lies in repeated messages, such as additional bindings, and counts the elements of lists wrongly.
func locateOptions(file *ir.File, info *descriptorpb.SourceCodeInfo) {
	const inside = 6 // service, index, method, index, options, the option
	info.Location = slices.DeleteFunc(info.Location, func(at *descriptorpb.SourceCodeInfo_Location) bool {
		return len(at.Path) > inside && at.Path[0] == fileServices && at.Path[2] == serviceMethods && at.Path[4] == methodOptions
	})
	for i, service := range seq.All(file.Services()) {
		for j, method := range seq.All(service.Methods()) {
			path := []int32{fileServices, int32(i), serviceMethods, int32(j), methodOptions}
			for option := range method.Options().Fields() {
				locateElements(info, option, append(slices.Clone(path), option.Field().Number()))
			}
		}
	}
}

// locateElements adds the positions of what lies in the messages of a value.
func locateElements(info *descriptorpb.SourceCodeInfo, value ir.Value, path []int32) {
	for k, element := range seq.All(value.Elements()) {
		message := element.AsMessage()
		if message.IsZero() || !isEach(value) {
			continue
		}
		own := path
		if value.Field().IsRepeated() {
			own = append(slices.Clone(path), int32(k))
		}
		for field := range message.Fields() {
			at := append(slices.Clone(own), field.Field().Number())
			locateValue(info, field, at)
			locateElements(info, field, at)
		}
	}
}

// isEach reports whether each element of a value was written with a key of its own. Of those in a list, between
// brackets, the compiler does not say which is which.
func isEach(value ir.Value) bool { return value.KeyASTs().Len() == value.Elements().Len() }

// locateValue adds the positions of the elements of a value, each from its key on. A list has one position.
func locateValue(info *descriptorpb.SourceCodeInfo, value ir.Value, path []int32) {
	for k, key := range seq.All(value.KeyASTs()) {
		span, at := key.Span(), path
		if value.Field().IsRepeated() && isEach(value) {
			at = append(slices.Clone(path), int32(k))
		}
		if k < value.ValueASTs().Len() {
			if ast := value.ValueASTs().At(k).Span(); !ast.IsZero() && !span.IsZero() && ast.File == span.File {
				span = source.Join(span, ast)
			}
		}
		if span.IsZero() {
			continue
		}
		start, end := span.StartLoc(), span.EndLoc()
		location := &descriptorpb.SourceCodeInfo_Location{Path: at, Span: []int32{int32(start.Line) - 1, int32(start.Column) - 1}}
		if start.Line != end.Line {
			location.Span = append(location.Span, int32(end.Line)-1)
		}
		location.Span = append(location.Span, int32(end.Column)-1)
		info.Location = append(info.Location, location)
	}
}
