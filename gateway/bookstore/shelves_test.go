// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bookstore_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

func TestShelfIsPutUpAndTakenDown(t *testing.T) {
	t.Parallel()
	books, ctx := client(t), within(t)
	shelf, err := books.CreateShelf(ctx, &bookstorev1.CreateShelfRequest{Shelf: &bookstorev1.Shelf{Title: "Küche & Garten"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := "shelves/k-che-garten"; shelf.GetName() != want {
		t.Errorf("got %q, want %q", shelf.GetName(), want)
	}
	_, err = books.CreateShelf(ctx, &bookstorev1.CreateShelfRequest{ShelfId: "k-che-garten", Shelf: &bookstorev1.Shelf{Title: "x"}})
	wantCode(t, err, codes.AlreadyExists)
	if _, err := books.DeleteShelf(ctx, &bookstorev1.DeleteShelfRequest{Name: shelf.GetName()}); err != nil {
		t.Fatal(err)
	}
	_, err = books.GetShelf(ctx, &bookstorev1.GetShelfRequest{Name: shelf.GetName()})
	wantCode(t, err, codes.NotFound)
}

func TestShelfWithBooksNeedsForce(t *testing.T) {
	t.Parallel()
	books, ctx := client(t), within(t)
	shelf, err := books.GetShelf(ctx, &bookstorev1.GetShelfRequest{Name: "shelves/classics"})
	if err != nil {
		t.Fatal(err)
	}
	if shelf.GetBookCount() != 3 {
		t.Errorf("got %d books, want 3", shelf.GetBookCount())
	}
	_, err = books.DeleteShelf(ctx, &bookstorev1.DeleteShelfRequest{Name: shelf.GetName()})
	wantCode(t, err, codes.FailedPrecondition)
	if _, err := books.DeleteShelf(ctx, &bookstorev1.DeleteShelfRequest{Name: shelf.GetName(), Force: true}); err != nil {
		t.Fatal(err)
	}
	_, err = books.GetBook(ctx, &bookstorev1.GetBookRequest{Name: faust})
	wantCode(t, err, codes.NotFound)
}

func TestListShelvesInPages(t *testing.T) {
	t.Parallel()
	books, ctx := client(t), within(t)
	first, err := books.ListShelves(ctx, &bookstorev1.ListShelvesRequest{PageSize: 2})
	if err != nil {
		t.Fatal(err)
	}
	second, err := books.ListShelves(ctx, &bookstorev1.ListShelvesRequest{PageSize: 2, PageToken: first.GetNextPageToken()})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, shelf := range append(first.GetShelves(), second.GetShelves()...) {
		got = append(got, shelf.GetName())
	}
	if diff := cmp.Diff([]string{"shelves/classics", "shelves/computing", "shelves/science"}, got); diff != "" || second.GetNextPageToken() != "" {
		t.Errorf("shelves differ (-want +got), next page %q:\n%s", second.GetNextPageToken(), diff)
	}
}

func TestShelfProblems(t *testing.T) {
	t.Parallel()
	books, ctx := client(t), within(t)
	_, err := books.CreateShelf(ctx, &bookstorev1.CreateShelfRequest{ShelfId: "No"})
	if diff := cmp.Diff([]string{"shelf_id", "shelf.title"}, violations(err)); diff != "" {
		t.Errorf("violations differ (-want +got):\n%s", diff)
	}
	_, err = books.CreateShelf(ctx, &bookstorev1.CreateShelfRequest{Shelf: &bookstorev1.Shelf{Title: "日本語"}})
	if diff := cmp.Diff([]string{"shelf_id"}, violations(err)); diff != "" {
		t.Errorf("violations differ (-want +got):\n%s", diff)
	}
	_, err = books.GetShelf(ctx, &bookstorev1.GetShelfRequest{Name: "shelves/a/b"})
	wantCode(t, err, codes.InvalidArgument)
	_, err = books.DeleteShelf(ctx, &bookstorev1.DeleteShelfRequest{Name: ""})
	wantCode(t, err, codes.InvalidArgument)
}
