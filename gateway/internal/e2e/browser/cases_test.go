// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package browser_test

// row is a case that Node runs, by its name there, and what it proves: numbers of the statements of what is correct (T).
type row struct{ name, proves string }

// each makes rows of several kinds of clients and what each of them does.
func each(clients []string, does ...row) []row {
	var all []row
	for _, client := range clients {
		for _, r := range does {
			all = append(all, row{client + r.name, r.proves})
		}
	}
	return all
}

// browserCases are those of pages, in each version of HTTP.
func browserCases() []row {
	var all []row
	add := func(rows []row) { all = append(all, rows...) }
	// @connectrpc/connect-web.
	add(each([]string{"connect+proto ", "connect+json "},
		row{"unary", "T180, T193: header and trailer metadata are read, for both are exposed (T208); T194 where it is JSON"},
		row{"server stream", "T190: header, messages and, at the end, trailers"},
		row{"server stream as it comes", "T190; T140: each message arrives at once, and leaving cancels the backend's call"},
		row{"large messages", "T190"},
		row{"error", "T187: code, message and details, in JSON also where the call is not"},
		row{"error of a stream before a message", "T190, T160"},
		row{"error of a stream after messages", "T190: the messages, then the error with its details"},
		row{"deadline", "T173, T175: Connect-Timeout-Ms reaches the backend as what is left"},
		row{"cancel", "T177: the backend's call is cancelled"},
		row{"refused by the gateway", "T160, T164: an answer of the gateway itself is read by the page (T208)"},
		row{"GET", "T188: what has no side effects goes by GET, and needs no preflight"},
	))
	add(each([]string{"grpc-web+proto ", "grpc-web+json "},
		row{"unary", "T180, T184: header and trailers are read; T194 where it is JSON"},
		row{"server stream", "T184: header, messages and trailers"},
		row{"server stream as it comes", "T184, T140: each message arrives at once, and leaving cancels the backend's call"},
		row{"large messages", "T184"},
		row{"error", "T183, T184: code, message, details and trailers, from the head (T208 exposes them)"},
		row{"error of a stream before a message", "T183, T184"},
		row{"error of a stream after messages", "T184: the messages, then the error with its details"},
		row{"deadline", "T173, T175: grpc-timeout reaches the backend as what is left"},
		row{"cancel", "T177: the backend's call is cancelled"},
		row{"refused by the gateway", "T160, T164: an answer of the gateway itself is read by the page (T208)"},
	))
	// The grpc-web package.
	add(each([]string{"grpc-web package, text: ", "grpc-web package, binary: "},
		row{"unary", "T184, and T185 where it is base64"},
		row{"error", "T183, T184, and T185 where it is base64"},
		row{"deadline", "T173, T174: this client leaves it to the gateway"},
		row{"cancel", "T177"},
	))
	add(each([]string{"grpc-web package, text: "},
		row{"server stream", "T185"},
		row{"server stream as it comes", "T185: what is flushed can be decoded by itself; T140"},
		row{"large messages", "T185"},
		row{"error of a stream before a message", "T183, T185"},
		row{"error of a stream after messages", "T185"},
	))
	// What the browser has built in.
	add(each([]string{"fetch "},
		row{"unary", "T118, T163, T167, T208, T216"},
		row{"methods of HTTP", "T208: those of the templates are allowed"},
		row{"error", "T147, T148, T42, T208: errors of the backend and of the gateway are read by the page"},
		row{"server stream", "T130-T132"},
		row{"server stream as it comes", "T133: each record at once; T140"},
		row{"large messages", "T133"},
		row{"error of a stream before a message", "T134"},
		row{"error of a stream after messages", "T136"},
		row{"array that breaks off", "T136"},
		row{"deadline", "T173, T174"},
		row{"cancel", "T177"},
	))
	add(each([]string{"EventSource "},
		row{"to the end", "T137: ids, and the event at the end, after which nobody connects again"},
		row{"as it comes", "T133, T138, T140"},
		row{"error and Last-Event-ID", "T136, T137"},
		row{"retry", "T137"},
		row{"error before a message", "T134"},
		row{"credentials", "T163, T208"},
	))
	add(each([]string{"WebSocket "},
		row{"both ways, JSON", "T144"},
		row{"both ways, protobuf", "T144"},
		row{"unary", "T144"},
		row{"server stream", "T144"},
		row{"server stream as it comes", "T144, T140"},
		row{"error", "T136, T144: the code and the message are in the close frame"},
		row{"error after messages", "T136, T144"},
		row{"cancel", "T144, T177"},
		row{"token", "T144"},
		row{"refused subprotocol", "T144"},
	))
	// What the browser lets pages do.
	add(each([]string{"CORS: "},
		row{"a header that is not allowed", "T208"},
		row{"credentials", "T163, T208: cookies, where both sides want it"},
		row{"no credentials where any page may call", "T208: never * with credentials"},
		row{"a policy of one service", "T208"},
		row{"preflights are remembered", "T44, T208"},
	))
	add(each([]string{"stranger: "}, // a page that is not let in
		row{"connect", "T208"},
		row{"grpc-web", "T208"},
		row{"fetch", "T208: not even an error is told"},
		row{"EventSource", "T208"},
		row{"WebSocket", "T144: the origin is checked, for a browser does not"},
		row{"where any page may call", "T208"},
		row{"a policy of one service", "T208"},
	))
	return append(all, row{"version of HTTP", "that the browser spoke what this test is about"})
}
