// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package testbackend_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/api/httpbody"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// all reads a stream to its end.
func all[T any](stream grpc.ServerStreamingClient[T]) (messages []*T, err error) {
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return messages, nil
		}
		if err != nil {
			return messages, err
		}
		messages = append(messages, message)
	}
}

func TestServerStream(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		behavior *testv1.Behavior
		messages int
		want     codes.Code
	}{
		{"one when not told", nil, 1, codes.OK},
		{"many", &testv1.Behavior{Messages: 300}, 300, codes.OK},
		{"none", &testv1.Behavior{NoMessage: true}, 0, codes.OK},
		{"a status at once", &testv1.Behavior{Status: &spb.Status{Code: 8}}, 0, codes.ResourceExhausted},
		{"a status after some", &testv1.Behavior{Messages: 3, Status: &spb.Status{Code: 14}}, 3, codes.Unavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, conn, ctx := run(t)
			stream, err := testv1.NewStreamServiceClient(conn).Repeat(ctx, &testv1.BindRequest{Choice: textOf("x"), Behavior: test.behavior})
			if err != nil {
				t.Fatal(err)
			}
			messages, err := all(stream)
			wantCode(t, err, test.want)
			if len(messages) != test.messages {
				t.Fatalf("got %d messages, want %d", len(messages), test.messages)
			}
			for i, message := range messages {
				if message.GetText() != "x" || int(message.GetSeen().GetSequence()) != i+1 {
					t.Errorf("message %d: got %v", i, message)
				}
			}
		})
	}
}

func textOf(text string) *testv1.BindRequest_Text { return &testv1.BindRequest_Text{Text: text} }

