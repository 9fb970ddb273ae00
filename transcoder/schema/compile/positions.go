// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"

	"google.golang.org/protobuf/types/descriptorpb"
)

// Field numbers of descriptor.proto.
const (
	fileMessages, fileEnums, fileExtensions      = 4, 5, 7
	messageFields, messageMessages, messageEnums = 2, 3, 4
	messageExtensions                            = 6
	enumValues, enumValueOptions, fieldOptions   = 2, 3, 8
)

// Parts that a path leads through.
const (
	partOfFile = iota
	partOfMessage
	partOfEnum
	partOfField
	partOfValue
)

// prune takes out the positions of the single words of fields and enum values: their names, numbers and types. They
// are more than half of all positions, each as large as its field, and nobody asks for them. What has comments stays,
// and so does everything in options.
func prune(info *descriptorpb.SourceCodeInfo) {
	if info == nil {
		return
	}
	info.Location = slices.DeleteFunc(info.Location, func(at *descriptorpb.SourceCodeInfo_Location) bool {
		return at.LeadingComments == nil && at.TrailingComments == nil && len(at.LeadingDetachedComments) == 0 && isWord(at.Path)
	})
	info.Location = slices.Clip(info.Location)
}

// isWord reports whether a path leads to a single word of a field or an enum value.
func isWord(path []int32) bool {
	if len(path) < 2 {
		return false
	}
	part := partOfFile
	switch path[0] {
	case fileMessages:
		part = partOfMessage
	case fileEnums:
		part = partOfEnum
	case fileExtensions:
		part = partOfField
	}
	for path = path[2:]; len(path) > 0; path = path[2:] {
		switch {
		case part == partOfField:
			return path[0] != fieldOptions
		case part == partOfValue:
			return path[0] != enumValueOptions
		case part == partOfMessage && (path[0] == messageFields || path[0] == messageExtensions):
			part = partOfField
		case part == partOfMessage && path[0] == messageEnums:
			part = partOfEnum
		case part == partOfEnum && path[0] == enumValues:
			part = partOfValue
		case part == partOfMessage && path[0] == messageMessages:
		default:
			return false
		}
		if len(path) < 2 {
			return false
		}
	}
	return false
}
