// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"

	"google.golang.org/grpc/codes"
)

// What Dragoman accepts and etcd's gateway refuses. The answer must be the one that etcd gives to the plain form.

var (
	wholeNumber = broader("whole numbers with a point or an exponent", "T99: ProtoJSON reads 1.0 and 1e0 as the integer 1")
	base64Forms = broader("forms of base64", "T81: ProtoJSON reads the standard and the URL alphabet, with and without padding")
)

// broader is the exception of a call that only Dragoman understands.
func broader(name, reason string) exception {
	return exception{
		name:   name,
		reason: reason,
		explain: func(c *call, ours, theirs *observed) error {
			if ours.Status != http.StatusOK || theirs.Status < http.StatusBadRequest {
				return fmt.Errorf("status %d and %d; want 200 and a refusal", ours.Status, theirs.Status)
			}
			if c.plainSeen == nil {
				return errors.New("the call has no plain form")
			}
			*theirs = *c.plainSeen.clone()
			return nil
		},
	}
}

var newerMethod = exception{
	name: "method newer than the server",
	reason: "the module has methods that etcd 3.4 does not: there is a route, and etcd says by itself that it has no such method; " +
		"its own gateway has no route",
	explain: func(c *call, ours, theirs *observed) error {
		if theirs.Status != http.StatusNotFound || theirs.Text == "" {
			return fmt.Errorf("etcd's gateway answers %d %q", theirs.Status, theirs.Text)
		}
		if ours.Status != http.StatusNotImplemented || ours.code() != int64(codes.Unimplemented) || ours.text("message") != c.says {
			return fmt.Errorf("dragoman answers %d with code %d and %q; want 501 with 12 and %q", ours.Status, ours.code(), ours.text("message"), c.says)
		}
		*theirs = *ours.clone()
		return nil
	},
}

var preflight = exception{
	name:   "options",
	reason: "T44: OPTIONS tells the methods of the path and has no body, so 204; etcd's gateway answers every OPTIONS with 200 and the headers of CORS",
	explain: func(_ *call, ours, theirs *observed) error {
		if theirs.Status != http.StatusOK || ours.Status != http.StatusNoContent || ours.Allow != "OPTIONS, POST" {
			return fmt.Errorf("status %d and %d, Allow %q", theirs.Status, ours.Status, ours.Allow)
		}
		theirs.Status = ours.Status
		return nil
	},
}

// What is of the moment.

var remainingTime = exception{
	name:      "remaining time",
	reason:    "the time that a lease has left runs between the two calls",
	momentary: true,
	explain: func(_ *call, ours, theirs *observed) error {
		const most = 10
		return nearly(ours, theirs, "TTL", func(a, b int64) bool { return a > 0 && b > 0 && a-b <= most && b-a <= most })
	},
}

var databaseSize = exception{
	name:      "size of the database",
	reason:    "how many pages the file of the database has depends on when etcd wrote it",
	momentary: true,
	explain: func(_ *call, ours, theirs *observed) error {
		const page = 4096
		pages := func(a, b int64) bool { return a > 0 && b > 0 && a%page == 0 && b%page == 0 }
		return errors.Join(nearly(ours, theirs, "dbSize", pages), nearly(ours, theirs, "dbSizeInUse", pages))
	},
}

// nearly takes a member of 64 bits out of both answers when the two values belong together.
func nearly(ours, theirs *observed, name string, together func(a, b int64) bool) error {
	a, errA := strconv.ParseInt(ours.text(name), 10, 64)
	b, errB := strconv.ParseInt(theirs.text(name), 10, 64)
	if err := errors.Join(errA, errB); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if !together(a, b) {
		return fmt.Errorf("%s is %d and, from etcd, %d", name, a, b)
	}
	delete(ours.object(), name)
	delete(theirs.object(), name)
	return nil
}

// aToken is what a token of etcd looks like: random letters and the index of the log at which it was made.
var aToken = regexp.MustCompile(`^[A-Za-z]{16}\.\d+$`)

var ownToken = exception{
	name:   "own token",
	reason: "etcd draws each token at random",
	explain: func(_ *call, ours, theirs *observed) error {
		a, b := ours.text("token"), theirs.text("token")
		if !aToken.MatchString(a) || !aToken.MatchString(b) {
			return fmt.Errorf("the tokens are %q and, from etcd, %q", a, b)
		}
		delete(ours.object(), "token")
		delete(theirs.object(), "token")
		return nil
	},
}

var plainRecords = exception{
	name:   "records of a stream",
	reason: "T132: a record is the message, one a line; etcd's gateway wraps each in result",
	explain: func(_ *call, _, theirs *observed) error {
		for i, value := range theirs.Values {
			record, _ := value.(map[string]any)
			result, ok := record["result"]
			if !ok || len(record) != 1 {
				return fmt.Errorf("record %d is not wrapped: %v", i, value)
			}
			theirs.Values[i] = result
		}
		return nil
	},
}

var ownDatabase = exception{
	name:      "own database",
	momentary: true,
	reason:    "a snapshot is the file of the database, which is another for each process; that each of them is whole tells the checksum at its end",
	explain: func(_ *call, ours, theirs *observed) error {
		for _, seen := range []*observed{ours, theirs} {
			if _, err := snapshotSize(seen.Values); err != nil {
				return err
			}
			seen.Values = nil
		}
		return nil
	},
}

// snapshotSize puts the blobs of a snapshot together and returns how long the file is.
func snapshotSize(records []any) (int, error) {
	var content []byte
	for i, value := range records {
		record, _ := value.(map[string]any)
		text, _ := record["blob"].(string)
		blob, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return 0, fmt.Errorf("record %d: %w", i, err)
		}
		content = append(content, blob...)
	}
	return checkedSize(content)
}

// checkedSize checks the SHA-256 at the end of a snapshot and returns how long the database in front of it is.
func checkedSize(content []byte) (int, error) {
	const page = 4096
	size := len(content) - sha256.Size
	if size <= 0 || size%page != 0 {
		return 0, fmt.Errorf("the snapshot has %d bytes; want pages of %d and %d for the checksum", len(content), page, sha256.Size)
	}
	if sum := sha256.Sum256(content[:size]); !bytes.Equal(sum[:], content[size:]) {
		return 0, fmt.Errorf("the checksum of %d bytes does not match", size)
	}
	return size, nil
}
