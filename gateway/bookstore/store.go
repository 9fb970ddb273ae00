// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bookstore

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

const (
	maxShelves = 1000
	maxBooks   = 10000
	// maxCover is how many bytes one cover can have.
	maxCover = 4 << 20
	// maxCovers is how many bytes all covers together can have.
	maxCovers = 64 << 20
	// etagBytes is how much of a hash becomes an etag.
	etagBytes = 8
)

// cover is a picture.
type cover struct {
	contentType string
	data        []byte
	sum         [sha256.Size]byte
	updateTime  time.Time
}

// Store holds shelves, books and covers in memory. Any number of services can serve it at the same time. Make one with
// [NewStore] or [NewSeededStore].
type Store struct {
	mu sync.RWMutex
	// The messages in these maps are never changed, only replaced, so they can be sent without the lock. Guarded by mu.
	shelves map[string]*bookstorev1.Shelf
	books   map[string]*bookstorev1.Book
	covers  map[string]cover
	// coverBytes is the sum of the sizes of covers. Guarded by mu.
	coverBytes int
	// revision counts the changes of books. Guarded by mu.
	revision int64
	// events tells watchers. Guarded by mu.
	events broker
}

// NewStore makes an empty store.
func NewStore() *Store {
	return &Store{
		shelves: make(map[string]*bookstorev1.Shelf),
		books:   make(map[string]*bookstorev1.Book),
		covers:  make(map[string]cover),
		events:  newBroker(),
	}
}

// listShelves returns up to limit shelves behind the name after, in order, and whether there are more.
func (s *Store) listShelves(after string, limit int) (shelves []*bookstorev1.Shelf, more bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	counts := make(map[string]int32)
	for name := range s.books {
		counts[shelfOf(name)]++
	}
	for name, shelf := range s.shelves {
		if name > after {
			shelves = append(shelves, withBookCount(shelf, counts[name]))
		}
	}
	slices.SortFunc(shelves, func(a, b *bookstorev1.Shelf) int { return cmp.Compare(a.GetName(), b.GetName()) })
	if len(shelves) > limit {
		return shelves[:limit], true
	}
	return shelves, false
}

// shelf returns one shelf.
func (s *Store) shelf(name string) (*bookstorev1.Shelf, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	shelf, ok := s.shelves[name]
	if !ok {
		return nil, notFound(shelfType, name)
	}
	return withBookCount(shelf, int32(len(s.booksOfLocked(name)))), nil
}

// createShelf adds a shelf. An empty id is made from the title.
func (s *Store) createShelf(id string, shelf *bookstorev1.Shelf) (*bookstorev1.Shelf, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.shelves) >= maxShelves {
		return nil, exhausted("shelves", fmt.Sprintf("the store has %d shelves; it has room for no more", maxShelves))
	}
	if id == "" {
		id = freeID(idFromTitle(shelf.GetTitle()), func(id string) bool { return s.shelves[shelfCollection+id] != nil })
	}
	name := shelfCollection + id
	if s.shelves[name] != nil {
		return nil, alreadyExists(shelfType, name)
	}
	created := &bookstorev1.Shelf{Name: name, Title: shelf.GetTitle(), CreateTime: timestamppb.Now()}
	s.shelves[name] = created
	return created, nil
}

// deleteShelf removes a shelf, and its books when force is true.
func (s *Store) deleteShelf(name string, force bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shelves[name] == nil {
		return notFound(shelfType, name)
	}
	books := s.booksOfLocked(name)
	if len(books) > 0 && !force {
		description := fmt.Sprintf("%s has %d books; remove them first or force it", name, len(books))
		return statusError(codes.FailedPrecondition, description,
			reason("SHELF_NOT_EMPTY", nil), resource(shelfType, name, description))
	}
	for _, book := range books {
		s.removeLocked(book)
	}
	delete(s.shelves, name)
	return nil
}

// listBooks returns up to limit books behind the name after for which keep is true, in order, and how many there are in all.
func (s *Store) listBooks(after string, limit int, keep func(*bookstorev1.Book) bool) (books []*bookstorev1.Book, total int, more bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for name, book := range s.books {
		if !keep(book) {
			continue
		}
		total++
		if name > after {
			books = append(books, book)
		}
	}
	sortBooks(books)
	if len(books) > limit {
		return books[:limit], total, true
	}
	return books, total, false
}

// book returns one book.
func (s *Store) book(name string) (*bookstorev1.Book, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	book, ok := s.books[name]
	if !ok {
		return nil, notFound(bookType, name)
	}
	return book, nil
}

// createBook puts a book on a shelf. An empty id is made from the title.
func (s *Store) createBook(parent, id string, book *bookstorev1.Book) (*bookstorev1.Book, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shelves[parent] == nil {
		return nil, notFound(shelfType, parent)
	}
	if len(s.books) >= maxBooks {
		return nil, exhausted("books", fmt.Sprintf("the store has %d books; it has room for no more", maxBooks))
	}
	if id == "" {
		id = freeID(idFromTitle(book.GetTitle()), func(id string) bool { return s.books[parent+bookCollection+id] != nil })
	}
	name := parent + bookCollection + id
	if s.books[name] != nil {
		return nil, alreadyExists(bookType, name)
	}
	created := proto.CloneOf(book)
	created.Name, created.HasCover = name, false
	created.CreateTime = timestamppb.Now()
	return s.putLocked(created, bookstorev1.WatchBooksResponse_KIND_CREATED), nil
}

