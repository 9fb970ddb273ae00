// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protofile

import "strings"

// head is what a file says about other files, read without parsing it: the compiler needs to know where imports are
// before it parses anything, and a file that is not valid has imports too.
type head struct {
	pkg     string
	imports []importStatement
}

// importStatement is one import of a file.
type importStatement struct {
	name       string
	start, end int // offsets of the statement, from "import" to the last quote
}

// readHead finds the package and the imports of a file. What it does not understand it passes over.
func readHead(text string) head {
	var h head
	var depth int
	s := scanner{text: text}
	statement := true // at the beginning of a statement
	for {
		start, token := s.next()
		if token == "" {
			return h
		}
		first := statement && depth == 0
		statement = token == ";" || token == "}" || token == "{"
		switch {
		case token == "{":
			depth++
		case token == "}":
			depth = max(0, depth-1)
		case first && token == "package":
			h.pkg = s.words()
		case first && token == "import":
			if name, end := s.importName(); name != "" {
				h.imports = append(h.imports, importStatement{name: name, start: start, end: end})
			}
		}
	}
}

// scanner cuts text into words, strings with their quotes, and single characters.
type scanner struct {
	text string
	at   int
}

// next returns the next token and its offset; "" is the end.
func (s *scanner) next() (start int, token string) {
	s.skip()
	start = s.at
	if s.at == len(s.text) {
		return start, ""
	}
	switch c := s.text[s.at]; {
	case c == '"' || c == '\'':
		s.skipString(c)
	case isWord(c):
		for s.at < len(s.text) && isWord(s.text[s.at]) {
			s.at++
		}
	default:
		s.at++
	}
	return start, s.text[start:s.at]
}

func isWord(c byte) bool {
	return c == '_' || c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
}

// skip goes over space and comments.
func (s *scanner) skip() {
	for s.at < len(s.text) {
		rest := s.text[s.at:]
		switch {
		case strings.HasPrefix(rest, "//"):
			s.to(strings.IndexByte(rest, '\n'), 1)
		case strings.HasPrefix(rest, "/*"):
			s.to(strings.Index(rest[2:], "*/"), 4)
		case strings.HasPrefix(rest, "\ufeff"):
			s.at += len("\ufeff")
		case strings.IndexByte(" \t\r\n\v\f", rest[0]) >= 0:
			s.at++
		default:
			return
		}
	}
}

// to moves to a place that was found at index, or to the end when it was not found.
func (s *scanner) to(index, length int) {
	if index < 0 {
		s.at = len(s.text)
		return
	}
	s.at += index + length
}

// skipString goes over a string. One that is not closed ends with its line, so that the rest is still read.
func (s *scanner) skipString(quote byte) {
	for s.at++; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case '\\':
			s.at++
		case quote:
			s.at++
			return
		case '\n':
			return
		}
	}
	s.at = min(s.at, len(s.text))
}

// words joins the tokens up to the end of a statement.
func (s *scanner) words() string {
	var b strings.Builder
	for {
		at := s.at
		_, token := s.next()
		if token == "" || token == "{" || token == "}" {
			s.at = at
			return b.String()
		}
		if token == ";" {
			s.at = at
			return b.String()
		}
		b.WriteString(token)
	}
}

// importName reads what follows "import": a word such as public or option, then a string, maybe in several pieces.
func (s *scanner) importName() (name string, end int) {
	at := s.at
	_, token := s.next()
	if token != "" && isWord(token[0]) {
		at = s.at
		_, token = s.next()
	}
	for len(token) >= 2 && (token[0] == '"' || token[0] == '\'') && token[len(token)-1] == token[0] {
		name += token[1 : len(token)-1]
		end = s.at
		at = s.at
		_, token = s.next()
	}
	s.at = at // what follows is not ours
	return name, end
}
