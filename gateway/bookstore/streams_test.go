// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bookstore_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/gateway/bookstore"
	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

// next reads n events and says each in short.
func next(t *testing.T, watch grpc.ServerStreamingClient[bookstorev1.WatchBooksResponse], n int) []string {
	t.Helper()
	var events []string
	for range n {
		event, err := watch.Recv()
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, fmt.Sprintf("%v %s", event.GetKind(), event.GetBook().GetName()))
	}
	return events
}

func TestWatchTellsWhatHappens(t *testing.T) {
	t.Parallel()
	books, ctx := client(t), within(t)
	watch, err := books.WatchBooks(ctx, &bookstorev1.WatchBooksRequest{Parent: "shelves/classics", IncludeCurrent: true})
	if err != nil {
		t.Fatal(err)
	}
	got := next(t, watch, 3)
	// The snapshot was read, so the watch runs.
	if _, err := books.UpdateBook(ctx, &bookstorev1.UpdateBookRequest{Book: &bookstorev1.Book{Name: faust, CopiesSold: 1}}); err != nil {
		t.Fatal(err)
	}
	if _, err := books.CreateBook(ctx, &bookstorev1.CreateBookRequest{Parent: "shelves/science", Book: &bookstorev1.Book{Title: "Elsewhere"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := books.MoveBook(ctx, &bookstorev1.MoveBookRequest{Name: faust, Destination: "shelves/science"}); err != nil {
		t.Fatal(err)
	}
	got = append(got, next(t, watch, 2)...)
	want := []string{
		"KIND_CURRENT " + faust, "KIND_CURRENT shelves/classics/books/odyssey", "KIND_CURRENT shelves/classics/books/pride-and-prejudice",
		"KIND_UPDATED " + faust, "KIND_DELETED " + faust,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events differ (-want +got):\n%s", diff)
	}
}

func TestWatchResumes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		revision *int64
		metadata []string
		want     codes.Code
	}{
		{name: "by the field", revision: proto.Int64(9)},
		{name: "by the metadata of browsers", metadata: []string{"last-event-id", "9"}},
		{name: "the field counts", revision: proto.Int64(9), metadata: []string{"last-event-id", "3"}},
		{name: "before what is remembered", revision: proto.Int64(3), want: codes.OutOfRange},
		{name: "before what is remembered, by metadata", metadata: []string{"last-event-id", "3"}, want: codes.OutOfRange},
		{name: "after what has happened", revision: proto.Int64(1 << 40), want: codes.OutOfRange},
		{name: "below zero", revision: proto.Int64(-1), want: codes.InvalidArgument},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			books, ctx := client(t), within(t)
			if _, err := books.DeleteBook(ctx, &bookstorev1.DeleteBookRequest{Name: faust}); err != nil {
				t.Fatal(err)
			}
			watch, err := books.WatchBooks(metadata.AppendToOutgoingContext(ctx, test.metadata...), &bookstorev1.WatchBooksRequest{AfterRevision: test.revision})
			if err != nil {
				t.Fatal(err)
			}
			event, err := watch.Recv()
			wantCode(t, err, test.want)
			if err == nil && (event.GetKind() != bookstorev1.WatchBooksResponse_KIND_DELETED || event.GetRevision() != 10) {
				t.Errorf("got %v, want the deletion at revision 10", event)
			}
		})
	}
}

func TestWatchOfNoShelf(t *testing.T) {
	t.Parallel()
	books, ctx := client(t), within(t)
	for parent, want := range map[string]codes.Code{"shelves/none": codes.NotFound, "nothing": codes.InvalidArgument} {
		watch, err := books.WatchBooks(ctx, &bookstorev1.WatchBooksRequest{Parent: parent})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := watch.Recv(); status.Code(err) != want {
			t.Errorf("%s: got %v, want %v", parent, err, want)
		}
	}
}

