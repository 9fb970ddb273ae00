// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bookstore

import (
	"context"
	"slices"

	"google.golang.org/protobuf/types/known/emptypb"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

// ListBooks lists the books of a shelf, or of all.
func (s *Service) ListBooks(_ context.Context, request *bookstorev1.ListBooksRequest) (*bookstorev1.ListBooksResponse, error) {
	var p problems
	everywhere := p.parent(request.GetParent())
	for _, genre := range request.GetGenres() {
		p.genre("genres", genre)
	}
	p.length("query", request.GetQuery(), 0, maxQuery)
	if after := request.GetUpdatedAfter(); after != nil && after.CheckValid() != nil {
		p.add("updated_after", "is %v; it must lie in the years 1 to 9999", after)
	}
	page := p.newPage(request.GetPageSize(), request.GetPageToken(),
		request.GetParent(), request.GetGenres(), request.GetQuery(), request.GetUpdatedAfter().AsTime())
	if err := p.err(); err != nil {
		return nil, err
	}
	if !everywhere {
		if _, err := s.store.shelf(request.GetParent()); err != nil {
			return nil, err
		}
	}
	words := wordsOf(request.GetQuery())
	books, total, more := s.store.listBooks(page.after, page.size, func(book *bookstorev1.Book) bool {
		return (everywhere || shelfOf(book.GetName()) == request.GetParent()) &&
			(len(request.GetGenres()) == 0 || slices.Contains(request.GetGenres(), book.GetGenre())) &&
			(request.GetUpdatedAfter() == nil || book.GetUpdateTime().AsTime().After(request.GetUpdatedAfter().AsTime())) &&
			hasWords(book, words)
	})
	response := &bookstorev1.ListBooksResponse{Books: books, TotalSize: int32(total)}
	if more {
		response.NextPageToken = page.token(books[len(books)-1].GetName())
	}
	return response, nil
}

// GetBook returns one book.
func (s *Service) GetBook(_ context.Context, request *bookstorev1.GetBookRequest) (*bookstorev1.Book, error) {
	var p problems
	p.bookName("name", request.GetName())
	if err := p.err(); err != nil {
		return nil, err
	}
	return s.store.book(request.GetName())
}

// CreateBook puts a book on a shelf.
func (s *Service) CreateBook(_ context.Context, request *bookstorev1.CreateBookRequest) (*bookstorev1.Book, error) {
	var p problems
	p.shelfName("parent", request.GetParent())
	p.id("book_id", request.GetBookId())
	p.book("book", request.GetBook())
	if title := request.GetBook().GetTitle(); request.GetBookId() == "" && title != "" && idFromTitle(title) == "" {
		p.add("book_id", "is empty and cannot be made from the title %q", title)
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	return s.store.createBook(request.GetParent(), request.GetBookId(), request.GetBook())
}

// UpdateBook changes the fields of a book that the mask names.
func (s *Service) UpdateBook(_ context.Context, request *bookstorev1.UpdateBookRequest) (*bookstorev1.Book, error) {
	update := request.GetBook()
	var p problems
	p.bookName("book.name", update.GetName())
	if err := p.err(); err != nil {
		return nil, err
	}
	return s.store.updateBook(update.GetName(), update.GetEtag(), func(old *bookstorev1.Book) (*bookstorev1.Book, error) {
		var p problems
		changed := p.applyMask(old, update, request.GetUpdateMask().GetPaths())
		p.book("book", changed)
		return changed, p.err()
	})
}

// DeleteBook removes a book.
func (s *Service) DeleteBook(_ context.Context, request *bookstorev1.DeleteBookRequest) (*emptypb.Empty, error) {
	var p problems
	p.bookName("name", request.GetName())
	if err := p.err(); err != nil {
		return nil, err
	}
	if err := s.store.deleteBook(request.GetName(), request.GetEtag()); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}

// MoveBook moves a book to another shelf.
func (s *Service) MoveBook(_ context.Context, request *bookstorev1.MoveBookRequest) (*bookstorev1.Book, error) {
	var p problems
	p.bookName("name", request.GetName())
	p.shelfName("destination", request.GetDestination())
	if err := p.err(); err != nil {
		return nil, err
	}
	return s.store.moveBook(request.GetName(), request.GetDestination())
}

// parent checks the name of a shelf that may also mean all shelves, and tells whether it does.
func (p *problems) parent(name string) bool {
	if name == "" || name == allShelves {
		return true
	}
	p.shelfName("parent", name)
	return false
}