// updateBook replaces a book by what change makes of it. An etag that is not empty has to be the current one.
func (s *Store) updateBook(name, etag string, change func(*bookstorev1.Book) (*bookstorev1.Book, error)) (*bookstorev1.Book, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, err := s.bookWithEtagLocked(name, etag)
	if err != nil {
		return nil, err
	}
	changed, err := change(old)
	if err != nil {
		return nil, err
	}
	if proto.Equal(old, changed) {
		return old, nil
	}
	return s.putLocked(changed, bookstorev1.WatchBooksResponse_KIND_UPDATED), nil
}

// deleteBook removes a book. An etag that is not empty has to be the current one.
func (s *Store) deleteBook(name, etag string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	book, err := s.bookWithEtagLocked(name, etag)
	if err != nil {
		return err
	}
	s.removeLocked(book)
	return nil
}

// moveBook moves a book to another shelf.
func (s *Store) moveBook(name, destination string) (*bookstorev1.Book, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	book, ok := s.books[name]
	if !ok {
		return nil, notFound(bookType, name)
	}
	if s.shelves[destination] == nil {
		return nil, notFound(shelfType, destination)
	}
	moved := destination + bookCollection + idOf(name)
	if moved == name {
		return book, nil
	}
	if s.books[moved] != nil {
		return nil, alreadyExists(bookType, moved)
	}
	picture, hasCover := s.covers[name]
	s.removeLocked(book)
	if hasCover {
		s.covers[moved] = picture
		s.coverBytes += len(picture.data)
	}
	book = proto.CloneOf(book)
	book.Name = moved
	return s.putLocked(book, bookstorev1.WatchBooksResponse_KIND_CREATED), nil
}

// setCover stores the cover of a book.
func (s *Store) setCover(name string, picture cover) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	book, ok := s.books[name]
	if !ok {
		return notFound(bookType, name)
	}
	size := s.coverBytes - len(s.covers[name].data) + len(picture.data)
	if size > maxCovers {
		return exhausted("covers", fmt.Sprintf("the covers of all books have %d bytes; there is room for %d", size, maxCovers))
	}
	s.coverBytes = size
	s.covers[name] = picture
	book = proto.CloneOf(book)
	book.HasCover = true
	s.putLocked(book, bookstorev1.WatchBooksResponse_KIND_UPDATED)
	return nil
}

// coverOf returns the cover of a book.
func (s *Store) coverOf(name string) (cover, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.books[name] == nil {
		return cover{}, notFound(bookType, name)
	}
	picture, ok := s.covers[name]
	if !ok {
		return cover{}, notFound(coverType, name+"/cover")
	}
	return picture, nil
}

// putLocked stores a book that nobody else knows yet, stamps it, and tells the watchers.
func (s *Store) putLocked(book *bookstorev1.Book, kind bookstorev1.WatchBooksResponse_Kind) *bookstorev1.Book {
	s.revision++
	book.Revision, book.UpdateTime, book.Etag = s.revision, timestamppb.Now(), ""
	book.Etag = etagOf(book)
	s.books[book.GetName()] = book
	s.events.publish(&bookstorev1.WatchBooksResponse{Kind: kind, Book: book, Revision: s.revision, EventTime: book.GetUpdateTime()})
	return book
}

// removeLocked removes a book and its cover, and tells the watchers.
func (s *Store) removeLocked(book *bookstorev1.Book) {
	s.revision++
	s.coverBytes -= len(s.covers[book.GetName()].data)
	delete(s.covers, book.GetName())
	delete(s.books, book.GetName())
	s.events.publish(&bookstorev1.WatchBooksResponse{
		Kind: bookstorev1.WatchBooksResponse_KIND_DELETED, Book: book, Revision: s.revision, EventTime: timestamppb.Now(),
	})
}

func (s *Store) bookWithEtagLocked(name, etag string) (*bookstorev1.Book, error) {
	book, ok := s.books[name]
	if !ok {
		return nil, notFound(bookType, name)
	}
	if etag != "" && etag != book.GetEtag() {
		return nil, wrongEtag(name, etag, book.GetEtag())
	}
	return book, nil
}

func (s *Store) booksOfLocked(shelf string) []*bookstorev1.Book {
	var books []*bookstorev1.Book
	for name, book := range s.books {
		if strings.HasPrefix(name, shelf+bookCollection) {
			books = append(books, book)
		}
	}
	sortBooks(books)
	return books
}

func withBookCount(shelf *bookstorev1.Shelf, count int32) *bookstorev1.Shelf {
	shelf = proto.CloneOf(shelf)
	shelf.BookCount = count
	return shelf
}

func sortBooks(books []*bookstorev1.Book) {
	slices.SortFunc(books, func(a, b *bookstorev1.Book) int { return cmp.Compare(a.GetName(), b.GetName()) })
}

// etagOf makes an etag of everything in a book, its revision and time included.
func etagOf(book *bookstorev1.Book) string {
	// A message that came through gRPC can be encoded; were it not so, all etags would be alike and none would be trusted less.
	data, _ := proto.MarshalOptions{Deterministic: true}.Marshal(book)
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:etagBytes])
}
