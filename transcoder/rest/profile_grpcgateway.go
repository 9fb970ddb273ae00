// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

// grpcGatewayFlips are the answers of the handlers that grpc-gateway v2.32 generates, behind a ServeMux to which no option is given.
// The tests in gateway/internal/e2e/grpcgateway send the same requests to both.
var grpcGatewayFlips = []Flip{
	{
		40, "a path that takes other methods answers 405, with Allow",
		"it answers 501, without", func(c *Config) { c.NotImplemented = true },
	},
	{
		49, "a query parameter for a field that the path or the body sets is refused",
		"it is dropped", pathWins,
	},
	{
		52, "a query parameter beside a body that is the whole message is refused",
		"it is dropped", pathWins,
	},
	{
		53, "a body with another value for a field that the path sets is refused",
		"the path wins", pathWins,
	},
	{
		57, "a query parameter that names no field is refused",
		"it is dropped", ignoreQuery,
	},
	{
		67, "a Struct, Value or ListValue cannot be given in the query",
		"its text is JSON", func(c *Config) { c.Bind.JSONParameters = true },
	},
	{
		71, "a body where the rule has none is refused",
		"it is dropped", func(c *Config) { c.Bind.IgnoreUnboundBody = true },
	},
	{
		74, "an integer in path or query has one spelling",
		"a plus sign and leading zeros are accepted, too", lenientScalars,
	},
	{
		78, "a boolean in path or query is true or false",
		"1, t, T, TRUE, True, 0, f, F, FALSE and False are accepted, too", lenientScalars,
	},
	{
		79, "the number of an open enum in path or query need not have a name",
		"it must have one", func(c *Config) { c.Bind.NamedEnumNumbers = true },
	},
	{
		82, "a float in path or query is a JSON number, NaN, Infinity or -Infinity",
		"inf, nan, .5, hexadecimal numbers and whatever else Go reads are accepted, too", lenientScalars,
	},
	{
		83, "a timestamp, a duration or a wrapper in the query is one text",
		"its fields can be given as well", func(c *Config) { c.Bind.WellKnownPaths = true },
	},
	{
		84, "a duration in the query is decimal seconds with an s",
		"the durations of Go, such as 1h30m, are accepted, too", lenientScalars,
	},
	{
		85, "the paths of a field mask in the query are put into the names of the .proto file",
		"they are passed on as they are, and so is *", func(c *Config) { c.Bind.LiteralMasks = true },
	},
	{
		91, "a body of another type than JSON is refused with 415",
		"it is read as JSON", anyContentType,
	},
	{
		92, "a body without a Content-Type is refused with 415",
		"it is read as JSON", anyContentType,
	},
	{
		96, "a field of a JSON body that the message does not have is refused",
		"it is dropped", ignoreFields,
	},
	{
		108, "a PATCH that names no field, neither in a mask nor in its body, is refused",
		"it is passed on without a mask", func(c *Config) { c.Bind.EmptyMask = true },
	},
	{
		112, "fields with presence that are not set are left out, and in the details of errors all fields that are not set",
		"they are null, but for members of a oneof and optional fields of proto3, and details are written like other messages", printNull,
	},
	{
		123, "a body that is a google.api.HttpBody is the bytes of the body",
		"it is the JSON of that message, unless the client streams", func(c *Config) { c.Bind.JSONHTTPBody = true },
	},
	{
		130, "the form of a stream follows Accept",
		"Accept is not looked at", wrapStreams,
	},
	{
		131, "a stream of JSON lines is application/x-ndjson",
		"it is application/json", wrapStreams,
	},
	{
		132, "a record of a stream is the message",
		`it is {"result": …}`, wrapStreams,
	},
	{
		134, "an error of the backend before the first message of a stream is a status like others",
		`it is {"error": …}, with the same HTTP status`, wrapStreams,
	},
	{
		141, "a stream of requests is a JSON array, or a value on each line, by its type",
		"it is JSON values that follow each other, whatever its type", func(c *Config) { c.Streams.ValuesInBody = true },
	},
	{
		163, "fields of a request become metadata under their own names",
		"fields that HTTP defines get the prefix grpcgateway-, fields that begin with Grpc-Metadata- lose that, Authorization passes both " +
			"ways, and others are dropped",
		func(c *Config) { c.PrefixedMetadata = true },
	},
	{
		167, "metadata of the backend become fields of the answer under their own names, unless these mean something to browsers",
		"they get the prefixes Grpc-Metadata- and Grpc-Trailer-", func(c *Config) { c.PrefixedAnswers = true },
	},
	{
		168, "trailers are sent over HTTP/2, and to clients that ask for them",
		"they are sent to clients that ask for them, and not with streams", func(c *Config) { c.TrailersOnRequest = true },
	},
}

