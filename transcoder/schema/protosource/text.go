// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package protosource provides the text of a descriptor as a .proto file has it, whatever source the descriptor is from.
package protosource

import (
	"fmt"
	"strings"

	"github.com/jhump/protoreflect/desc"
	"github.com/jhump/protoreflect/desc/protoprint"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Text returns a service, a method, a message, an enum or a file as it is written in .proto files, with its comments where the source kept them.
func Text(d protoreflect.Descriptor) (string, error) {
	wrapped, err := desc.WrapDescriptor(d)
	if err != nil {
		return "", fmt.Errorf("%s: %w", d.FullName(), err)
	}
	printer := protoprint.Printer{Compact: true, Indent: "  "}
	text, err := printer.PrintProtoToString(wrapped)
	if err != nil {
		return "", fmt.Errorf("%s: %w", d.FullName(), err)
	}
	return strings.TrimRight(text, "\n") + "\n", nil
}
