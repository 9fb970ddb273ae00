// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/bufbuild/protocompile/experimental/report"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Levels of the compiler's report.
const (
	levelICE   = 1 // a bug of the compiler
	levelError = 2
)

// convert turns the errors of a report into diagnostics. The report is read in its message form, because its type
// gives only the primary span; offsets are turned into lines with our own texts, since the message form has only
// pieces of them.
func convert(found *report.Report, texts map[string]string) []schema.Diagnostic {
	if len(found.Diagnostics) == 0 {
		return nil
	}
	message := found.ToProto().ProtoReflect()
	files := get(message, "files").List()
	var diagnostics []schema.Diagnostic
	for each := range list(get(message, "diagnostics").List()) {
		if level := get(each, "level").Enum(); level != levelICE && level != levelError {
			continue
		}
		d := schema.Diagnostic{
			Message: get(each, "message").String(),
			Help:    texted(get(each, "help").List()),
			Notes:   texted(get(each, "notes").List()),
		}
		for annotation := range list(get(each, "annotations").List()) {
			path := get(files.Get(int(get(annotation, "file").Uint())).Message(), "path").String()
			if edits := get(annotation, "edits").List(); edits.Len() > 0 {
				d.Help = append(d.Help, suggestion(annotation, edits, texts[path]))
				continue
			}
			d.Spans = append(d.Spans, span(annotation, path, texts[path]))
		}
		if file := get(each, "in_file").String(); len(d.Spans) == 0 && file != "" {
			d.Spans = []schema.Span{{Position: schema.Position{File: file}, Primary: true}}
		}
		diagnostics = append(diagnostics, d)
	}
	return diagnostics
}

func get(message protoreflect.Message, field protoreflect.Name) protoreflect.Value {
	return message.Get(message.Descriptor().Fields().ByName(field))
}

func list(values protoreflect.List) func(yield func(protoreflect.Message) bool) {
	return func(yield func(protoreflect.Message) bool) {
		for i := range values.Len() {
			if !yield(values.Get(i).Message()) {
				return
			}
		}
	}
}

func texted(values protoreflect.List) []string {
	var texts []string
	for i := range values.Len() {
		texts = append(texts, values.Get(i).String())
	}
	return texts
}

// span turns an annotation into a place. Of a place that goes over several lines, the first is marked.
func span(annotation protoreflect.Message, path, text string) schema.Span {
	start, end := bounds(annotation, text)
	begin := strings.LastIndexByte(text[:start], '\n') + 1
	line, _, _ := strings.Cut(text[begin:], "\n")
	line = strings.TrimSuffix(line, "\r")
	column := 1 + utf8.RuneCountInString(text[begin:start])
	endColumn := 1 + utf8.RuneCountInString(line[:min(end-begin, len(line))])
	return schema.Span{
		Position: schema.Position{
			File: path, Line: 1 + strings.Count(text[:start], "\n"), Column: column,
		},
		EndColumn: max(endColumn, column+1),
		Label:     get(annotation, "message").String(),
		Text:      line,
		Primary:   get(annotation, "primary").Bool(),
	}
}

func bounds(annotation protoreflect.Message, text string) (start, end int) {
	start = min(int(get(annotation, "start").Uint()), len(text))
	return start, max(start, min(int(get(annotation, "end").Uint()), len(text)))
}

// maxSuggestion is the longest text that a suggestion shows.
const maxSuggestion = 80

// suggestion says in one line what an edit proposes.
func suggestion(annotation protoreflect.Message, edits protoreflect.List, text string) string {
	start, end := bounds(annotation, text)
	old := text[start:end]
	var edited strings.Builder
	var at int
	for edit := range list(edits) {
		from, to := min(int(get(edit, "start").Uint()), len(old)), min(int(get(edit, "end").Uint()), len(old))
		if from < at || to < from {
			return get(annotation, "message").String()
		}
		edited.WriteString(old[at:from] + get(edit, "replace").String())
		at = to
	}
	edited.WriteString(old[at:])
	sentence, proposed := get(annotation, "message").String(), strings.TrimSpace(edited.String())
	if strings.Contains(sentence, "`"+proposed+"`") {
		return sentence
	}
	if proposed == "" || len(proposed) > maxSuggestion || strings.Contains(proposed, "\n") {
		return sentence
	}
	return fmt.Sprintf("%s: `%s`", sentence, proposed)
}
