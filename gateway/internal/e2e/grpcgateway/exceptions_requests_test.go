// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcgateway_test

import (
	"fmt"
	"net/http"
)

// What a query means.
var (
	throughNoMessage = otherwise("names that lead nowhere",
		"T57: a name that is no field's is ignored, whatever is wrong with it; grpc-gateway refuses some and gives lists their brackets as an element")
	setTwice     = stricter("field in whole and in part", http.StatusBadRequest, "T83: a field that is given as a whole and in part is refused; grpc-gateway takes one of the two, by chance")
	anyByParts   = otherwise("parts of an Any", "T67: the parts of an Any cannot be given one by one, so that its type is always looked up")
	maskByParts  = otherwise("parts of a mask", "T67: the parts of a field mask cannot be given one by one")
	emptyParents = otherwise("empty parents",
		"T68: nothing is made present but what is set; grpc-gateway makes the messages on the way to a field that is none")
	bracketsInKey    = otherwise("brackets in a key", "T65: a key of a map is what stands between the first bracket and the last")
	listByTwoNames   = broader("list by two names", "T50, T63: both names of a list are the same list, in the order of the query; grpc-gateway refuses the second name")
	parentOfVariable = otherwise("parent of a variable",
		"T51: a parameter for the message that has a variable inside is dropped as one for the variable is; grpc-gateway finds that the message has no text form")
	malformedQuery = stricter("malformed query", http.StatusBadRequest,
		"T61: a query that is malformed is refused, also where it has nothing to set; grpc-gateway does not look at it there")
	jsonInLists = stricter("JSON in lists and maps", http.StatusBadRequest,
		"T66, T67: JSON can be given for one Struct, Value or ListValue, and not for many")
	listValue    = broader("ListValue", "T67: a ListValue can be given as JSON, as Struct and Value can; grpc-gateway knows no form for it")
	emptyMessage = stricter("Empty", http.StatusBadRequest, "T67: an Empty has no text form")
	longFraction = stricter("long fractions", http.StatusBadRequest,
		"T83: a timestamp has at most nine digits behind the point; grpc-gateway drops what is more")
	longDuration = broader("long durations", "T84: a duration may be as long as its type; grpc-gateway knows 292 years")
)

// What a body means.
var (
	emptyBody = otherwise("empty body", "T72: an empty body leaves the field unset; grpc-gateway makes it present")
	nullBody  = otherwise("null for a field", "T103: null leaves the field unset; grpc-gateway makes it present, or does not know null")
	blankBody = stricter("white space for a body", http.StatusBadRequest, "T72, T93: white space is no JSON; grpc-gateway takes it for an empty body")
	fieldJSON = broader("JSON of a field",
		"T81, T99, T103: a body that is a field is the JSON of that field; grpc-gateway decodes it as Go's encoding/json does, which knows no names of enums, no integers in strings, no 1.0 and no base64 for URLs")
	nullElement  = stricter("null in lists and maps", http.StatusBadRequest, "T98: null is no element; grpc-gateway makes it an empty string")
	halfRune     = stricter("half of a surrogate pair", http.StatusBadRequest, "T105: it stands for no character; grpc-gateway puts a replacement in its place")
	duplicateKey = stricter("one key twice", http.StatusBadRequest, "T95: a key that is given twice is ambiguous; grpc-gateway takes the last")
	moreData     = stricter("data after the JSON", http.StatusBadRequest,
		"T94: a body is one JSON value; grpc-gateway reads the first and ignores what follows, which two readers can understand in two ways")
	byteOrderMark = broader("byte order mark", "T105: it is ignored")
	lostEnum      = stricter("unknown enum names", http.StatusBadRequest,
		"T97: only unknown fields are dropped; grpc-gateway drops values whose enum does not know them, and the data is lost")
	lostAny     = stricter("Any without a type", http.StatusBadRequest, "T97: only unknown fields are dropped; grpc-gateway drops what is in an Any without a type")
	keySpelling = stricter("spelling of keys", http.StatusBadRequest, "T74: an integer has one spelling, so that a key cannot be given twice")
	notSaid     = stricter("errors that are not UTF-8", http.StatusBadRequest,
		"T88: an error is said, whatever was wrong; grpc-gateway repeats bytes that are not UTF-8, and then fails with 500 to write them")
	nullStruct        = otherwise("null for a Struct", "T67, T98: null leaves a Struct unset; grpc-gateway does not know null here")
	keyByTwoSpellings = stricter("one key in two spellings", http.StatusBadRequest,
		"T65: a key that is given twice is refused, however it is spelt; in grpc-gateway one of the values wins, by chance")
	nullList     = broader("null for a list", "T98: null leaves a list unset, whatever its elements are")
	deepJSON     = stricter("deep nesting", http.StatusBadRequest, "T102: JSON nests at most 100 deep, so that no request can use up the stack")
	closedNumber = stricter("numbers of a closed enum", http.StatusBadRequest, "T79: a closed enum has no other numbers than those that it names")
	missing      = stricter("required fields", http.StatusBadRequest, "T73: the client is told what is missing; grpc-gateway fails with 500 when it encodes the message")
	emptyMask    = otherwise("empty mask",
		"T108: a mask of nothing is left unset, for an empty one means everything to backends; grpc-gateway sends it empty, with one empty path, or refuses null")
	unknownInMask = broader("unknown fields of a PATCH", "T96, T107: an unknown field is dropped, and is not in the mask; grpc-gateway refuses it here, although it drops it elsewhere")

	clientStream = exception{
		name:   "streams of requests",
		reason: "T19: where both sides stream, plain REST cannot carry the call; grpc-gateway answers while it reads",
		explain: func(_ *call, ours, theirs *observed) error {
			if ours.Status != http.StatusNotImplemented || len(ours.Calls) > 0 || len(theirs.Calls) != 1 {
				return fmt.Errorf("dragoman answers %d after %d calls, grpc-gateway after %d", ours.Status, len(ours.Calls), len(theirs.Calls))
			}
			if err := isRefusal(ours); err != nil {
				return err
			}
			*theirs = *ours.clone()
			return nil
		},
	}
	upload = otherwise("uploads", "T127: an upload is the bytes of the body; grpc-gateway takes the JSON of an HttpBody for each piece")
)