func TestCanaryStreamSendsTen(t *testing.T) {
	t.Parallel()
	_, conn, ctx := run(t)
	stream, err := testv1.NewEchoServiceClient(conn).Stream(ctx, &testv1.CanaryRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if messages, err := all(stream); err != nil || len(messages) != 10 {
		t.Errorf("got %d messages and error %v, want 10", len(messages), err)
	}
}

func TestClientStreamAnswersWhenAllHaveCome(t *testing.T) {
	t.Parallel()
	_, conn, ctx := run(t)
	stream, err := testv1.NewStreamServiceClient(conn).Collect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if err := stream.Send(&testv1.BindRequest{Id: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	response, err := stream.CloseAndRecv()
	if err != nil {
		t.Fatal(err)
	}
	if seen := response.GetSeen(); seen.GetSequence() != 5 || seen.GetRequestJson() != `{"id":"4"}` {
		t.Errorf("got %v", seen)
	}
}

func TestClientStreamWithoutMessages(t *testing.T) {
	t.Parallel()
	_, conn, ctx := run(t)
	stream, err := testv1.NewStreamServiceClient(conn).Collect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	response, err := stream.CloseAndRecv()
	if err != nil || response.GetSeen().GetSequence() != 0 {
		t.Errorf("got %v and error %v", response, err)
	}
}

func TestClientStreamIsAnsweredEarly(t *testing.T) {
	t.Parallel()
	for _, want := range []codes.Code{codes.OK, codes.PermissionDenied} {
		_, conn, ctx := run(t)
		stream, err := testv1.NewStreamServiceClient(conn).Collect(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Send(&testv1.BindRequest{Behavior: &testv1.Behavior{Messages: 1, Status: &spb.Status{Code: int32(want)}}}); err != nil {
			t.Fatal(err)
		}
		// The client has not closed its side.
		response := &testv1.BindResponse{}
		wantCode(t, stream.RecvMsg(response), want)
	}
}

func TestBidiStreamAnswersEachMessage(t *testing.T) {
	t.Parallel()
	_, conn, ctx := run(t)
	stream, err := testv1.NewStreamServiceClient(conn).Converse(ctx)
	if err != nil {
		t.Fatal(err)
	}
	first := &testv1.Behavior{HeaderFirst: true, Header: []*testv1.Metadata{{Key: "x-h", Values: []string{"1"}}}}
	for i, behavior := range []*testv1.Behavior{first, {Messages: 2}, nil} {
		if err := stream.Send(&testv1.BindRequest{Behavior: behavior}); err != nil {
			t.Fatal(err)
		}
		for range max(behavior.GetMessages(), 1) {
			response, err := stream.Recv()
			if err != nil || int(response.GetSeen().GetSequence()) != i+1 {
				t.Fatalf("message %d: got %v and error %v", i, response, err)
			}
		}
	}
	header, err := stream.Header()
	if err != nil || !cmp.Equal(header["x-h"], []string{"1"}) {
		t.Errorf("got header %v and error %v", header, err)
	}
	if err := stream.Send(&testv1.BindRequest{Behavior: &testv1.Behavior{Status: &spb.Status{Code: 10}}}); err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	wantCode(t, err, codes.Aborted)
}

func TestHeaderComesBeforeTheFirstMessage(t *testing.T) {
	t.Parallel()
	backend, conn, ctx := run(t)
	stream, err := testv1.NewStreamServiceClient(conn).Converse(ctx)
	if err != nil {
		t.Fatal(err)
	}
	behavior := &testv1.Behavior{HeaderFirst: true, NoMessage: true, Trailer: []*testv1.Metadata{{Key: "x-t", Values: []string{"1"}}}}
	if err := stream.Send(&testv1.BindRequest{Behavior: behavior}); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Header(); err != nil {
		t.Fatal(err)
	}
	if got := backend.Counts(testv1.StreamService_Converse_FullMethodName).Running; got != 1 {
		t.Errorf("got %d running calls, want 1", got)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if message, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v and error %v, want the end", message, err)
	}
	if trailer := stream.Trailer(); !cmp.Equal(trailer["x-t"], []string{"1"}) {
		t.Errorf("got trailer %v", trailer)
	}
}

func TestUploadCountsBytes(t *testing.T) {
	t.Parallel()
	_, conn, ctx := run(t)
	upload, err := testv1.NewStreamServiceClient(conn).Upload(ctx)
	if err != nil {
		t.Fatal(err)
	}
	named, err := testv1.NewBeyondStreamServiceClient(conn).UploadNamed(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		body := &httpbody.HttpBody{ContentType: "text/plain", Data: make([]byte, 1000)}
		if err := upload.Send(body); err != nil {
			t.Fatal(err)
		}
		if err := named.Send(&testv1.BindRequest{File: body}); err != nil {
			t.Fatal(err)
		}
	}
	for _, closeAndRecv := range []func() (*testv1.BindResponse, error){upload.CloseAndRecv, named.CloseAndRecv} {
		response, err := closeAndRecv()
		if err != nil || response.GetCount() != 3000 || response.GetSeen().GetSequence() != 3 || response.GetFile().GetContentType() != "text/plain" {
			t.Errorf("got %v and error %v", response, err)
		}
	}
}

func TestDownloadIsCutIntoMessages(t *testing.T) {
	t.Parallel()
	_, conn, ctx := run(t)
	for _, request := range []*testv1.BindRequest{
		{File: &httpbody.HttpBody{ContentType: "image/gif", Data: []byte("0123456789")}, Behavior: &testv1.Behavior{Messages: 3}},
		{Behavior: &testv1.Behavior{Messages: 3, PayloadSize: 10}},
	} {
		wantType := "application/octet-stream"
		if request.GetFile() != nil {
			wantType = "image/gif"
		}
		stream, err := testv1.NewStreamServiceClient(conn).Download(ctx, request)
		if err != nil {
			t.Fatal(err)
		}
		pieces, err := all(stream)
		if err != nil {
			t.Fatal(err)
		}
		fields, err := testv1.NewStreamServiceClient(conn).DownloadField(ctx, request)
		if err != nil {
			t.Fatal(err)
		}
		messages, err := all(fields)
		if err != nil {
			t.Fatal(err)
		}
		if len(pieces) != 3 || len(messages) != 3 || pieces[0].GetContentType() != wantType || pieces[1].GetContentType() != "" {
			t.Fatalf("got %v and %v, want three each", pieces, messages)
		}
		var data []byte
		for i, piece := range pieces {
			data = append(data, piece.GetData()...)
			if !proto.Equal(piece, messages[i].GetFile()) {
				t.Errorf("got %v in the field, want %v", messages[i].GetFile(), piece)
			}
		}
		if !bytes.Equal(data, []byte("0123456789")) {
			t.Errorf("got %q", data)
		}
	}
}

func TestExchangeSendsEachPieceBack(t *testing.T) {
	t.Parallel()
	_, conn, ctx := run(t)
	stream, err := testv1.NewStreamServiceClient(conn).Exchange(metadata.AppendToOutgoingContext(ctx, "x", "y"))
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range []string{"a", "bc"} {
		if err := stream.Send(&httpbody.HttpBody{Data: []byte(data)}); err != nil {
			t.Fatal(err)
		}
		if piece, err := stream.Recv(); err != nil || string(piece.GetData()) != data {
			t.Fatalf("got %v and error %v, want %q", piece, err, data)
		}
	}
}
