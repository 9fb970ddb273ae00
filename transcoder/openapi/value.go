// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// plain puts what encoding/json, or a google.protobuf.Value, made into the values of a document.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		o := &object{}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			o.set(key, plain(v[key]))
		}
		return o
	case []any:
		l := make(list, len(v))
		for i := range v {
			l[i] = plain(v[i])
		}
		return l
	case float64:
		return number(v)
	default:
		return v
	}
}

// number is the shortest text of a number; a whole one has no fraction.
func number(f float64) json.Number {
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if whole := strconv.FormatFloat(f, 'f', -1, 64); !strings.Contains(whole, ".") && len(whole) <= 20 {
		s = whole
	}
	return json.Number(s)
}
