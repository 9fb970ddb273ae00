// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bookstore

import (
	"slices"
	"strings"
	"unicode"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

// maxQuery is how many characters a query or a line of talk has at most.
const maxQuery = 1000

// wordsOf cuts text into words in lower case: runs of letters and digits.
func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// hasWords tells whether each word is somewhere in the title, the authors or the description of a book.
func hasWords(book *bookstorev1.Book, words []string) bool {
	if len(words) == 0 {
		return true
	}
	has := wordsOf(book.GetTitle() + "\n" + strings.Join(book.GetAuthors(), "\n") + "\n" + book.GetDescription())
	for _, word := range words {
		if !slices.Contains(has, word) {
			return false
		}
	}
	return true
}
