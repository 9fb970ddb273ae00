// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

// appendText appends a record for the text of a variable, parameter or header field. What is not in its JSON form is read again as
// Go reads it, if the configuration says so.
func (p *Plan) appendText(dst []byte, f *codec.Field, text string) ([]byte, error) {
	if p.config.LiteralMasks && isMask(f.Descriptor()) {
		return appendLiteralMask(dst, f.Descriptor(), text)
	}
	if err := p.checkNamed(f.Descriptor(), text); err != nil {
		return dst, err
	}
	if f == p.masked.mask && f != nil {
		return p.masked.appendText(dst, text, &p.config.Decode)
	}
	out, err := f.AppendText(dst, text, &p.config.Decode)
	if err == nil || !p.config.LenientScalars {
		return out, err
	}
	strict, ok := lenient(f.Descriptor(), text)
	if !ok {
		return out, err
	}
	if again, errAgain := f.AppendText(dst, strict, &p.config.Decode); errAgain == nil {
		return again, nil
	}
	return out, err
}

// lenient puts a text that Go's packages read into its JSON form.
func lenient(fd protoreflect.FieldDescriptor, text string) (string, bool) {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		v, err := strconv.ParseBool(text)
		return strconv.FormatBool(v), err == nil
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind,
		protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind, protoreflect.EnumKind:
		v, err := strconv.ParseInt(text, 10, 64)
		return strconv.FormatInt(v, 10), err == nil
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		v, err := strconv.ParseUint(text, 10, 64)
		return strconv.FormatUint(v, 10), err == nil
	case protoreflect.FloatKind:
		return lenientFloat(text, 32)
	case protoreflect.DoubleKind:
		return lenientFloat(text, 64)
	case protoreflect.MessageKind:
		switch md := fd.Message(); md.FullName() {
		case "google.protobuf.Duration":
			v, err := time.ParseDuration(text)
			return durationText(v), err == nil
		case "google.protobuf.BoolValue", "google.protobuf.DoubleValue", "google.protobuf.FloatValue", "google.protobuf.Int32Value",
			"google.protobuf.Int64Value", "google.protobuf.UInt32Value", "google.protobuf.UInt64Value":
			return lenient(md.Fields().Get(0), text)
		}
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.GroupKind:
	}
	return "", false
}

// durationText is the JSON form of a duration, to the nanosecond.
func durationText(d time.Duration) string {
	sign, seconds, nanos := "", int64(d/time.Second), int64(d%time.Second)
	if d < 0 {
		sign, seconds, nanos = "-", -seconds, -nanos
	}
	return fmt.Sprintf("%s%d.%09ds", sign, seconds, nanos)
}

func lenientFloat(text string, bits int) (string, bool) {
	v, err := strconv.ParseFloat(text, bits)
	if err != nil {
		return "", false
	}
	switch {
	case v > 1.7976931348623157e308:
		return "Infinity", true
	case v < -1.7976931348623157e308:
		return "-Infinity", true
	case v != v: // only NaN is not itself
		return "NaN", true
	}
	return strconv.FormatFloat(v, 'g', -1, bits), true
}

// codecKind is the kind of an error of the codec; 0 for other errors.
func codecKind(err error) codec.Kind {
	if e, ok := errors.AsType[*codec.Error](err); ok {
		return e.Kind
	}
	return 0
}
