// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bookstore

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

// coverPiece is how many bytes of a cover go into one message.
const coverPiece = 32 << 10

// coverTypes are the pictures that a browser shows and that hold no scripts.
var coverTypes = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// UploadCover stores the cover of a book.
func (s *Service) UploadCover(stream grpc.ClientStreamingServer[bookstorev1.UploadCoverRequest, bookstorev1.UploadCoverResponse]) error {
	first, err := stream.Recv()
	if errors.Is(err, io.EOF) {
		var p problems
		p.add("name", "is missing: the upload has no message")
		return p.err()
	}
	if err != nil {
		return err
	}
	if err := s.checkUpload(first); err != nil {
		return err
	}
	data, err := readUpload(first.GetCover().GetData(), stream)
	if err != nil {
		return err
	}
	picture := cover{contentType: first.GetCover().GetContentType(), data: data, sum: sha256.Sum256(data), updateTime: time.Now()}
	if err := s.store.setCover(first.GetName(), picture); err != nil {
		return err
	}
	return stream.SendAndClose(&bookstorev1.UploadCoverResponse{
		Name:        first.GetName(),
		ContentType: picture.contentType,
		SizeBytes:   int64(len(data)),
		Sha256:      picture.sum[:],
		UpdateTime:  timestamppb.New(picture.updateTime),
	})
}

// checkUpload refuses what cannot be stored before the rest of it is read.
func (s *Service) checkUpload(first *bookstorev1.UploadCoverRequest) error {
	var p problems
	p.bookName("name", first.GetName())
	if contentType := first.GetCover().GetContentType(); !slices.Contains(coverTypes, contentType) {
		p.add("cover.content_type", "is %q; it must be one of %q", contentType, coverTypes)
	}
	if err := p.err(); err != nil {
		return err
	}
	_, err := s.store.book(first.GetName())
	return err
}

// readUpload returns data with the pieces that follow behind it.
func readUpload(data []byte, stream grpc.ClientStreamingServer[bookstorev1.UploadCoverRequest, bookstorev1.UploadCoverResponse]) ([]byte, error) {
	for {
		if len(data) > maxCover {
			return nil, exhausted("cover", fmt.Sprintf("the cover has more than %d bytes", maxCover))
		}
		next, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		data = append(data, next.GetCover().GetData()...)
	}
	if len(data) == 0 {
		var p problems
		p.add("cover.data", "is empty")
		return nil, p.err()
	}
	return data, nil
}

// DownloadCover sends the cover of a book in pieces.
func (s *Service) DownloadCover(request *bookstorev1.DownloadCoverRequest, stream grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	var p problems
	p.bookName("name", request.GetName())
	if err := p.err(); err != nil {
		return err
	}
	picture, err := s.store.coverOf(request.GetName())
	if err != nil {
		return err
	}
	contentType := picture.contentType
	for piece := range slices.Chunk(picture.data, coverPiece) {
		if err := stream.Send(&httpbody.HttpBody{ContentType: contentType, Data: piece}); err != nil {
			return err
		}
		// The first message says it for all.
		contentType = ""
	}
	return nil
}