// grpcGatewayKept are the answers in which it is not followed.
var grpcGatewayKept = []Kept{
	{
		19, "where both sides stream, the answer begins while the request is read",
		"501", "a body of HTTP/1.1 cannot carry both ways of a conversation",
	},
	{
		21, "the route that was registered last is tried first, and fails where it does not fit",
		"a literal is preferred to one segment, and that to any number", "the order of files is no meaning",
	},
	{
		24, "** for no segments adds a slash to the value",
		"it adds nothing", "the value would be no name that anybody gave",
	},
	{
		25, "an empty segment is a value",
		"it matches nothing: 404", "security: an empty id often means all",
	},
	{
		30, "%3A separates a verb, for the path is decoded before it is matched",
		"it is data", "ids with colons could not be said",
	},
	{
		31, "a path whose last segment is only a verb is 404",
		"it is data", "the routes that are left would not be tried",
	},
	{
		33, "an encoded reserved character is the character",
		"it is another one", "the path is decoded once, after it was matched",
	},
	{
		36, "%2F is a separator",
		"it is data", "security: two readers of one path would see two paths",
	},
	{
		37, "%2F in a variable of several segments becomes a slash",
		"it stays as it is", "how variables are decoded belongs to the routes and not to a profile",
	},
	{
		38, "raw bytes beyond ASCII and an encoded NUL are accepted in a path",
		"400", "security: two readers of one path would see two paths",
	},
	{
		39, "text that is not UTF-8 is 500",
		"400", "it is the client's mistake",
	},
	{
		43, "HEAD on a route of GET is 501",
		"it is answered", "nobody relies on the error",
	},
	{
		44, "OPTIONS is 501",
		"204 with Allow", "nobody relies on the error",
	},
	{
		46, "X-HTTP-Method-Override changes the method of a form, and a form by POST is a GET",
		"neither", "security: CVE-2026-37236",
	},
	{
		51, "a query parameter for the message around a path variable is refused",
		"it is dropped, as for the variable itself", "nothing weaker than the path may set what is inside",
	},
	{
		57, "a name in the query that goes through what is no message, or that has brackets and is no map, is refused, or adds to a list",
		"it is dropped, as other names that lead nowhere", "one rule for all of them",
	},
	{
		61, "a malformed query beside a body that is the whole message is not looked at",
		"400", "the client has said something that nobody read",
	},
	{
		63, "a list by both of its names is refused",
		"it is one list", "both names are the same field",
	},
	{
		65, "keys of maps in the query with brackets are dropped, and one key in two spellings has one of the values, by chance",
		"the key is what is between the first bracket and the last, and may come once", "no answer is left to chance",
	},
	{
		66, "lists and maps of Value are accepted in the query",
		"400", "one setting for all messages in lists",
	},
	{
		67, "an Empty is accepted in the query, and a ListValue and null for a Struct are not",
		"the other way round", "it follows from the settings for JSON in queries",
	},
	{
		68, "the messages on the way to a name that is no field are made present",
		"nothing is made present", "presence means something to backends",
	},
	{
		70, "a form is mixed into the query",
		"it is not", "security: what a body sets could not be told from what a path sets",
	},
	{
		72, "an empty body makes a field present, and white space is an empty body",
		"it leaves the field unset, and white space is no JSON", "presence means something to backends",
	},
	{
		73, "missing required fields are 500",
		"400, with their names", "it is the client's mistake",
	},
	{
		74, "a key of a map in JSON has many spellings if it is an integer",
		"it has one", "one key could be given twice",
	},
	{
		79, "the number of a closed enum in JSON need not have a name",
		"it must have one", "it would reach the backend as an unknown field",
	},
	{
		83, "more than nine digits of a second are dropped",
		"400", "the time would be another one",
	},
	{
		84, "a duration of more than 292 years is refused",
		"it is accepted", "it is a value of its type",
	},
	{
		88, "errors say what the packages of Go met, and fail where that is not UTF-8",
		"errors are words of the API, with details", "texts for people may change; the code and the HTTP status are the same",
	},
	{
		94, "what follows the first JSON value is ignored",
		"400", "security: two readers of one body would see two bodies",
	},
	{
		95, "a key that is given twice in a body that is a map has its last value",
		"400", "two readers of one body could see two values",
	},
	{
		97, "unknown names of enums and an Any without a type are dropped",
		"400", "data would be lost",
	},
	{
		98, "null in a list or map of strings is an empty string, and null for a list of Value is refused",
		"the other way round", "it is what the JSON mapping says",
	},
	{
		102, "JSON nests 10,000 deep",
		"100 deep", "security: memory and time",
	},
	{
		103, "a body that is a scalar is read as Go's encoding/json does: no names of enums, no integers in strings, no base64 for URLs, and null for a message is refused",
		"it is the JSON of the field", "what it accepts is accepted, but for null",
	},
	{
		105, "half of a surrogate pair becomes a replacement character, and a byte order mark is refused",
		"the other way round", "text would be another one",
	},
	{
		107, "a PATCH with an unknown field is refused, although such fields are dropped elsewhere",
		"it is dropped, and is not in the mask", "one rule for all of them",
	},
	{
		108, "a PATCH without fields sends a mask that is empty, or has one empty path, and null is refused",
		"it sends no mask", "an empty path is no path",
	},
	{
		111, "an integer of 64 bits that is the whole answer is a number",
		"a string", "JavaScript would round it",
	},
	{
		113, "an unnamed number of an enum that is the whole answer is a string",
		"a number", "it is so everywhere else",
	},
	{
		117, "an unset message that is the whole answer is an empty one, 1970 for a time and 500 for a Value; no bytes are []",
		"null, and an empty string", "what is not there would be told as if it were",
	},
	{
		118, "answers say nothing of guessing and caching",
		"they have nosniff, and errors no-store and the reason", "security: browsers guess, and caches keep",
	},
	{
		120, "an answer that has no JSON form is 500",
		"502", "it is the backend's mistake",
	},
	{
		124, "an HttpBody without a type, or with one that is none, has an empty type",
		"application/octet-stream", "security: browsers guess",
	},
	{
		125, "an HttpBody in a field of the answer is called JSON, and in a stream it is wrapped in JSON",
		"it has its own type and is raw", "the type must tell the truth",
	},
	{
		126, "a line feed follows each piece of a download",
		"the pieces follow each other", "the file would be another one",
	},
	{
		127, "an upload is the JSON of an HttpBody for each piece",
		"it is the bytes of the body", "files are no JSON",
	},
	{
		128, "the error of a download that fails is written into the file",
		"the answer is cut off", "a broken file would look whole",
	},
	{
		135, "a stream without messages has no type",
		"it has its type", "the type is known",
	},
	{
		157, "the message of UNAUTHENTICATED is the WWW-Authenticate field",
		"it is not", "security: a backend would write headers",
	},
	{
		161, "fields that Connection names are passed on, and a field may become any metadata",
		"they are not, and names of HTTP and gRPC cannot be said", "security: hop by hop",
	},
	{
		162, "Grpc-Metadata- makes metadata of any name",
		"not of those that only the gateway can say", "security: a client would say who it is",
	},
	{
		163, "cookies become metadata",
		"they do not, unless a policy allows them", "security: where any content type is accepted, the form of a foreign site could use them",
	},
	{
		164, "binary metadata that are joined by commas are refused, and those of an answer are raw bytes",
		"they are split, and base64", "a header cannot have any bytes",
	},
	{
		165, "fields whose value metadata cannot have are dropped",
		"400", "the call would lack what the client has said",
	},
	{
		169, "the content type of gRPC is Grpc-Metadata-Content-Type of each answer",
		"it is not sent", "it says nothing",
	},
	{
		170, "X-Forwarded-For is added to what the client says",
		"it is replaced, unless the client is trusted", "security: a client would say who it is",
	},
	{
		173, "a timeout of gRPC has any number of digits, and others are not known",
		"it has eight, and those of Connect and of Google's servers count, too", "it is what gRPC says",
	},
	{
		174, "a timeout of zero is none",
		"504", "the client has no time left",
	},
	{
		196, "answers have at most 4 MiB",
		"16 MiB, which is a setting", "nobody relies on the error",
	},
}
