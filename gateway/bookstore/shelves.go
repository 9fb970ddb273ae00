// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bookstore

import (
	"context"

	"google.golang.org/protobuf/types/known/emptypb"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

// ListShelves lists the shelves in the order of their names.
func (s *Service) ListShelves(_ context.Context, request *bookstorev1.ListShelvesRequest) (*bookstorev1.ListShelvesResponse, error) {
	var p problems
	page := p.newPage(request.GetPageSize(), request.GetPageToken(), "shelves")
	if err := p.err(); err != nil {
		return nil, err
	}
	shelves, more := s.store.listShelves(page.after, page.size)
	response := &bookstorev1.ListShelvesResponse{Shelves: shelves}
	if more {
		response.NextPageToken = page.token(shelves[len(shelves)-1].GetName())
	}
	return response, nil
}

// GetShelf returns one shelf.
func (s *Service) GetShelf(_ context.Context, request *bookstorev1.GetShelfRequest) (*bookstorev1.Shelf, error) {
	var p problems
	p.shelfName("name", request.GetName())
	if err := p.err(); err != nil {
		return nil, err
	}
	return s.store.shelf(request.GetName())
}

// CreateShelf puts up a shelf.
func (s *Service) CreateShelf(_ context.Context, request *bookstorev1.CreateShelfRequest) (*bookstorev1.Shelf, error) {
	var p problems
	title := request.GetShelf().GetTitle()
	p.id("shelf_id", request.GetShelfId())
	p.length("shelf.title", title, 1, maxShelfTitle)
	if request.GetShelfId() == "" && title != "" && idFromTitle(title) == "" {
		p.add("shelf_id", "is empty and cannot be made from the title %q", title)
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	return s.store.createShelf(request.GetShelfId(), request.GetShelf())
}

// DeleteShelf takes a shelf down.
func (s *Service) DeleteShelf(_ context.Context, request *bookstorev1.DeleteShelfRequest) (*emptypb.Empty, error) {
	var p problems
	p.shelfName("name", request.GetName())
	if err := p.err(); err != nil {
		return nil, err
	}
	if err := s.store.deleteShelf(request.GetName(), request.GetForce()); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}
