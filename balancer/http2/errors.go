// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"fmt"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/internal/frames"
)

// connError is why a connection cannot go on.
type connError frames.Wrong

func (e *connError) Error() string { return "the server breaks the rules of HTTP/2: " + e.Text }

// reset is what a server that resets a stream means to its caller.
//
// https://github.com/grpc/grpc/blob/v1.75.0/doc/PROTOCOL-HTTP2.md, "Errors".
type reset struct {
	name string
	code codes.Code
}

// resets are by the code of HTTP/2.
var resets = [...]reset{
	frames.NoError:            {"NO_ERROR", codes.Internal},
	frames.ProtocolError:      {"PROTOCOL_ERROR", codes.Internal},
	frames.InternalError:      {"INTERNAL_ERROR", codes.Internal},
	frames.FlowControlError:   {"FLOW_CONTROL_ERROR", codes.Internal},
	frames.SettingsTimeout:    {"SETTINGS_TIMEOUT", codes.Internal},
	frames.StreamClosed:       {"STREAM_CLOSED", codes.Internal},
	frames.FrameSizeError:     {"FRAME_SIZE_ERROR", codes.Internal},
	frames.RefusedStream:      {"REFUSED_STREAM", codes.Unavailable},
	frames.Cancel:             {"CANCEL", codes.Canceled},
	frames.CompressionError:   {"COMPRESSION_ERROR", codes.Internal},
	frames.ConnectError:       {"CONNECT_ERROR", codes.Internal},
	frames.EnhanceYourCalm:    {"ENHANCE_YOUR_CALM", codes.ResourceExhausted},
	frames.InadequateSecurity: {"INADEQUATE_SECURITY", codes.PermissionDenied},
	frames.HTTP11Required:     {"HTTP_1_1_REQUIRED", codes.Internal},
}

func resetOf(c frames.Code) reset {
	if int(c) < len(resets) {
		return resets[c]
	}
	return reset{fmt.Sprintf("unknown error code 0x%x", uint32(c)), codes.Unknown}
}
