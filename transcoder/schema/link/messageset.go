// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package link

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Field numbers of descriptor.proto that positions are found by.
const (
	fileMessages, fileExtensions       = 4, 7
	messageMessages, messageExtensions = 3, 6
	messageOptions, messageSetOption   = 7, 1
)

// maxFieldNumber is the highest number of a field outside of MessageSets.
const maxFieldNumber = 1<<29 - 1

// messageSet is a message of the proto1 wire format. protobuf-go links none unless it is built for that, and with one
// such message a whole file and all that imports it would be lost. So the message is linked as one without content, and
// its extensions, which would be written to the wire wrongly, are left out. Calls in gRPC pass it unchanged.
type messageSet struct {
	name string // with the leading dot that references have
}

// dropMessageSets takes MessageSets out of the protos, and says so.
func (l *linker) dropMessageSets() {
	names := slices.Sorted(maps.Keys(l.Protos))
	for _, name := range names {
		l.findMessageSets(l.Protos[name])
	}
	sets := make(map[string]bool)
	for _, inFile := range l.out.messageSets {
		for _, set := range inFile {
			sets[set.name] = true
		}
	}
	if len(sets) == 0 {
		return
	}
	for _, name := range names {
		l.dropExtensions(l.Protos[name], sets)
	}
}

func (l *linker) findMessageSets(proto *descriptorpb.FileDescriptorProto) {
	var walk func(messages []*descriptorpb.DescriptorProto, scope string, path []int32)
	walk = func(messages []*descriptorpb.DescriptorProto, scope string, path []int32) {
		for i, message := range messages {
			name := joinName(scope, message.GetName())
			own := append(slices.Clone(path), int32(i))
			if message.GetOptions().GetMessageSetWireFormat() {
				message.Options.MessageSetWireFormat = nil
				for _, r := range message.GetExtensionRange() {
					r.End = new(min(r.GetEnd(), maxFieldNumber+1))
				}
				l.out.messageSets[proto.GetName()] = append(l.out.messageSets[proto.GetName()], messageSet{"." + name})
				l.unserve(proto, fmt.Sprintf("message %s is a MessageSet, a wire format of proto1: in JSON it has no content", name),
					"calls in gRPC pass it unchanged", append(own, messageOptions, messageSetOption))
			}
			walk(message.GetNestedType(), name, append(own, messageMessages))
		}
	}
	walk(proto.GetMessageType(), proto.GetPackage(), []int32{fileMessages})
}

// dropExtensions leaves out what extends MessageSets.
func (l *linker) dropExtensions(proto *descriptorpb.FileDescriptorProto, sets map[string]bool) {
	filter := func(extensions []*descriptorpb.FieldDescriptorProto, scope string, path []int32) []*descriptorpb.FieldDescriptorProto {
		// From the last, so that the positions of those before stay what they are.
		for i, extension := range slices.Backward(extensions) {
			if !sets[extension.GetExtendee()] {
				continue
			}
			l.unserve(proto, fmt.Sprintf("extension %s of the MessageSet %s is left out",
				joinName(scope, extension.GetName()), strings.TrimPrefix(extension.GetExtendee(), ".")), "", append(slices.Clone(path), int32(i)))
			extensions = slices.Delete(extensions, i, i+1)
			removeLocations(proto.GetSourceCodeInfo(), path, int32(i))
		}
		return extensions
	}
	proto.Extension = filter(proto.GetExtension(), proto.GetPackage(), []int32{fileExtensions})
	var walk func(messages []*descriptorpb.DescriptorProto, scope string, path []int32)
	walk = func(messages []*descriptorpb.DescriptorProto, scope string, path []int32) {
		for i, message := range messages {
			name, own := joinName(scope, message.GetName()), append(slices.Clone(path), int32(i))
			message.Extension = filter(message.GetExtension(), name, append(slices.Clone(own), messageExtensions))
			walk(message.GetNestedType(), name, append(own, messageMessages))
		}
	}
	walk(proto.GetMessageType(), proto.GetPackage(), []int32{fileMessages})
}

// removeLocations takes the positions of an element out and counts those behind it down.
func removeLocations(info *descriptorpb.SourceCodeInfo, path []int32, index int32) {
	if info == nil {
		return
	}
	n := len(path)
	info.Location = slices.DeleteFunc(info.Location, func(at *descriptorpb.SourceCodeInfo_Location) bool {
		if len(at.Path) <= n || !slices.Equal(at.Path[:n], path) {
			return false
		}
		if at.Path[n] > index {
			at.Path[n]--
			return false
		}
		return at.Path[n] == index
	})
}

// unserve says that something in a file is left out.
func (l *linker) unserve(proto *descriptorpb.FileDescriptorProto, message, note string, path []int32) {
	d := schema.Diagnostic{
		Level:   schema.Warning,
		Code:    schema.CodeUnserved,
		Message: message,
		Spans:   []schema.Span{l.span(proto, "", path...)},
	}
	if note != "" {
		d.Notes = []string{note}
	}
	l.out.dropped[proto.GetName()] = append(l.out.dropped[proto.GetName()], d)
}

// span returns the place of an element of a file that is not linked yet. The longest known beginning of the path
// counts.
func (l *linker) span(proto *descriptorpb.FileDescriptorProto, label string, path ...int32) schema.Span {
	span := schema.Span{Position: l.position(proto.GetName()), Label: label, Primary: true}
	for n := len(path); n > 0; n-- {
		for _, at := range proto.GetSourceCodeInfo().GetLocation() {
			if len(at.Span) >= 3 && slices.Equal(at.Path, path[:n]) {
				return l.spanAt(proto.GetName(), span, at.Span)
			}
		}
	}
	return span
}

func (l *linker) spanAt(name string, span schema.Span, at []int32) schema.Span {
	span.Line, span.Column = int(at[0])+1, int(at[1])+1
	if len(at) == 3 {
		span.EndColumn = int(at[2]) + 1
	}
	lines := strings.SplitN(l.Text(name), "\n", span.Line+1)
	if len(lines) >= span.Line && span.Line > 0 {
		span.Text = lines[span.Line-1]
	}
	return span
}
