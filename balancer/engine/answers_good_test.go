// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

// goodAnswers are as they should be.
var goodAnswers = []answer{
	{name: "a message", serve: answering("one")},
	{name: "an empty message", serve: answering("")},
	{name: "three messages", serve: answering("one", "two", "three"), but: neverEnds, ours: endsAll},
	{name: "metadata in head and trailers", serve: func(c *conn, id uint32) {
		c.ok(id, "a", "1", "a", "2", "b", "")
		c.say(id, "one")
		c.head(id, true, "grpc-status", "0", "a", "3", "c", "4")
	}},
	{name: "no message", serve: answering()},
	{name: "an error after a message", serve: func(c *conn, id uint32) {
		c.ok(id, "a", "1")
		c.say(id, "one")
		c.head(id, true, "grpc-status", "5", "grpc-message", "none", "b", "2")
	}},
	{name: "an error after a head", serve: func(c *conn, id uint32) {
		c.ok(id, "a", "1")
		c.head(id, true, "grpc-status", "5", "grpc-message", "none", "b", "2")
	}},
	{name: "an error with trailers alone", serve: trailing("grpc-status", "5", "grpc-message", "none", "b", "2")},
	{name: "OK with trailers alone", serve: trailing("grpc-status", "0", "b", "2")},
	{name: "an answer before the end of the request", early: true, serve: answering("one")},
	{name: "an error before the end of the request", early: true, serve: trailing("grpc-status", "8", "grpc-message", "full")},
	{name: "a message in pieces", serve: func(c *conn, id uint32) {
		c.ok(id)
		for _, b := range message(0, "in pieces") {
			c.data(id, false, []byte{b})
			c.data(id, false, nil)
		}
		c.head(id, true, "grpc-status", "0")
	}},
	{name: "messages in one piece", serve: func(c *conn, id uint32) {
		c.ok(id)
		c.data(id, false, append(message(0, "one"), message(0, "two")...))
		c.head(id, true, "grpc-status", "0")
	}, but: neverEnds, ours: endsAll},
}

// answering returns what answers with messages.
func answering(messages ...string) func(*conn, uint32) {
	return func(c *conn, id uint32) {
		c.ok(id)
		c.say(id, messages...)
		c.head(id, true, "grpc-status", "0")
	}
}

// trailing returns what answers with trailers alone.
func trailing(fields ...string) func(*conn, uint32) {
	return func(c *conn, id uint32) {
		c.head(id, true, append([]string{":status", "200", "content-type", "application/grpc"}, fields...)...)
	}
}

// ending returns what answers with one message and such trailers.
func ending(fields ...string) func(*conn, uint32) {
	return func(c *conn, id uint32) {
		c.ok(id)
		c.say(id, "one")
		c.head(id, true, fields...)
	}
}
