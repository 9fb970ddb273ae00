// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Bounds of what is told.
const (
	// maxViolations is how many violations are told of a message.
	maxViolations = 100
	// maxText is how long the text of one may be, and the path of its field, in bytes: both may have in them what the client has sent.
	maxText = 512
)

// violation is a field that is not as the schema says.
type violation struct {
	field, description string
	// rule names the rule that is broken.
	rule string
	// secret says that the field is debug_redact, so that no log is to have what a rule says of its value.
	secret bool
}

// violationOf makes one of what the library has found.
func violationOf(v *protovalidate.Violation) violation {
	out := violation{field: protovalidate.FieldPathString(v.Proto.GetField()), description: v.Proto.GetMessage(), rule: v.Proto.GetRuleId()}
	if out.description == "" {
		out.description = "breaks the rule " + out.rule
	}
	if v.FieldDescriptor != nil {
		o, ok := v.FieldDescriptor.Options().(*descriptorpb.FieldOptions)
		out.secret = ok && o.GetDebugRedact()
	}
	return out
}

// violations are those of a message.
type violations struct {
	list []violation
	more int // that are not told
}

// full tells whether no more of them are told.
func (v *violations) full() bool { return len(v.list) >= maxViolations }

func (v *violations) add(one violation) {
	if v.full() {
		v.more++
		return
	}
	v.list = append(v.list, one)
}

// err is what the client is told; nil where nothing is broken.
func (v *violations) err() error {
	if len(v.list) == 0 {
		return nil
	}
	first := v.list[0]
	text := first.description
	if first.secret {
		text = "is not valid"
	}
	if first.field != "" {
		text = clip(first.field) + ": " + clip(text)
	}
	if n := len(v.list) - 1 + v.more; n > 0 {
		text = fmt.Sprintf("%s (and %d more)", text, n)
	}
	e := status.Errorf(codes.InvalidArgument, status.ReasonValidationFailed, "the request is not valid: %s", text)
	for _, one := range v.list {
		e.Violations = append(e.Violations, status.Violation{Field: clip(one.field), Description: clip(one.description), Reason: reason(one.rule)})
	}
	return e
}

// clip shortens a text, at the end of a character.
func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	s = s[:maxText]
	for s != "" {
		if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size != 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s + "…"
}

// maxReason is how long the reason of a violation may be (google.rpc.BadRequest).
const maxReason = 63

// reason is the name of a rule in the form of google.rpc.BadRequest: upper case, with underscores; "" where it has no such form.
func reason(rule string) string {
	out := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		case r == '.' || r == '-' || r == '_':
			return '_'
		default:
			return '~'
		}
	}, rule)
	if len(out) < 2 || len(out) > maxReason || strings.ContainsRune(out, '~') || out[0] < 'A' || out[0] > 'Z' || strings.HasSuffix(out, "_") {
		return ""
	}
	return out
}
