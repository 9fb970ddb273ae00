// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bookstore

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

const (
	// lastEventID is the metadata with which browsers resume a stream of events.
	lastEventID = "last-event-id"
	// maxMatches is how many books an answer of the bookseller names.
	maxMatches = 5
)

// WatchBooks tells what happens to books until the client or the service stops.
func (s *Service) WatchBooks(request *bookstorev1.WatchBooksRequest, stream grpc.ServerStreamingServer[bookstorev1.WatchBooksResponse]) error {
	var p problems
	p.parent(request.GetParent())
	request = resumed(request, stream)
	if request.AfterRevision != nil && request.GetAfterRevision() < 0 {
		p.add("after_revision", "is %d; it must not be negative", request.GetAfterRevision())
	}
	if err := p.err(); err != nil {
		return err
	}
	w, first, err := s.store.startWatch(request)
	if err != nil {
		return err
	}
	defer s.store.stopWatch(w)
	// The header tells the client that the watch has begun, long before the first event may come.
	if err := stream.SendHeader(nil); err != nil {
		return err
	}
	for _, event := range first {
		if err := stream.Send(event); err != nil {
			return err
		}
	}
	for {
		select {
		case <-stream.Context().Done():
			return status.FromContextError(stream.Context().Err()).Err()
		case <-s.stopping:
			return status.Error(codes.Unavailable, "this instance is stopping; watch another")
		case event, ok := <-w.events:
			if !ok {
				return exhausted("events", fmt.Sprintf("more than %d events wait to be read; resume after the last one", maxPending))
			}
			if err := stream.Send(event); err != nil {
				return err
			}
		}
	}
}

// resumed returns the request with after_revision taken from the metadata where only that has it. What is not a number there
// comes from another stream, and is left alone.
func resumed(request *bookstorev1.WatchBooksRequest, stream grpc.ServerStream) *bookstorev1.WatchBooksRequest {
	ids := metadata.ValueFromIncomingContext(stream.Context(), lastEventID)
	if request.AfterRevision != nil || len(ids) == 0 {
		return request
	}
	revision, err := strconv.ParseInt(ids[0], 10, 64)
	if err != nil {
		return request
	}
	request = proto.CloneOf(request)
	request.AfterRevision = &revision
	return request
}

// Chat answers each message with the books that it speaks of.
func (s *Service) Chat(stream grpc.BidiStreamingServer[bookstorev1.ChatRequest, bookstorev1.ChatResponse]) error {
	for sequence := int32(1); ; sequence++ {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var p problems
		p.length("text", request.GetText(), 0, maxQuery)
		if err := p.err(); err != nil {
			return err
		}
		response := s.answer(request.GetText())
		response.Sequence = sequence
		if err := stream.Send(response); err != nil {
			return err
		}
	}
}

// answer is what the bookseller says to a line of talk.
func (s *Service) answer(text string) *bookstorev1.ChatResponse {
	words := wordsOf(text)
	if len(words) == 0 {
		return &bookstorev1.ChatResponse{Text: "Good day! Which book are you looking for?"}
	}
	books, total, _ := s.store.listBooks("", maxMatches, func(book *bookstorev1.Book) bool { return hasWords(book, words) })
	switch total {
	case 0:
		return &bookstorev1.ChatResponse{Text: "I have no book with all of these words."}
	case 1:
		return &bookstorev1.ChatResponse{Text: "I have one book for you: " + books[0].GetTitle() + ".", Books: books}
	default:
		return &bookstorev1.ChatResponse{Text: fmt.Sprintf("I have %d books for you. The first is %s.", total, books[0].GetTitle()), Books: books}
	}
}
