// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"log/slog"
	"net"
	"os"
)

// wantedBuffer is how much of what comes by UDP the kernel should hold, by its own measure: twice what is asked for. quic-go asks for it.
const wantedBuffer = 7 << 20

// quietVariable keeps quic-go from writing what warnOfBuffer says to standard error, in a form of its own.
const quietVariable = "QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING"

func quietBufferWarning() { _ = os.Setenv(quietVariable, "true") } // it fails only for names that cannot be

// warnOfBuffer tells where the kernel holds less of what comes than a burst can be: the rest is lost then, and has to be sent again.
func warnOfBuffer(socket net.PacketConn, log *slog.Logger) {
	if size, ok := receiveBuffer(socket); ok && size < wantedBuffer {
		log.Warn("the kernel's buffer for HTTP/3 is small, and what comes in bursts may be lost; raise net.core.rmem_max to 7500000",
			slog.Int("bytes", size), slog.Int("wanted", wantedBuffer))
	}
}
