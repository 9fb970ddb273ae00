// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bookstore_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

const faust = "shelves/classics/books/faust"

func TestBookIsCreatedReadAndDeleted(t *testing.T) {
	t.Parallel()
	books, ctx := client(t), within(t)
	created, err := books.CreateBook(ctx, &bookstorev1.CreateBookRequest{
		Parent: "shelves/computing",
		Book:   &bookstorev1.Book{Name: "ignored", Title: "Structure & Interpretation", Authors: []string{"Abelson"}, HasCover: true, Revision: 99},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := "shelves/computing/books/structure-interpretation"; created.GetName() != want {
		t.Errorf("got name %q, want %q", created.GetName(), want)
	}
	if created.GetEtag() == "" || created.GetRevision() == 99 || created.GetHasCover() || created.GetCreateTime() == nil {
		t.Errorf("the service did not stamp the book itself: %v", created)
	}
	got, err := books.GetBook(ctx, &bookstorev1.GetBookRequest{Name: created.GetName()})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(created, got, protocmp.Transform()); diff != "" {
		t.Errorf("GetBook differs (-created +got):\n%s", diff)
	}
	if _, err := books.DeleteBook(ctx, &bookstorev1.DeleteBookRequest{Name: got.GetName(), Etag: "stale"}); status.Code(err) != codes.Aborted {
		t.Errorf("delete with a stale etag: got %v, want Aborted", err)
	}
	if _, err := books.DeleteBook(ctx, &bookstorev1.DeleteBookRequest{Name: got.GetName(), Etag: got.GetEtag()}); err != nil {
		t.Fatal(err)
	}
	_, err = books.GetBook(ctx, &bookstorev1.GetBookRequest{Name: got.GetName()})
	wantCode(t, err, codes.NotFound)
	var about string
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ResourceInfo); ok {
			about = info.GetResourceName()
		}
	}
	if about != got.GetName() {
		t.Errorf("the error is about %q, want %q", about, got.GetName())
	}
}

