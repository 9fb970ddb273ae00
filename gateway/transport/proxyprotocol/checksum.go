// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package proxyprotocol

import "hash/crc32"

// castagnoli is the polynomial of PP2_TYPE_CRC32C.
var castagnoli = crc32.MakeTable(crc32.Castagnoli) //nolint:gochecknoglobals // a table

// checksum is that of a header in which the checksum itself, at an index, counts as zeros.
func checksum(header []byte, at int) uint32 {
	var zeros [crcSize]byte
	sum := crc32.Update(0, castagnoli, header[:at])
	sum = crc32.Update(sum, castagnoli, zeros[:])
	return crc32.Update(sum, castagnoli, header[at+crcSize:])
}
