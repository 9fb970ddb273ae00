// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package codec provides conversion between JSON and protobuf wire bytes, from tables compiled once per message type.
//
// A [Codec] belongs to one schema. It gives a [Message] for a message descriptor; the message converts whole messages
// and gives a [Field] for each of its fields, which converts the value of that field alone: that is what
// google.api.http needs for body, response_body, path variables and query parameters. Everything that produces wire
// bytes appends records to a buffer, because in protobuf merging is concatenation: a request is bound by appending.
//
// # What JSON is accepted
//
// The ProtoJSON mapping, as google.golang.org/protobuf/encoding/protojson reads it, with these differences, all of
// them stricter except the first two:
//
//   - a UTF-8 byte order mark before the value is skipped;
//   - null for a repeated google.protobuf.Value or NullValue field leaves it unset, as for any other field;
//   - DiscardUnknown ignores unknown names only; an unknown enum string and an Any with members but no "@type" are errors;
//   - a number that is not a value of a closed enum is an error;
//   - an incomplete exponent (1e) is a syntax error, also where an integer is expected;
//   - a timestamp is RFC 3339 to the letter, a duration has at least one digit, base64 has no line breaks, a map key
//     that is an integer is decimal with no sign but a minus and no leading zeros;
//   - nesting is limited to Config.MaxDepth messages, counted as on the wire, where map entries count too.
//
// Required fields may be missing, since the rest of a request may bring them: see [Message.MissingRequired].
//
// # What JSON is written
//
// Compact, no HTML escaping, fields in the order of their declaration and extensions after them by full name, map
// entries by key: equal messages give equal bytes, and these are the bytes of protojson without its random white space.
// Fields unknown to the schema are left out, and so are fields without a value as [Defaults] says. An Any of a type that
// is not in the schema is written with its bytes in base64. Bytes that are not a message of their type, which is to say
// those that protojson would refuse, are an [Error] with Wire set; only records that a later one replaces are passed over
// without being looked into.
//
// # How
//
// A [Message] is a table: fields in the order of declaration, each with its tag, its name as it is written, and the table
// of its own messages. Both directions are one pass over the input that appends to the output and allocates nothing. What
// one pass cannot do, because records come out of order or in pieces, is done in a second run that sorts the records of
// each message first (encode_merge.go); no message object is ever built. Each direction reads like the format that it
// reads: encode_message.go and decode_message.go are the trunks, and the branches are named after what they convert.
package codec
