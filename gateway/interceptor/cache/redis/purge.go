// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package redis

import (
	"context"
	"slices"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	"github.com/dragoman-gateway/dragoman/gateway/redis"
)

// scanned is how many names Redis looks at for each step of a purge.
const scanned = 500

// purge drops answers. All names are looked at, a few at a time: an index of tags would cost each answer that is stored, and grow.
func (s *Store) purge(ctx context.Context, p cache.Purge) error {
	var conn redis.Conn
	if err := s.client.Aside(ctx, func(_ context.Context, c redis.Conn) error {
		conn = c
		return nil
	}); err != nil {
		return err
	}
	pattern := s.pattern(p)
	if clustered, ok := conn.(*goredis.ClusterClient); ok {
		return clustered.ForEachMaster(ctx, func(ctx context.Context, one *goredis.Client) error { return drop(ctx, one, pattern, p.Tag) })
	}
	return drop(ctx, conn, pattern, p.Tag)
}

// drop drops what a server has under names of a pattern; where a tag is named, what has that.
func drop(ctx context.Context, conn goredis.Cmdable, pattern, tag string) error {
	for cursor := uint64(0); ; {
		next, err := dropSome(ctx, conn, cursor, pattern, tag)
		if err != nil || next == 0 {
			return err
		}
		cursor = next
	}
}

func dropSome(ctx context.Context, conn goredis.Cmdable, cursor uint64, pattern, tag string) (next uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, redis.DialTimeout)
	defer cancel()
	names, next, err := conn.Scan(ctx, cursor, pattern, scanned).Result()
	if err == nil && tag != "" && len(names) > 0 {
		names, err = tagged(ctx, conn, names, tag)
	}
	if err != nil || len(names) == 0 {
		return next, err
	}
	// One command for each: they may be of several slots of a cluster.
	_, err = conn.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for _, name := range names {
			p.Unlink(ctx, name)
		}
		return nil
	})
	return next, err
}

// tagged returns the names of answers that have a tag. What cannot be read is dropped as well.
func tagged(ctx context.Context, conn goredis.Cmdable, names []string, tag string) ([]string, error) {
	begins := make([]*goredis.StringCmd, len(names))
	_, err := conn.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for i, name := range names {
			begins[i] = p.GetRange(ctx, name, 0, cache.TagsSize-1)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var found []string
	for i, begin := range begins {
		if tags, ok := cache.TagsOf([]byte(begin.Val())); !ok || slices.Contains(tags, tag) {
			found = append(found, names[i])
		}
	}
	return found, nil
}

// pattern matches the names of what may have to be dropped. What stands in the names of methods and in the prefix is taken as it is.
func (s *Store) pattern(p cache.Purge) string {
	quote := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)
	begin := quote.Replace(s.client.Prefix() + area)
	switch {
	case p.Method != "":
		return begin + quote.Replace(p.Method) + ":*"
	case p.All, p.Tag != "":
		return begin + "*"
	default:
		return begin + "*:" + p.Key.String()
	}
}