func TestSameTitleTwiceGetsItsOwnName(t *testing.T) {
	t.Parallel()
	books, ctx := client(t), within(t)
	request := &bookstorev1.CreateBookRequest{Parent: "shelves/classics", Book: &bookstorev1.Book{Title: "Faust"}}
	book, err := books.CreateBook(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	if want := faust + "-2"; book.GetName() != want {
		t.Errorf("got %q, want %q", book.GetName(), want)
	}
	request.BookId = "faust"
	_, err = books.CreateBook(ctx, request)
	wantCode(t, err, codes.AlreadyExists)
}

func TestAllProblemsAreToldAtOnce(t *testing.T) {
	t.Parallel()
	books, ctx := client(t), within(t)
	_, err := books.CreateBook(ctx, &bookstorev1.CreateBookRequest{
		Parent: "shelves/No",
		BookId: "-x",
		Book: &bookstorev1.Book{
			Title: strings.Repeat("x", 201), Authors: []string{""}, Genre: 77, Isbn: proto.String("12"), CopiesSold: -1,
			Price: &bookstorev1.Book_Price{CurrencyCode: "eur", Micros: -1}, Rating: proto.Float64(5.1),
			Labels: map[string]string{"": strings.Repeat("x", 201)}, Description: strings.Repeat("x", 2001),
			Form: &bookstorev1.Book_Audiobook_{Audiobook: &bookstorev1.Book_Audiobook{Length: durationpb.New(-1)}},
		},
	})
	wantCode(t, err, codes.InvalidArgument)
	want := []string{
		"parent", "book_id", "book.title", "book.authors", "book.genre", "book.isbn", "book.price.currency_code", "book.price.micros",
		"book.copies_sold", "book.rating", "book.labels", "book.labels[]", "book.description", "book.audiobook.length",
	}
	if diff := cmp.Diff(want, violations(err)); diff != "" {
		t.Errorf("violations differ (-want +got):\n%s", diff)
	}
}

func TestUpdateBook(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		update *bookstorev1.Book
		mask   []string
		check  func(*bookstorev1.Book) bool
		fields []string // that are complained of
	}{
		{
			name: "only what the mask names", mask: []string{"title"},
			update: &bookstorev1.Book{Title: "Faust I", Description: "no"},
			check:  func(b *bookstorev1.Book) bool { return b.GetTitle() == "Faust I" && b.GetDescription() != "no" },
		},
		{
			name: "a part of a message", mask: []string{"price.micros"},
			update: &bookstorev1.Book{Price: &bookstorev1.Book_Price{Micros: 7}},
			check: func(b *bookstorev1.Book) bool {
				return b.GetPrice().GetMicros() == 7 && b.GetPrice().GetCurrencyCode() == "EUR"
			},
		},
		{
			name: "absent in the update is cleared", mask: []string{"labels", "year"}, update: &bookstorev1.Book{},
			check: func(b *bookstorev1.Book) bool { return len(b.GetLabels()) == 0 && b.Year == nil },
		},
		{
			name: "no mask means what is set", update: &bookstorev1.Book{CopiesSold: 3},
			check: func(b *bookstorev1.Book) bool { return b.GetCopiesSold() == 3 && b.GetTitle() == "Faust" },
		},
		{
			name: "a star means all", mask: []string{"*"}, update: &bookstorev1.Book{Title: "New"},
			check: func(b *bookstorev1.Book) bool {
				return b.GetTitle() == "New" && b.GetPrice() == nil && b.GetForm() == nil && b.GetCreateTime() != nil
			},
		},
		{
			name: "another member of the oneof", mask: []string{"print.pages"},
			update: &bookstorev1.Book{Form: &bookstorev1.Book_Print_{Print: &bookstorev1.Book_Print{Pages: 12}}},
			check:  func(b *bookstorev1.Book) bool { return b.GetPrint().GetPages() == 12 && b.GetEbook() == nil },
		},
		{
			name: "what only the service sets is left alone", mask: []string{"revision", "create_time.seconds", "name", "etag"},
			update: &bookstorev1.Book{Revision: 1000, CreateTime: timestamppb.Now()},
			check:  func(b *bookstorev1.Book) bool { return b.GetRevision() == 3 && b.GetName() == faust },
		},
		{name: "no such field", mask: []string{"price.nano", "titel", "authors.0"}, update: &bookstorev1.Book{}, fields: []string{"update_mask", "update_mask", "update_mask"}},
		{name: "the result has to be valid", mask: []string{"title"}, update: &bookstorev1.Book{}, fields: []string{"book.title"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			books, ctx := client(t), within(t)
			test.update.Name = faust
			got, err := books.UpdateBook(ctx, &bookstorev1.UpdateBookRequest{Book: test.update, UpdateMask: &fieldmaskpb.FieldMask{Paths: test.mask}})
			if diff := cmp.Diff(test.fields, violations(err)); diff != "" {
				t.Fatalf("violations differ (-want +got):\n%s", diff)
			}
			if test.check == nil {
				wantCode(t, err, codes.InvalidArgument)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !test.check(got) {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestEtagHoldsTheSecondWriterOff(t *testing.T) {
	t.Parallel()
	books, ctx := client(t), within(t)
	read, err := books.GetBook(ctx, &bookstorev1.GetBookRequest{Name: faust})
	if err != nil {
		t.Fatal(err)
	}
	update := func(title string) error {
		_, err := books.UpdateBook(ctx, &bookstorev1.UpdateBookRequest{Book: &bookstorev1.Book{Name: faust, Title: title, Etag: read.GetEtag()}})
		return err
	}
	if err := update("First"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, update("Second"), codes.Aborted)
}

func TestListBooksInPages(t *testing.T) {
	t.Parallel()
	books, ctx := client(t), within(t)
	request := &bookstorev1.ListBooksRequest{PageSize: 4}
	var names []string
	for pages := 1; ; pages++ {
		response, err := books.ListBooks(ctx, request)
		if err != nil {
			t.Fatal(err)
		}
		if response.GetTotalSize() != 9 {
			t.Errorf("got total_size %d, want 9", response.GetTotalSize())
		}
		for _, book := range response.GetBooks() {
			names = append(names, book.GetName())
		}
		if request.PageToken = response.GetNextPageToken(); request.GetPageToken() == "" {
			if pages != 3 {
				t.Errorf("got %d pages, want 3", pages)
			}
			break
		}
	}
	if len(names) != 9 || !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != 9 {
		t.Errorf("got %q, want nine names in order", names)
	}
}

func TestListBooksFilters(t *testing.T) {
	t.Parallel()
	books, ctx := client(t), within(t)
	for _, test := range []struct {
		name    string
		request *bookstorev1.ListBooksRequest
		want    int
	}{
		{"all", &bookstorev1.ListBooksRequest{}, 9},
		{"all by a dash", &bookstorev1.ListBooksRequest{Parent: "shelves/-"}, 9},
		{"one shelf", &bookstorev1.ListBooksRequest{Parent: "shelves/science"}, 3},
		{"genres", &bookstorev1.ListBooksRequest{Genres: []bookstorev1.Genre{bookstorev1.Genre_GENRE_POETRY, bookstorev1.Genre_GENRE_HISTORY}}, 3},
		{"words", &bookstorev1.ListBooksRequest{Query: "kernighan, GO!"}, 1},
		{"words are whole", &bookstorev1.ListBooksRequest{Query: "go"}, 1},
		{"changed since", &bookstorev1.ListBooksRequest{UpdatedAfter: timestamppb.Now()}, 0},
	} {
		response, err := books.ListBooks(ctx, test.request)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if got := len(response.GetBooks()); got != test.want {
			t.Errorf("%s: got %d books, want %d", test.name, got, test.want)
		}
	}
}

func TestListBooksRefuses(t *testing.T) {
	t.Parallel()
	books, ctx := client(t), within(t)
	first, err := books.ListBooks(ctx, &bookstorev1.ListBooksRequest{PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		request *bookstorev1.ListBooksRequest
		want    codes.Code
	}{
		{"a negative page size", &bookstorev1.ListBooksRequest{PageSize: -1}, codes.InvalidArgument},
		{"a token that is none", &bookstorev1.ListBooksRequest{PageToken: "x"}, codes.InvalidArgument},
		{"a token of another list", &bookstorev1.ListBooksRequest{PageToken: first.GetNextPageToken(), Query: "a"}, codes.InvalidArgument},
		{"a genre that is none", &bookstorev1.ListBooksRequest{Genres: []bookstorev1.Genre{-1}}, codes.InvalidArgument},
		{"a name that is none", &bookstorev1.ListBooksRequest{Parent: "shelf"}, codes.InvalidArgument},
		{"a shelf that is not there", &bookstorev1.ListBooksRequest{Parent: "shelves/none"}, codes.NotFound},
		{"a time that is none", &bookstorev1.ListBooksRequest{UpdatedAfter: &timestamppb.Timestamp{Nanos: -1}}, codes.InvalidArgument},
	} {
		if _, err := books.ListBooks(ctx, test.request); status.Code(err) != test.want {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
}

func TestMoveBookTakesItsCoverAlong(t *testing.T) {
	t.Parallel()
	books, ctx := client(t), within(t)
	moved, err := books.MoveBook(ctx, &bookstorev1.MoveBookRequest{Name: faust, Destination: "shelves/science"})
	if err != nil {
		t.Fatal(err)
	}
	if moved.GetName() != "shelves/science/books/faust" || !moved.GetHasCover() {
		t.Errorf("got %v", moved)
	}
	_, err = books.GetBook(ctx, &bookstorev1.GetBookRequest{Name: faust})
	wantCode(t, err, codes.NotFound)
	_, err = books.MoveBook(ctx, &bookstorev1.MoveBookRequest{Name: moved.GetName(), Destination: "shelves/none"})
	wantCode(t, err, codes.NotFound)
	if _, err = books.CreateBook(ctx, &bookstorev1.CreateBookRequest{Parent: "shelves/classics", BookId: "faust", Book: &bookstorev1.Book{Title: "Faust"}}); err != nil {
		t.Fatal(err)
	}
	_, err = books.MoveBook(ctx, &bookstorev1.MoveBookRequest{Name: faust, Destination: "shelves/science"})
	wantCode(t, err, codes.AlreadyExists)
}

func TestSeededBooksWouldPassAsNew(t *testing.T) {
	t.Parallel()
	books, ctx := client(t), within(t)
	list, err := books.ListBooks(ctx, &bookstorev1.ListBooksRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := books.CreateShelf(ctx, &bookstorev1.CreateShelfRequest{ShelfId: "copies", Shelf: &bookstorev1.Shelf{Title: "Copies"}}); err != nil {
		t.Fatal(err)
	}
	for _, book := range list.GetBooks() {
		if _, err := books.CreateBook(ctx, &bookstorev1.CreateBookRequest{Parent: "shelves/copies", Book: book}); err != nil {
			t.Errorf("%s: %v", book.GetName(), err)
		}
	}
}
