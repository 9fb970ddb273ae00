// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bookstore

import (
	"errors"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

// Config says what a [Service] serves.
type Config struct {
	// Store is what the service serves. It is required, and may be shared with other services.
	Store *Store
	// Name tells this instance from others, in the response header [InstanceHeader]. Empty sends no such header.
	Name string
}

// Service serves a store. It implements bookstorev1.BookstoreServiceServer and bookstorev1.CoverServiceServer, and is safe for
// concurrent use.
type Service struct {
	bookstorev1.UnimplementedBookstoreServiceServer
	bookstorev1.UnimplementedCoverServiceServer
	store *Store
	name  string
	// stopping is closed when watches have to end.
	stopping chan struct{}
}

var (
	_ bookstorev1.BookstoreServiceServer = (*Service)(nil)
	_ bookstorev1.CoverServiceServer     = (*Service)(nil)
)

// New makes a service. It fails when there is no store.
func New(config Config) (*Service, error) {
	if config.Store == nil {
		return nil, errors.New("bookstore: there is no store to serve")
	}
	return &Service{store: config.Store, name: config.Name, stopping: make(chan struct{})}, nil
}
