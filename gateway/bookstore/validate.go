// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bookstore

import (
	"maps"
	"regexp"
	"slices"
	"unicode/utf8"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

const (
	maxTitle       = 200
	maxShelfTitle  = 100
	maxAuthors     = 20
	maxAuthor      = 100
	maxLabels      = 20
	maxLabelKey    = 40
	maxLabelValue  = 200
	maxDescription = 2000
	maxPages       = 20000
	maxRating      = 5
)

var (
	isbnPattern      = regexp.MustCompile(`^([0-9]{9}[0-9X]|[0-9]{13})$`)
	currencyPattern  = regexp.MustCompile(`^[A-Z]{3}$`)
	mediaTypePattern = regexp.MustCompile(`^[a-z]+/[a-z0-9.+-]+$`)
)

func (p *problems) shelfName(path, name string) {
	if !validShelfName(name) {
		p.add(path, "is %q; it must be shelves/{shelf} with 1 to 40 lower-case letters, digits and hyphens, a letter first", name)
	}
}

func (p *problems) bookName(path, name string) {
	if !validBookName(name) {
		p.add(path, "is %q; it must be shelves/{shelf}/books/{book} with 1 to 40 lower-case letters, digits and hyphens each, a letter first", name)
	}
}

func (p *problems) id(path, id string) {
	if id != "" && !idPattern.MatchString(id) {
		p.add(path, "is %q; it must be 1 to 40 lower-case letters, digits and hyphens, a letter first", id)
	}
}

// length checks that text has between low and high characters.
func (p *problems) length(path, text string, low, high int) {
	if n := utf8.RuneCountInString(text); n < low || n > high {
		p.add(path, "has %d characters; it must have %d to %d", n, low, high)
	}
}

// book checks the fields of a book that clients set, except its name.
func (p *problems) book(path string, b *bookstorev1.Book) {
	p.length(path+".title", b.GetTitle(), 1, maxTitle)
	if n := len(b.GetAuthors()); n > maxAuthors {
		p.add(path+".authors", "has %d names; it can have up to %d", n, maxAuthors)
	}
	for _, author := range b.GetAuthors() {
		p.length(path+".authors", author, 1, maxAuthor)
	}
	p.genre(path+".genre", b.GetGenre())
	if b.Isbn != nil && !isbnPattern.MatchString(b.GetIsbn()) {
		p.add(path+".isbn", "is %q; it must be 10 or 13 digits without hyphens", b.GetIsbn())
	}
	if price := b.GetPrice(); price != nil {
		if !currencyPattern.MatchString(price.GetCurrencyCode()) {
			p.add(path+".price.currency_code", "is %q; it must be three capital letters", price.GetCurrencyCode())
		}
		if price.GetMicros() < 0 {
			p.add(path+".price.micros", "is %d; it must not be negative", price.GetMicros())
		}
	}
	if b.GetCopiesSold() < 0 {
		p.add(path+".copies_sold", "is %d; it must not be negative", b.GetCopiesSold())
	}
	// Written so that NaN is refused too.
	if r := b.GetRating(); !(r >= 0 && r <= maxRating) {
		p.add(path+".rating", "is %v; it must be 0 to %d", r, maxRating)
	}
	if n := len(b.GetLabels()); n > maxLabels {
		p.add(path+".labels", "has %d labels; it can have up to %d", n, maxLabels)
	}
	for _, key := range slices.Sorted(maps.Keys(b.GetLabels())) {
		p.length(path+".labels", key, 1, maxLabelKey)
		p.length(path+".labels["+key+"]", b.GetLabels()[key], 0, maxLabelValue)
	}
	p.length(path+".description", b.GetDescription(), 0, maxDescription)
	p.form(path, b)
}

func (p *problems) form(path string, b *bookstorev1.Book) {
	switch form := b.GetForm().(type) {
	case *bookstorev1.Book_Print_:
		if n := form.Print.GetPages(); n < 1 || n > maxPages {
			p.add(path+".print.pages", "is %d; it must be 1 to %d", n, maxPages)
		}
	case *bookstorev1.Book_Ebook_:
		if t := form.Ebook.GetMediaType(); !mediaTypePattern.MatchString(t) {
			p.add(path+".ebook.media_type", "is %q; it must be a media type such as application/epub+zip", t)
		}
		if n := form.Ebook.GetSizeBytes(); n < 0 {
			p.add(path+".ebook.size_bytes", "is %d; it must not be negative", n)
		}
	case *bookstorev1.Book_Audiobook_:
		length := form.Audiobook.GetLength()
		if err := length.CheckValid(); err != nil || length.AsDuration() <= 0 {
			p.add(path+".audiobook.length", "is %v; it must be longer than nothing", length.AsDuration())
		}
	}
}

func (p *problems) genre(path string, genre bookstorev1.Genre) {
	if _, known := bookstorev1.Genre_name[int32(genre)]; !known {
		p.add(path, "is %d; there is no such genre", genre)
	}
}
