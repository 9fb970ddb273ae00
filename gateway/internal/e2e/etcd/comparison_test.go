// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"net/http"
	"strings"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// The comparison is what all else rests on, so it is shown to find what it is for.
func TestComparisonFindsEveryDifference(t *testing.T) {
	t.Parallel()
	const header = `"header":{"clusterId":"0","memberId":"0","revision":"7","raftTerm":"0"}`
	for _, tc := range []struct {
		name         string
		ours, theirs string
		says         string // what the difference must say; "" where there must be none
	}{
		{"the same in other words", `{` + header + `,"kvs":[],"more":false,"count":"3"}`, `{"header":{"revision":"7"},"count":"3"}`, ""},
		{"another value", `{` + header + `,"kvs":[],"more":false,"count":"4"}`, `{"header":{"revision":"7"},"count":"3"}`, `"4"`},
		{"a number for a string", `{` + header + `,"kvs":[],"more":false,"count":3}`, `{"header":{"revision":"7"},"count":"3"}`, "count"},
		{"a field that is missing", `{` + header + `,"kvs":[],"count":"3"}`, `{"header":{"revision":"7"},"count":"3"}`, "without more"},
		{"a field that is missing inside", `{"header":{"revision":"7"},"kvs":[],"more":false,"count":"3"}`, `{"header":{"revision":"7"},"count":"3"}`, "without clusterId"},
		{"a default of another type", `{` + header + `,"kvs":null,"more":false,"count":"3"}`, `{"header":{"revision":"7"},"count":"3"}`, "kvs"},
		{"a name that is none", `{` + header + `,"kvs":[],"more":false,"count":"3","Count":"3"}`, `{"header":{"revision":"7"},"count":"3"}`, "Count"},
		{"a field that is lost", `{` + header + `,"kvs":[],"more":false,"count":"0"}`, `{"header":{"revision":"7"},"count":"3"}`, "count"},
		{"a message that is lost", `{"kvs":[],"more":false,"count":"3"}`, `{"header":{"revision":"7"},"count":"3"}`, "header"},
		{"two answers", `{` + header + `,"kvs":[],"more":false,"count":"3"}{}`, `{"header":{"revision":"7"},"count":"3"}`, "without kvs"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := &call{answer: &pb.RangeResponse{}}
			problems := newComparison(general).check(c, answered(t, tc.ours), answered(t, tc.theirs))
			switch {
			case tc.says == "" && len(problems) > 0:
				t.Errorf("found %s", problems)
			case tc.says != "" && (len(problems) != 1 || !strings.Contains(problems[0], tc.says)):
				t.Errorf("found %s; want one difference that says %q", problems, tc.says)
			}
		})
	}
}

func TestComparisonFindsExceptionsThatAreNotNeeded(t *testing.T) {
	t.Parallel()
	k := newComparison(general)
	c := &call{answer: &pb.AlarmResponse{}, except: []exception{nothing}}
	problems := k.check(c, answered(t, `{"alarms":[]}`), answered(t, `{}`))
	if len(problems) != 1 || !strings.Contains(problems[0], `"nothing" is not needed`) {
		t.Errorf("found %s", problems)
	}
	// Of the general ones, that call needed only the defaults.
	if problems = k.finish(); len(problems) != len(general)-1 {
		t.Errorf("found %s", problems)
	}
}

// nothing explains nothing.
var nothing = exception{name: "nothing", explain: func(*call, *observed, *observed) error { return nil }}

// answered is an answer with 200.
func answered(t *testing.T, body string) *observed {
	t.Helper()
	values, err := valuesOf([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return &observed{Status: http.StatusOK, Values: values}
}
