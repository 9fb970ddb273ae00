// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Bounds of what is put into its one form. What is beyond them stands in the key as it came: it is found again only by a request of the
// same bytes.
const (
	maxCanonical = 64 << 10
	maxDepth     = 64
)

// canonicalizer writes messages in one form, whoever wrote them: fields in order, entries of maps in order, nothing that says nothing. What it
// writes always means what it read, so two requests with one form mean the same, whatever else is true of it. Where it is not certain
// it gives up. It is used by one goroutine at a time.
type canonicalizer struct {
	out     []byte
	records []record // a stack: those of the message at hand are at its end
	entries []byte   // of a map
}

// record is one field of a message as it stands on the wire.
type record struct {
	field      *shapeField
	begin, end int // with its tag
	value      int // where its value begins; of bytes, behind their length
}

// canonical returns the one form of a message; it is false where there is none that is certain. It is valid until the next use.
func (k *canonicalizer) canonical(s *shape, message []byte) ([]byte, bool) {
	if len(message) > maxCanonical {
		return nil, false
	}
	k.out, k.records = k.out[:0], k.records[:0]
	return k.out, k.message(s, message, 0)
}

// message appends the form of a message to out.
func (k *canonicalizer) message(s *shape, data []byte, depth int) bool {
	if depth > maxDepth {
		return false
	}
	first := len(k.records)
	defer func() { k.records = k.records[:first] }()
	if !k.scan(s, data) {
		return false
	}
	own := k.records[first:]
	byRank := func(a, b record) int { return cmp.Compare(a.field.rank, b.field.rank) }
	if !slices.IsSortedFunc(own, byRank) {
		slices.SortStableFunc(own, byRank)
	}
	for i := 0; i < len(own); {
		n := i + 1
		for n < len(own) && own[n].field.rank == own[i].field.rank {
			n++
		}
		// The stack may move while inner messages are on it; these records stay where they are.
		if !k.group(own[i:n], data, depth) {
			return false
		}
		i = n
	}
	return true
}

// scan puts the fields of a message on the stack; it is false where it has one that is not known, or is broken.
func (k *canonicalizer) scan(s *shape, data []byte) bool {
	for at := 0; at < len(data); {
		number, t, n := protowire.ConsumeTag(data[at:])
		if n < 0 {
			return false
		}
		f := s.field(number)
		if f == nil || !f.takes(t) {
			return false
		}
		size := protowire.ConsumeFieldValue(number, t, data[at+n:])
		if size < 0 {
			return false
		}
		r := record{field: f, begin: at, end: at + n + size, value: at + n}
		if t == protowire.BytesType {
			_, prefix := protowire.ConsumeVarint(data[r.value:])
			r.value += prefix
		}
		k.records = append(k.records, r)
		at = r.end
	}
	return true
}

// group appends the records of one field, or of one oneof.
func (k *canonicalizer) group(all []record, data []byte, depth int) bool {
	f := all[0].field
	switch {
	case f.isMap:
		return k.entriesOf(all, data, depth)
	case f.list:
		for i := range all {
			if !k.one(&all[i], data, depth) {
				return false
			}
		}
		return true
	case len(all) > 1:
		return false // the last counts, or they are merged: nobody writes that
	case f.zero && isZero(f, data[all[0].value:all[0].end]):
		return true
	}
	return k.one(&all[0], data, depth)
}

// one appends a record.
func (k *canonicalizer) one(r *record, data []byte, depth int) bool {
	if r.field.inner == nil {
		k.out = append(k.out, data[r.begin:r.end]...)
		return true
	}
	k.out = protowire.AppendTag(k.out, r.field.number, protowire.BytesType)
	begin := len(k.out)
	if !k.message(r.field.inner, data[r.value:r.end], depth+1) {
		return false
	}
	k.out = insertLength(k.out, begin)
	return true
}

// insertLength puts the length of what stands at the end of b before it.
func insertLength(b []byte, begin int) []byte {
	n := len(b) - begin
	var prefix [binary.MaxVarintLen64]byte
	size := binary.PutUvarint(prefix[:], uint64(n))
	b = append(b, prefix[:size]...)
	copy(b[begin+size:], b[begin:begin+n])
	copy(b[begin:], prefix[:size])
	return b
}

// entriesOf appends the entries of a map in order. A map that has a key twice is left: which of them counts hangs on the order.
func (k *canonicalizer) entriesOf(all []record, data []byte, depth int) bool {
	begin := len(k.out)
	ends := make([]int, 0, len(all))
	keys := make(map[string]struct{}, len(all))
	for i := range all {
		at := len(k.out)
		if !k.one(&all[i], data, depth) {
			return false
		}
		key, ok := keyOf(all[i].field.inner, k.out[at:])
		if _, twice := keys[key]; twice || !ok {
			return false
		}
		keys[key] = struct{}{}
		ends = append(ends, len(k.out))
	}
	if len(all) == 1 {
		return true
	}
	k.entries = append(k.entries[:0], k.out[begin:]...)
	sorted := make([][]byte, len(all))
	at := 0
	for i, end := range ends {
		sorted[i] = k.entries[at : end-begin]
		at = end - begin
	}
	slices.SortFunc(sorted, bytes.Compare)
	k.out = k.out[:begin]
	for _, entry := range sorted {
		k.out = append(k.out, entry...)
	}
	return true
}

// keyOf returns the key of an entry of a map that is written in its form, the same for all ways to write one.
func keyOf(entry *shape, record []byte) (string, bool) {
	_, _, n := protowire.ConsumeTag(record)
	body, size := protowire.ConsumeBytes(record[n:])
	if size < 0 {
		return "", false
	}
	const keyNumber = 1
	number, t, n := protowire.ConsumeTag(body)
	if n < 0 || number != keyNumber {
		return "", true // the zero value, which is left out
	}
	size = protowire.ConsumeFieldValue(number, t, body[n:])
	if size < 0 {
		return "", false
	}
	value := body[n : n+size]
	if t == protowire.BytesType {
		text, _ := protowire.ConsumeBytes(value)
		return string(text), true
	}
	if t != protowire.VarintType {
		return string(value), true
	}
	v, _ := protowire.ConsumeVarint(value)
	switch entry.field(keyNumber).kind {
	case protoreflect.BoolKind:
		v = protowire.EncodeBool(v != 0)
	case protoreflect.Int32Kind, protoreflect.Uint32Kind, protoreflect.Sint32Kind:
		v = uint64(uint32(v)) //nolint:gosec // what is above is cut off, as all readers do
	default:
	}
	if v == 0 {
		return "", true // as if it were left out
	}
	return string(binary.BigEndian.AppendUint64(nil, v)), true
}

// isZero tells whether a value is certainly the zero value.
func isZero(f *shapeField, value []byte) bool {
	switch f.kind {
	case protoreflect.StringKind, protoreflect.BytesKind:
		return len(value) == 0
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return false
	default:
	}
	for _, b := range value {
		if b&0x7f != 0 || b != 0 && !varint(f.kind) {
			return false
		}
	}
	return true
}

func varint(k protoreflect.Kind) bool {
	switch k {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind,
		protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return false
	default:
		return true
	}
}
