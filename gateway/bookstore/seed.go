// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bookstore

import (
	"bytes"
	"crypto/sha256"
	"image"
	"image/color"
	"image/png"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

// seedTime returns when the books of a seeded store were put on their shelves.
func seedTime() time.Time {
	return time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC)
}

type seedShelf struct {
	id, title string
	books     []*bookstorev1.Book
}

// NewSeededStore makes a store with a few shelves and books. It is the same each time, so that examples can name them.
func NewSeededStore() *Store {
	s := NewStore()
	for _, shelf := range seedShelves() {
		name := shelfCollection + shelf.id
		s.shelves[name] = &bookstorev1.Shelf{Name: name, Title: shelf.title, CreateTime: timestamppb.New(seedTime())}
		for _, book := range shelf.books {
			s.seedBook(name+bookCollection+book.GetName(), book)
		}
	}
	return s
}

// seedBook adds a book without telling anybody: a new store has no past.
func (s *Store) seedBook(name string, book *bookstorev1.Book) {
	s.revision++
	book.Name, book.Revision = name, s.revision
	book.CreateTime, book.UpdateTime = timestamppb.New(seedTime()), timestamppb.New(seedTime())
	if data, err := paint(name); err == nil {
		s.covers[name] = cover{contentType: "image/png", data: data, sum: sha256.Sum256(data), updateTime: seedTime()}
		s.coverBytes += len(data)
		book.HasCover = true
	}
	book.Etag = etagOf(book)
	s.books[name] = book
	s.events.forgotten = s.revision
}

// paint draws a cover: stripes in colours that come from the name.
func paint(name string) ([]byte, error) {
	const width, height, stripe = 120, 180, 12
	sum := sha256.Sum256([]byte(name))
	palette := color.Palette{
		color.RGBA{R: sum[0], G: sum[1], B: sum[2], A: 255},
		color.RGBA{R: sum[3], G: sum[4], B: sum[5], A: 255},
		color.RGBA{R: 250, G: 247, B: 240, A: 255},
	}
	picture := image.NewPaletted(image.Rect(0, 0, width, height), palette)
	for y := range height {
		row := y / stripe
		index := sum[row] % 2
		if row >= 3 && row <= 6 {
			// Room for a title.
			index = 2
		}
		for x := range width {
			picture.SetColorIndex(x, y, index)
		}
	}
	var data bytes.Buffer
	if err := png.Encode(&data, picture); err != nil {
		return nil, err
	}
	return data.Bytes(), nil
}

