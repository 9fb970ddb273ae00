// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// request is what of a connectrpc.conformance.v1.ServerCompatRequest matters here. The suite's generated code is internal to it, so
// its messages are read and written by their numbers.
type request struct {
	tls              bool
	certificate, key []byte
	limit            int64 // of messages that clients send; 0 for none
}

// Numbers of the fields of ServerCompatRequest, and of the TLSCreds in it.
const (
	requestProtocol    = 1
	requestHTTPVersion = 2
	requestTLS         = 4
	requestLimit       = 6
	requestCreds       = 7
	credsCert          = 1
	credsKey           = 2
)

// Numbers of the fields of ServerCompatResponse.
const (
	responseHost = 1
	responsePort = 2
	responseCert = 3
)

// Values of the enums Protocol and HTTPVersion.
const (
	protocolGRPC = 2
	httpVersion2 = 2
)

// maxRequest bounds what is read from the suite.
const maxRequest = 1 << 20

func readRequest(r io.Reader) (*request, error) {
	data, err := readMessage(r)
	if err != nil {
		return nil, err
	}
	req := &request{}
	err = fields(data, func(number protowire.Number, integer uint64, data []byte) error {
		switch int32(number) {
		case requestTLS:
			req.tls = integer != 0
		case requestLimit:
			req.limit = int64(integer) //nolint:gosec // it is a uint32
		case requestCreds:
			return fields(data, func(number protowire.Number, _ uint64, data []byte) error {
				switch int32(number) {
				case credsCert:
					req.certificate = data
				case credsKey:
					req.key = data
				}
				return nil
			})
		}
		return nil
	})
	return req, err
}

// writeBackendRequest asks the suite's gRPC server for gRPC in clear text.
func writeBackendRequest(w io.Writer) error {
	const most = 64 << 20 // the limit is the gateway's to keep
	var data []byte
	for _, f := range []struct {
		number protowire.Number
		value  uint64
	}{{requestProtocol, protocolGRPC}, {requestHTTPVersion, httpVersion2}, {requestLimit, most}} {
		data = protowire.AppendVarint(protowire.AppendTag(data, f.number, protowire.VarintType), f.value)
	}
	return writeMessage(w, data)
}

// readBackendResponse returns where the suite's gRPC server listens.
func readBackendResponse(r io.Reader) (host string, port uint64, err error) {
	data, err := readMessage(r)
	if err != nil {
		return "", 0, err
	}
	err = fields(data, func(number protowire.Number, integer uint64, data []byte) error {
		switch int32(number) {
		case responseHost:
			host = string(data)
		case responsePort:
			port = integer
		}
		return nil
	})
	return host, port, err
}

func writeResponse(w io.Writer, port int, certificate []byte) error {
	var data []byte
	data = protowire.AppendString(protowire.AppendTag(data, responseHost, protowire.BytesType), "127.0.0.1")
	data = protowire.AppendVarint(protowire.AppendTag(data, responsePort, protowire.VarintType), uint64(port)) //nolint:gosec // a port
	if len(certificate) > 0 {
		data = protowire.AppendBytes(protowire.AppendTag(data, responseCert, protowire.BytesType), certificate)
	}
	return writeMessage(w, data)
}

// fields calls f for each field of a message: those of varints have an integer, those with a length have data.
func fields(data []byte, f func(number protowire.Number, integer uint64, data []byte) error) error {
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return protowire.ParseError(n)
		}
		data = data[n:]
		var (
			integer uint64
			bytes   []byte
		)
		switch kind {
		case protowire.VarintType:
			integer, n = protowire.ConsumeVarint(data)
		case protowire.BytesType:
			bytes, n = protowire.ConsumeBytes(data)
		case protowire.Fixed32Type, protowire.Fixed64Type, protowire.StartGroupType, protowire.EndGroupType:
			n = protowire.ConsumeFieldValue(number, kind, data)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		if err := f(number, integer, bytes); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// readMessage reads a message behind its length, four bytes, big-endian.
func readMessage(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, fmt.Errorf("reading the length of a message: %w", err)
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxRequest {
		return nil, fmt.Errorf("message has %d bytes; at most %d are expected", n, maxRequest)
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, fmt.Errorf("reading a message of %d bytes: %w", n, err)
	}
	return data, nil
}

func writeMessage(w io.Writer, data []byte) error {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(data))) //nolint:gosec // it is short
	_, err := w.Write(append(out, data...))
	return err
}