// What a header means.
var (
	binaryList   = otherwise("lists of binary values", "T164: binary values may be joined by commas; grpc-gateway refuses that")
	notPrintable = stricter("values that are not printable ASCII", http.StatusBadRequest,
		"T165: a value that metadata cannot have is refused; grpc-gateway drops it, and the call lacks what the client has said")
	manyDigits   = stricter("digits of a timeout", http.StatusBadRequest, "T173: a timeout has at most eight digits, as gRPC says")
	noTime       = stricter("timeout of nothing", http.StatusGatewayTimeout, "T174: a timeout of zero has passed; grpc-gateway takes it for none")
	otherTimeout = pick("other timeouts", "T173: the timeouts of Connect and of Google's servers count as well", func(ours, theirs *observed) error {
		if !ours.Calls[0].Deadline || theirs.Calls[0].Deadline {
			return fmt.Errorf("deadlines are %t and %t", ours.Calls[0].Deadline, theirs.Calls[0].Deadline)
		}
		seen, _ := ours.object()["seen"].(map[string]any)
		delete(seen, "deadlineLeft")
		ours.Calls[0].Deadline = false
		return nil
	})
	reservedName = exception{
		name:   "names that cannot be metadata",
		reason: "T161: nobody's metadata is called so; grpc-gateway passes it to gRPC, which fails",
		explain: func(c *call, ours, theirs *observed) error {
			if theirs.Status != http.StatusInternalServerError {
				return fmt.Errorf("grpc-gateway answers %d", theirs.Status)
			}
			return another(c, ours, theirs)
		},
	}
	cookie = withheld("cookies", "grpcgateway-cookie",
		"T163: a cookie stays at the gateway, for where any content type is accepted a form of a foreign site could use it")
	forwarded = withheld("who is in front, by a prefix", "x-forwarded-proto", "T170: x-forwarded-* are the gateway's to say, by whatever name a client brings them")
	ownNames  = withheld("names of the gateway", "x-dragoman-user", "T162: what only the gateway can say is not taken from a client, under a prefix neither")
	hopByHop  = exception{
		name:   "fields for the next hop",
		reason: "T161: what Connection names is for the gateway and for nobody behind it",
		explain: func(_ *call, ours, theirs *observed) error {
			if len(ours.Calls[0].Metadata) > 0 {
				return fmt.Errorf("our backend saw %v", ours.Calls[0].Metadata)
			}
			clear(theirs.Calls[0].Metadata)
			return nil
		},
	}
)

// withheld is the exception of metadata that we do not let a client send.
func withheld(name, key, reason string) exception {
	return pick(name, reason, func(ours, theirs *observed) error {
		if ours.Calls[0].Metadata.Get(key) != nil || theirs.Calls[0].Metadata.Get(key) == nil {
			return fmt.Errorf("%s is %q and %q", key, ours.Calls[0].Metadata.Get(key), theirs.Calls[0].Metadata.Get(key))
		}
		theirs.Calls[0].Metadata.Delete(key)
		return nil
	})
}