func TestSlowWatcherIsLetGo(t *testing.T) {
	t.Parallel()
	address := start(t, bookstore.ClusterConfig{}).Addresses()[0]
	// A fixed window: else it would grow with what is sent.
	const window = 64 << 10
	slow := bookstorev1.NewBookstoreServiceClient(dial(t, address, grpc.WithStaticStreamWindowSize(window), grpc.WithStaticConnWindowSize(window)))
	books, ctx := bookstorev1.NewBookstoreServiceClient(dial(t, address)), within(t)
	watch, err := slow.WatchBooks(ctx, &bookstorev1.WatchBooksRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Header(); err != nil {
		t.Fatal(err)
	}
	const updates = 600
	for i := range updates {
		description := fmt.Sprintf("%d%s", i, strings.Repeat(" ", 1900))
		if _, err := books.UpdateBook(ctx, &bookstorev1.UpdateBookRequest{Book: &bookstorev1.Book{Name: faust, Description: description}}); err != nil {
			t.Fatal(err)
		}
	}
	var got int
	var last int64
	for {
		event, err := watch.Recv()
		if err != nil {
			wantCode(t, err, codes.ResourceExhausted)
			break
		}
		got, last = got+1, event.GetRevision()
	}
	if got < 256 || got >= updates {
		t.Errorf("got %d events before the end; want what was waiting and no more", got)
	}
	// Nothing is lost to a watcher that resumes.
	watch, err = books.WatchBooks(ctx, &bookstorev1.WatchBooksRequest{AfterRevision: &last})
	if err != nil {
		t.Fatal(err)
	}
	event, err := watch.Recv()
	if err != nil || event.GetRevision() != last+1 {
		t.Errorf("got %v and error %v, want revision %d", event.GetRevision(), err, last+1)
	}
}

func TestChat(t *testing.T) {
	t.Parallel()
	books, ctx := client(t), within(t)
	chat, err := books.Chat(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i, test := range []struct {
		say   string
		books int
	}{{"", 0}, {"faust", 1}, {"the", 5}, {"nothing of the kind", 0}} {
		if err := chat.Send(&bookstorev1.ChatRequest{Text: test.say}); err != nil {
			t.Fatal(err)
		}
		answer, err := chat.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if len(answer.GetBooks()) != test.books || answer.GetText() == "" || int(answer.GetSequence()) != i+1 {
			t.Errorf("%q: got %v, want %d books and number %d", test.say, answer, test.books, i+1)
		}
	}
	if err := chat.Send(&bookstorev1.ChatRequest{Text: strings.Repeat("x", 1001)}); err != nil {
		t.Fatal(err)
	}
	_, err = chat.Recv()
	wantCode(t, err, codes.InvalidArgument)
}

func TestChatEndsWithItsClient(t *testing.T) {
	t.Parallel()
	books, ctx := client(t), within(t)
	chat, err := books.Chat(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := chat.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if answer, err := chat.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v and error %v, want the end", answer, err)
	}
}

func covers(t *testing.T) (bookstorev1.CoverServiceClient, context.Context) {
	t.Helper()
	return bookstorev1.NewCoverServiceClient(dial(t, start(t, bookstore.ClusterConfig{}).Addresses()[0])), within(t)
}

// upload sends pieces; the first message has the name and the type.
func upload(ctx context.Context, t *testing.T, client bookstorev1.CoverServiceClient, name, contentType string, pieces ...[]byte) (*bookstorev1.UploadCoverResponse, error) {
	t.Helper()
	stream, err := client.UploadCover(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i, piece := range pieces {
		request := &bookstorev1.UploadCoverRequest{Cover: &httpbody.HttpBody{Data: piece}}
		if i == 0 {
			request.Name, request.Cover.ContentType = name, contentType
		}
		if err := stream.Send(request); err != nil {
			break // CloseAndRecv knows why.
		}
	}
	return stream.CloseAndRecv()
}

func download(ctx context.Context, t *testing.T, client bookstorev1.CoverServiceClient, name string) (contentType string, data []byte, err error) {
	t.Helper()
	stream, err := client.DownloadCover(ctx, &bookstorev1.DownloadCoverRequest{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	for first := true; ; first = false {
		piece, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return contentType, data, nil
		}
		if err != nil {
			return contentType, data, err
		}
		if first {
			contentType = piece.GetContentType()
		}
		data = append(data, piece.GetData()...)
	}
}

func TestCoverComesBackAsItWas(t *testing.T) {
	t.Parallel()
	client, ctx := covers(t)
	want := bytes.Repeat([]byte("cover"), 50_000)
	response, err := upload(ctx, t, client, faust, "image/webp", want[:100], want[100:200_000], want[200_000:])
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(want); response.GetSizeBytes() != int64(len(want)) || !bytes.Equal(response.GetSha256(), sum[:]) {
		t.Errorf("got %v", response)
	}
	contentType, got, err := download(ctx, t, client, faust)
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "image/webp" || !bytes.Equal(got, want) {
		t.Errorf("got %d bytes of %s, want %d of image/webp", len(got), contentType, len(want))
	}
}

func TestSeededCoverIsAPicture(t *testing.T) {
	t.Parallel()
	client, ctx := covers(t)
	contentType, data, err := download(ctx, t, client, faust)
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "image/png" || !bytes.HasPrefix(data, []byte("\x89PNG")) {
		t.Errorf("got %s, %d bytes", contentType, len(data))
	}
}

func TestUploadRefuses(t *testing.T) {
	t.Parallel()
	client, ctx := covers(t)
	piece := make([]byte, 1<<20)
	for _, test := range []struct {
		name, book, contentType string
		pieces                  [][]byte
		want                    codes.Code
	}{
		{"no message", faust, "image/png", nil, codes.InvalidArgument},
		{"no data", faust, "image/png", [][]byte{nil}, codes.InvalidArgument},
		{"no book of that name", faust + "-9", "image/png", [][]byte{piece}, codes.NotFound},
		{"no name", "", "image/png", [][]byte{piece}, codes.InvalidArgument},
		{"a type that can hold scripts", faust, "image/svg+xml", [][]byte{piece}, codes.InvalidArgument},
		{"too much", faust, "image/png", [][]byte{piece, piece, piece, piece, {1}}, codes.ResourceExhausted},
	} {
		if _, err := upload(ctx, t, client, test.book, test.contentType, test.pieces...); status.Code(err) != test.want {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
	if _, err := upload(ctx, t, client, faust, "image/png", piece, piece, piece, piece); err != nil {
		t.Errorf("as much as fits: %v", err)
	}
}

func TestDownloadOfNoCover(t *testing.T) {
	t.Parallel()
	address := start(t, bookstore.ClusterConfig{}).Addresses()[0]
	conn, ctx := dial(t, address), within(t)
	book, err := bookstorev1.NewBookstoreServiceClient(conn).CreateBook(ctx, &bookstorev1.CreateBookRequest{
		Parent: "shelves/classics", Book: &bookstorev1.Book{Title: "Bare"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]codes.Code{book.GetName(): codes.NotFound, "shelves/x/books/y": codes.NotFound, "x": codes.InvalidArgument} {
		if _, _, err := download(ctx, t, bookstorev1.NewCoverServiceClient(conn), name); status.Code(err) != want {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
}
