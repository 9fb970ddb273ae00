// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"regexp"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// internalComment is a comment that is not for readers of the API (AIP-192).
//
// https://google.aip.dev/192#internal-comments
var internalComment = regexp.MustCompile(`(?s)\(--.*?--\)`)

// toTools are how lines begin that are for linters.
var toTools = []string{"buf:lint:ignore", "protolint:", "api-linter:"}

// comment is what stands before a descriptor, or else behind it in its line.
func comment(d protoreflect.Descriptor) string {
	file := d.ParentFile()
	if file == nil {
		return ""
	}
	at := file.SourceLocations().ByDescriptor(d)
	text := clean(at.LeadingComments)
	if text == "" {
		text = clean(at.TrailingComments)
	}
	return text
}

func clean(text string) string {
	if text == "" {
		return ""
	}
	var lines []string
	for line := range strings.Lines(internalComment.ReplaceAllString(text, "")) {
		line = strings.TrimRight(line, " \t\r\n")
		line = strings.TrimPrefix(line, " ")
		if !forTools(line) {
			lines = append(lines, line)
		}
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n ")
}

func forTools(line string) bool {
	for _, begin := range toTools {
		if strings.HasPrefix(strings.TrimSpace(line), begin) {
			return true
		}
	}
	return false
}

// maxSummary is the length in bytes of the longest first sentence that stands as a summary.
const maxSummary = 120

// summary is the first sentence of a comment, in one line, without the full stop; of a long one as many words as fit.
func summary(text string) string {
	paragraph, _, _ := strings.Cut(text, "\n\n")
	line := strings.Join(strings.Fields(paragraph), " ")
	for i := 0; i+1 < len(line); i++ {
		if line[i] == '.' && line[i+1] == ' ' && (i+2 == len(line) || line[i+2] < 'a' || line[i+2] > 'z') {
			line = line[:i]
			break
		}
	}
	if line = strings.TrimSuffix(line, "."); len(line) <= maxSummary {
		return line
	}
	if i := strings.LastIndexByte(line[:maxSummary], ' '); i > 0 {
		return strings.TrimRight(line[:i], ",;:") + " …"
	}
	return ""
}

// sentences puts paragraphs together, without empty ones.
func sentences(parts ...string) string {
	var all []string
	for _, p := range parts {
		if p != "" {
			all = append(all, p)
		}
	}
	return strings.Join(all, "\n\n")
}
