// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	_ "embed"
	"strings"
	"sync"
)

// pages has a section for each code: "## CODE title", and what it means.
//
//go:embed pages.md
var pages string

// Page says what the code of an error means, and what to do.
type Page struct {
	// Code is the code, such as DG1103.
	Code string
	// Title is what it means, in a few words.
	Title string
	// Text is the page, CommonMark.
	Text string
}

// Pages returns the pages of all codes, by code.
func Pages() []Page { return parsedPages() }

var parsedPages = sync.OnceValue(func() []Page { //nolint:gochecknoglobals // made once
	var all []Page
	for section := range strings.SplitSeq("\n"+pages, "\n## ") {
		heading, text, _ := strings.Cut(section, "\n")
		code, title, ok := strings.Cut(heading, " ")
		if ok && strings.HasPrefix(code, "DG") {
			all = append(all, Page{Code: code, Title: title, Text: strings.TrimSpace(text)})
		}
	}
	return all
})

// PageOf returns the page of a code, in letters of any case.
func PageOf(code string) (Page, bool) {
	for _, p := range Pages() {
		if strings.EqualFold(p.Code, code) {
			return p, true
		}
	}
	return Page{}, false
}
