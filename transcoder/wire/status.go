// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"strconv"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/internal/percent"
)

// AppendStatus appends a status as gRPC has it in its trailers: grpc-status, grpc-message and, where there are details,
// grpc-status-details-bin.
//
// https://github.com/grpc/grpc/blob/v1.75.0/doc/PROTOCOL-HTTP2.md#responses, "Status".
func AppendStatus(dst Header, st *spb.Status) Header {
	dst.Add("grpc-status", strconv.Itoa(int(st.GetCode())))
	if st.GetMessage() != "" {
		dst.Add("grpc-message", string(percent.Append(nil, st.GetMessage())))
	}
	if len(st.GetDetails()) > 0 {
		if details, err := (proto.MarshalOptions{}).MarshalAppend(nil, st); err == nil {
			dst.Add("grpc-status-details-bin", EncodeBinary(details))
		}
	}
	return dst
}
