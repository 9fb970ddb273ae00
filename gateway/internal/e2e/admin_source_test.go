// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

// The admin API shows the lines in which an element of the API is written, and no other files.
func TestAdminShowsSources(t *testing.T) {
	t.Parallel()
	client := adminv1.NewSourceServiceClient(startFile(t).administer(t))
	const method = "dragoman.test.v1.BindingService/Get"
	got, err := client.GetSource(within(t), &adminv1.GetSourceRequest{Element: method, Around: 2})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(got.GetText(), "\n"), "\n")
	at := int(got.GetLine() - got.GetFirstLine())
	if len(lines) != 5 || at != 2 || !strings.Contains(lines[at], "rpc Get(") || filepath.Ext(got.GetFile()) != ".proto" || got.GetNewer() {
		t.Errorf("%s is in %s, line %d of those from %d on, newer %t:\n%s", method, got.GetFile(), got.GetLine(), got.GetFirstLine(), got.GetNewer(), got.GetText())
	}
	for _, row := range []struct {
		element string
		around  int32
		want    codes.Code
		reason  string
	}{
		{"dragoman.test.v1.Nothing", 0, codes.NotFound, "no such element"},
		{"google.protobuf.Timestamp", 0, codes.NotFound, "it is built in: its file is none on the disk"},
		{"/etc/passwd", 0, codes.NotFound, "the path of a file is no element"},
		{"", 0, codes.NotFound, "nothing"},
		{method, 201, codes.InvalidArgument, "more lines than are shown"},
		{method, -1, codes.InvalidArgument, "fewer than none"},
	} {
		_, err := client.GetSource(within(t), &adminv1.GetSourceRequest{Element: row.element, Around: row.around})
		if status.Code(err) != row.want {
			t.Errorf("%q, %d lines around it (%s): %v; want %s", row.element, row.around, row.reason, err, row.want)
		}
	}
}
