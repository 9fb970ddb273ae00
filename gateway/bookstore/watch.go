// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bookstore

import (
	"fmt"

	"google.golang.org/grpc/codes"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

const (
	// maxHistory is how many events the store remembers for watches that resume.
	maxHistory = 1024
	// maxWatches is how many watches a store serves at the same time.
	maxWatches = 1000
	// maxPending is how many events wait for a watcher before it counts as too slow.
	maxPending = 256
)

// broker tells watches what happened. Its store's lock guards it.
type broker struct {
	watches map[*watch]struct{}
	// history holds the last events; the oldest is at next when it is full.
	history []*bookstorev1.WatchBooksResponse
	next    int
	// forgotten is the revision of the newest event that history no longer has.
	forgotten int64
}

// watch is one watcher.
type watch struct {
	// parent is the shelf to watch, or empty for all.
	parent string
	// events is closed when the watcher is too slow.
	events chan *bookstorev1.WatchBooksResponse
}

func newBroker() broker {
	return broker{watches: make(map[*watch]struct{})}
}

// wants tells whether an event is for this watch.
func (w *watch) wants(event *bookstorev1.WatchBooksResponse) bool {
	return w.parent == "" || shelfOf(event.GetBook().GetName()) == w.parent
}

// publish gives an event to all who want it. It does not wait: who has no room is let go, and learns it when it has read what
// is there.
func (b *broker) publish(event *bookstorev1.WatchBooksResponse) {
	if len(b.history) < maxHistory {
		b.history = append(b.history, event)
	} else {
		b.forgotten = b.history[b.next].GetRevision()
		b.history[b.next] = event
		b.next = (b.next + 1) % maxHistory
	}
	for w := range b.watches {
		if !w.wants(event) {
			continue
		}
		select {
		case w.events <- event:
		default:
			delete(b.watches, w)
			close(w.events)
		}
	}
}

// since returns the events after a revision that a watch wants, oldest first.
func (b *broker) since(revision int64, w *watch) []*bookstorev1.WatchBooksResponse {
	var events []*bookstorev1.WatchBooksResponse
	for i := range b.history {
		event := b.history[(b.next+i)%len(b.history)]
		if event.GetRevision() > revision && w.wants(event) {
			events = append(events, event)
		}
	}
	return events
}

// startWatch begins a watch and returns what has to be told before its events. The caller stops it with stopWatch.
func (s *Store) startWatch(request *bookstorev1.WatchBooksRequest) (*watch, []*bookstorev1.WatchBooksResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &watch{events: make(chan *bookstorev1.WatchBooksResponse, maxPending)}
	if parent := request.GetParent(); parent != "" && parent != allShelves {
		if s.shelves[parent] == nil {
			return nil, nil, notFound(shelfType, parent)
		}
		w.parent = parent
	}
	if len(s.events.watches) >= maxWatches {
		return nil, nil, exhausted("watches", fmt.Sprintf("the store has %d watches; it has room for no more", maxWatches))
	}
	var first []*bookstorev1.WatchBooksResponse
	if request.GetIncludeCurrent() {
		first = s.currentLocked(w)
	}
	if request.AfterRevision != nil {
		after := request.GetAfterRevision()
		if after < s.events.forgotten || after > s.revision {
			return nil, nil, statusError(codes.OutOfRange,
				fmt.Sprintf("after_revision is %d; the store remembers %d to %d", after, s.events.forgotten, s.revision),
				reason("REVISION_FORGOTTEN", nil))
		}
		first = append(first, s.events.since(after, w)...)
	}
	s.events.watches[w] = struct{}{}
	return w, first, nil
}

// stopWatch ends a watch. It may have ended already.
func (s *Store) stopWatch(w *watch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.events.watches, w)
}

// currentLocked tells all books that a watch wants as they are now.
func (s *Store) currentLocked(w *watch) []*bookstorev1.WatchBooksResponse {
	var books []*bookstorev1.Book
	for _, book := range s.books {
		if w.parent == "" || shelfOf(book.GetName()) == w.parent {
			books = append(books, book)
		}
	}
	sortBooks(books)
	events := make([]*bookstorev1.WatchBooksResponse, len(books))
	for i, book := range books {
		events[i] = &bookstorev1.WatchBooksResponse{
			Kind: bookstorev1.WatchBooksResponse_KIND_CURRENT, Book: book, Revision: s.revision, EventTime: book.GetUpdateTime(),
		}
	}
	return events
}