func seedShelves() []seedShelf {
	return []seedShelf{
		{id: "classics", title: "Classics", books: []*bookstorev1.Book{
			{
				Name: "odyssey", Title: "The Odyssey", Authors: []string{"Homer"}, Genre: bookstorev1.Genre_GENRE_POETRY,
				Year: proto.Int32(-700), Price: euros(11, 90), CopiesSold: 45_000_000, Rating: proto.Float64(4.4),
				Labels: map[string]string{"language": "grc", "award": "none needed"}, Description: "A sailor takes ten years to come home from a war.",
				Form: printed(416, false),
			},
			{
				Name: "pride-and-prejudice", Title: "Pride and Prejudice", Authors: []string{"Jane Austen"}, Genre: bookstorev1.Genre_GENRE_NOVEL,
				Year: proto.Int32(1813), Price: euros(8, 50), CopiesSold: 20_000_000, Rating: proto.Float64(4.6),
				Labels: map[string]string{"language": "en"}, Description: "Five daughters, and two men with too much money.",
				Form: printed(432, true),
			},
			{
				Name: "faust", Title: "Faust", Authors: []string{"Johann Wolfgang von Goethe"}, Genre: bookstorev1.Genre_GENRE_POETRY,
				Year: proto.Int32(1808), Price: euros(6, 0), CopiesSold: 9_000_000,
				Labels: map[string]string{"language": "de"}, Description: "A scholar makes a contract without reading the small print.",
				Form: &bookstorev1.Book_Ebook_{Ebook: &bookstorev1.Book_Ebook{MediaType: "application/epub+zip", SizeBytes: 734_003}},
			},
		}},
		{id: "science", title: "Science", books: []*bookstorev1.Book{
			{
				Name: "origin-of-species", Title: "On the Origin of Species", Authors: []string{"Charles Darwin"}, Genre: bookstorev1.Genre_GENRE_SCIENCE,
				Year: proto.Int32(1859), Price: euros(12, 0), CopiesSold: 5_000_000, Rating: proto.Float64(4.2),
				Description: "How finches, pigeons and time make new kinds of things.", Form: printed(502, true),
			},
			{
				Name: "feynman-lectures", Title: "The Feynman Lectures on Physics", Authors: []string{"Richard Feynman", "Robert Leighton", "Matthew Sands"},
				Genre: bookstorev1.Genre_GENRE_SCIENCE, Isbn: proto.String("9780465023820"), Year: proto.Int32(1964), Price: euros(149, 0),
				CopiesSold: 1_500_000, Rating: proto.Float64(4.8), Labels: map[string]string{"volumes": "3"},
				Description: "Two years of physics, told standing up.", Form: printed(1552, true),
			},
			{
				Name: "short-history", Title: "A Short History of Nearly Everything", Authors: []string{"Bill Bryson"}, Genre: bookstorev1.Genre_GENRE_HISTORY,
				Isbn: proto.String("9780767908184"), Year: proto.Int32(2003), Price: euros(14, 99), CopiesSold: 2_000_000,
				Description: "How we know what we know, and who quarrelled about it.",
				Form: &bookstorev1.Book_Audiobook_{Audiobook: &bookstorev1.Book_Audiobook{
					Length: durationpb.New(18*time.Hour + 13*time.Minute), Narrator: "Richard Matthews",
				}},
			},
		}},
		{id: "computing", title: "Computing", books: []*bookstorev1.Book{
			{
				Name: "programming-language-go", Title: "The Go Programming Language", Authors: []string{"Alan Donovan", "Brian Kernighan"},
				Genre: bookstorev1.Genre_GENRE_COMPUTING, Isbn: proto.String("9780134190440"), Year: proto.Int32(2015), Price: euros(34, 99),
				CopiesSold: 100_000, Rating: proto.Float64(4.7), Labels: map[string]string{"language": "en", "level": "intermediate"},
				Description: "What the language is, by examples that work.", Form: printed(400, false),
			},
			{
				Name: "mythical-man-month", Title: "The Mythical Man-Month", Authors: []string{"Frederick Brooks"}, Genre: bookstorev1.Genre_GENRE_COMPUTING,
				Isbn: proto.String("9780201835953"), Year: proto.Int32(1975), Price: euros(29, 0), CopiesSold: 250_000,
				Description: "Why a late project becomes later when more people join.", Form: printed(322, false),
			},
			{
				Name: "art-of-computer-programming", Title: "The Art of Computer Programming", Authors: []string{"Donald Knuth"},
				Genre: bookstorev1.Genre_GENRE_COMPUTING, Year: proto.Int32(1968), Price: euros(219, 0), CopiesSold: 1_000_000,
				Rating: proto.Float64(4.9), Labels: map[string]string{"volumes": "more to come"}, Description: "All of it, with proofs.",
				Form: printed(3168, true),
			},
		}},
	}
}

func euros(units, cents int64) *bookstorev1.Book_Price {
	const microsPerUnit, microsPerCent = 1_000_000, 10_000
	return &bookstorev1.Book_Price{CurrencyCode: "EUR", Micros: units*microsPerUnit + cents*microsPerCent}
}

func printed(pages int32, hardcover bool) *bookstorev1.Book_Print_ {
	return &bookstorev1.Book_Print_{Print: &bookstorev1.Book_Print{Pages: pages, Hardcover: hardcover}}
}
