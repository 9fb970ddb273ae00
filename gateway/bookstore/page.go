// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bookstore

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

const (
	defaultPageSize = 50
	maxPageSize     = 1000
	filterSumSize   = 8
)

// page is where in a list a request stands.
type page struct {
	// size is how many elements to return at most: 1 to maxPageSize.
	size int
	// after is the name behind which the page begins; empty for the first.
	after string
	// filter stands for everything else in the request; a token is good for its own filter only.
	filter string
}

// newPage checks the fields that all List methods have. The parts of the filter are what else the request says.
func (p *problems) newPage(size int32, token string, filter ...any) page {
	result := page{size: min(int(size), maxPageSize), filter: filterSum(filter)}
	if size < 0 {
		p.add("page_size", "is %d; it must not be negative", size)
	}
	if size == 0 {
		result.size = defaultPageSize
	}
	if token == "" {
		return result
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) <= filterSumSize {
		p.add("page_token", "is %q; it must come from next_page_token", token)
		return result
	}
	if !strings.HasPrefix(string(raw), result.filter) {
		p.add("page_token", "belongs to another request; only page_size may change between pages")
	}
	result.after = string(raw[filterSumSize:])
	return result
}

// token makes the token of the page that begins behind name.
func (p page) token(name string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(p.filter + name))
}

func filterSum(parts []any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return string(sum[:filterSumSize])
}
