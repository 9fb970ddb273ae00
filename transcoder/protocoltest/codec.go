// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protocoltest

import (
	"encoding/json"
	"testing"
)

// Codec returns functions that put messages of the contract into protobuf and out of it: as they are, or for Subjects that have JSON
// on the wire.
func Codec(inJSON bool) (toWire func(testing.TB, []byte) []byte, fromWire func(testing.TB, [][]byte) [][]byte) {
	if !inJSON {
		return func(_ testing.TB, m []byte) []byte { return m }, func(_ testing.TB, all [][]byte) [][]byte { return all }
	}
	return wireFromJSON, func(t testing.TB, all [][]byte) [][]byte {
		t.Helper()
		out := make([][]byte, len(all))
		for i, m := range all {
			out[i] = JSON(t, m)
		}
		return out
	}
}

// content is a message in JSON.
type content struct {
	Text string `json:"text,omitempty"`
}

// JSON puts a message of the contract into JSON.
func JSON(t testing.TB, message []byte) []byte {
	t.Helper()
	data, err := json.Marshal(content{Text: textOf(t, message)})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func wireFromJSON(t testing.TB, data []byte) []byte {
	t.Helper()
	var c content
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatalf("%q is not a message of the contract: %v", data, err)
	}
	return message(c.Text)
}
