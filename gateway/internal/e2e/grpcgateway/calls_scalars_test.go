// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcgateway_test

import (
	"fmt"
	"slices"
)

// scalarText is the text of a scalar in a path or a query.
type scalarText struct {
	kind, text string
	options    []option
}

func texts(kind string, all ...any) []scalarText {
	var rows []scalarText
	for _, v := range all {
		switch v := v.(type) {
		case string:
			rows = append(rows, scalarText{kind: kind, text: v})
		case option:
			last := &rows[len(rows)-1]
			last.options = append(last.options, v)
		}
	}
	return rows
}

// scalarTexts are texts of each kind, good and bad.
func scalarTexts() []scalarText {
	var all []scalarText
	for _, k := range []struct{ kind, least, below, most, above string }{
		{"int32", "-2147483648", "-2147483649", "2147483647", "2147483648"},
		{"sint32", "-2147483648", "-2147483649", "2147483647", "2147483648"},
		{"sfixed32", "-2147483648", "-2147483649", "2147483647", "2147483648"},
		{"int64", "-9223372036854775808", "-9223372036854775809", "9223372036854775807", "9223372036854775808"},
		{"sint64", "-9223372036854775808", "-9223372036854775809", "9223372036854775807", "9223372036854775808"},
		{"sfixed64", "-9223372036854775808", "-9223372036854775809", "9223372036854775807", "9223372036854775808"},
		{"uint32", "0", "-1", "4294967295", "4294967296"},
		{"fixed32", "0", "-1", "4294967295", "4294967296"},
		{"uint64", "0", "-1", "18446744073709551615", "18446744073709551616"},
		{"fixed64", "0", "-1", "18446744073709551615", "18446744073709551616"},
	} {
		all = append(all, texts(k.kind, "7", k.least, k.below, k.most, k.above)...)
	}
	return slices.Concat(
		all,
		texts("int64", "-0", T(74), "%2B7", T(74), "007", T(74), "0x10", "0b1", "1_000", "1.0", "1e3", "null", "%207", "7%20", "x"),
		texts("uint32", "%2B7", "007", T(74), "-0", "1.0", "null"),
		texts("double", "1.5", "-0", "1e3", "1e308", "1e400", "NaN", "Infinity", "-Infinity", "null", "x", "%201"),
		texts("double", "inf", T(82), "-inf", T(82), "nan", T(82), "%2B1", T(82), ".5", T(82), "5.", T(82), "0x1p-2", T(82), "1_0", T(82)),
		texts("float", "1.5", "3.4028235e38", "1e39", "16777217", "NaN", "-Infinity", "%2BInf", T(82), "infinity", T(82), "x"),
		texts("bool", "true", "false", "1", T(78), "0", T(78), "t", T(78), "F", T(78), "TRUE", T(78), "False", T(78), "tRUE", "yes", "null", "2"),
		texts("color", "COLOR_RED", "COLOR_CRIMSON", "COLOR_INFRARED", "1", "10", "-1", "7", T(79), "%2B1", T(74), "01", T(74)),
		texts("color", "2147483648", "COLOR_MAUVE", "color_red", "null", "1.0"),
		texts("string", "text", "%C3%A9%F0%9F%98%80", "null", "a%2Bb", "a+b"),
		texts("bytes", "AP8=", "AP8", "-_8=", "-_8", "%2B_8", "YQ", "YQ==", "YR==", "YQ=", "!!!", "a+b=", "null", "YQ%0A=="),
	)
}

// scalarCalls have each text of each kind in a path and, of the messages that have them, in fields with and without presence, in lists,
// as values of maps and in wrappers.
func scalarCalls() []call {
	wrapped := []string{"double", "float", "int64", "uint64", "int32", "uint32", "bool", "string", "bytes"}
	var all []call
	for _, s := range scalarTexts() {
		add := func(format string, args ...any) {
			all = append(all, do("GET "+fmt.Sprintf(format, args...), "", s.options...))
		}
		add("/test/v1/path/%s/%s", s.kind, s.text)
		add("/test/v1/messages/scalars?%s_value=%s", s.kind, s.text)
		if !slices.Contains([]string{"sint32", "sfixed32", "sint64", "sfixed64", "fixed32", "fixed64"}, s.kind) {
			add("/test/v1/messages/optionals?%sValue=%s", s.kind, s.text)
			add("/test/v1/messages/repeateds?%s_values=%s&%s_values=%s", s.kind, s.text, s.kind, s.text)
		}
		if s.kind != "string" {
			add("/test/v1/messages/maps?%sValues[k]=%s", s.kind, s.text)
		}
		if slices.Contains(wrapped, s.kind) {
			add("/test/v1/messages/well-known?%s_wrapper=%s", s.kind, s.text)
		}
	}
	for _, kind := range []string{"int32", "int64", "uint32", "uint64", "sint32", "fixed64", "bool", "string"} {
		for _, key := range []string{"1", "-1", "01", "true", "T", "x", ""} {
			c := do(fmt.Sprintf("GET /test/v1/messages/maps?%s_keys[%s]=v", kind, key), "")
			switch {
			case key == "01" && kind != "bool" && kind != "string":
				T(74).apply(&c)
			case (key == "1" || key == "T") && kind == "bool":
				T(78).apply(&c)
			}
			all = append(all, c)
		}
	}
	return all
}
