// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/experimental"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// stringCodec is a codec of gRPC's first and second interface.
type stringCodec struct{}

func (stringCodec) Marshal(any) ([]byte, error)        { return nil, nil }
func (stringCodec) Unmarshal(data []byte, v any) error { return nil }
func (stringCodec) Name() string                       { return "string" }
func (stringCodec) String() string                     { return "string" }

type noCredentials struct{ credentials.PerRPCCredentials }

// options are gRPC's options of calls, by the name of their type: those that the engine refuses, and where those are tested that it honours.
var options = map[string]struct {
	refused []grpc.CallOption
	tested  string
}{
	"AuthorityOverrideCallOption":     {tested: "TestRequests, TestAuthority"},
	"CompressorCallOption":            {tested: "TestRequests", refused: []grpc.CallOption{grpc.UseCompressor("gzip"), grpc.UseCompressor("unknown")}},
	"ContentSubtypeCallOption":        {tested: "TestRequests, TestCodecs"},
	"CustomCodecCallOption":           {refused: []grpc.CallOption{grpc.CallCustomCodec(stringCodec{}), &grpc.CustomCodecCallOption{}}}, //nolint:staticcheck // it is deprecated, and there
	"EmptyCallOption":                 {tested: "TestIdleOptions"},
	"FailFastCallOption":              {tested: "TestWaitForReady"},
	"ForceCodecCallOption":            {refused: []grpc.CallOption{grpc.ForceCodec(stringCodec{})}},
	"ForceCodecV2CallOption":          {tested: "TestRequests, TestCodecs"},
	"HeaderCallOption":                {tested: "TestAnswers", refused: []grpc.CallOption{&grpc.HeaderCallOption{}}},
	"MaxRecvMsgSizeCallOption":        {tested: "TestAnswers"},
	"MaxRetryRPCBufferSizeCallOption": {tested: "TestRepeatedStreams"},
	"MaxSendMsgSizeCallOption":        {tested: "TestRequests"},
	"OnFinishCallOption":              {tested: "TestAnswers"},
	"PeerCallOption":                  {tested: "TestAnswers"},
	"PerRPCCredsCallOption":           {refused: []grpc.CallOption{grpc.PerRPCCredentials(noCredentials{}), &grpc.PerRPCCredsCallOption{}}},
	"StaticMethodCallOption":          {tested: "TestIdleOptions"},
	"TrailerCallOption":               {tested: "TestAnswers"},
	"acceptCompressorsCallOption":     {refused: []grpc.CallOption{experimental.AcceptCompressors("gzip")}},
}

// The table has every option that there is in this version of gRPC, so that nothing is without effect unnoticed.
func TestOptionsAreKnown(t *testing.T) {
	t.Parallel()
	in, err := build.Import("google.golang.org/grpc", ".", build.FindOnly)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(in.Dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv != nil && d.Name.Name == "before" { // what makes an option one
					found[receiver(d)] = true
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if of, ok := spec.(*ast.TypeSpec); ok && strings.HasSuffix(of.Name.Name, "CallOption") { // or it embeds one
						found[of.Name.Name] = true
					}
				}
			}
		}
	}
	delete(found, "CallOption") // the interface
	got, want := slices.Sorted(maps.Keys(options)), slices.Sorted(maps.Keys(found))
	if !slices.Equal(got, want) {
		t.Errorf("the table has %q; gRPC has %q", got, want)
	}
}

func receiver(m *ast.FuncDecl) string {
	of := m.Recv.List[0].Type
	if p, ok := of.(*ast.StarExpr); ok {
		of = p.X
	}
	if name, ok := of.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}

// What is named as the test of an option is a test of this package.
func TestOptionsAreTested(t *testing.T) {
	t.Parallel()
	there := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				there[fn.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for option, o := range options {
		if o.tested == "" && o.refused == nil {
			t.Errorf("%s is neither refused nor tested", option)
		}
		for name := range strings.SplitSeq(o.tested, ", ") {
			if name != "" && !there[name] {
				t.Errorf("%s: there is no %s", option, name)
			}
		}
	}
}

// What the engine does not do is refused by its name, before anything is sent; who waits for the end is told.
func TestRefusedOptions(t *testing.T) {
	t.Parallel()
	s := newServer(t, &server{ended: func(*conn, *request) { t.Error("a call was sent") }})
	c := openEngine(t, to(s.address))
	for name, o := range options {
		for _, option := range o.refused {
			for i := range kinds {
				got := kinds[i].do(t.Context(), c, option)
				if got.Code != codes.Internal || !strings.Contains(got.Text, name) && !strings.Contains(got.Text, "CompressedCodec") {
					t.Errorf("%s: %s: %v %q; the option must be refused by its name", kinds[i].name, name, got.Code, got.Text)
				}
				if !slices.Equal(got.Finished, []string{"Internal"}) || got.Done != nil || got.Wrong != 0 {
					t.Errorf("%s: %s: finished %q, done %v", kinds[i].name, name, got.Finished, got.Done)
				}
			}
		}
	}
}

// foreign is an option of another package, which rides along for an interceptor.
type foreign struct {
	grpc.EmptyCallOption

	what string
}

// Options that mean nothing to a channel, or are others', change nothing.
func TestIdleOptions(t *testing.T) {
	t.Parallel()
	s := newServer(t, &server{ended: func(c *conn, r *request) { answering("one")(c, r.id) }})
	c := openEngine(t, to(s.address))
	for i := range kinds {
		o := kinds[i].do(t.Context(), c, grpc.EmptyCallOption{}, grpc.StaticMethod(), foreign{what: "x"}, &foreign{})
		if o.Code != codes.OK || !slices.Equal(o.Messages, []string{"one"}) {
			t.Errorf("%s: %v %s %q", kinds[i].name, o.Code, o.Text, o.Messages)
		}
	}
}

// An option that is given twice counts as it was given last, but all that wait for the end are told; options that give something give it to the last.
func TestRepeatedOptions(t *testing.T) {
	t.Parallel()
	s := newServer(t, &server{ended: func(c *conn, r *request) { answering(strings.Repeat("x", 50))(c, r.id) }})
	for _, side := range sides {
		c := side.open(t, to(s.address))
		var first, second metadata.MD
		var p peer.Peer
		told := 0
		var reply, request string
		err := c.Invoke(t.Context(), method, &request, &reply, grpc.ForceCodecV2(raw{}), grpc.WaitForReady(false), grpc.WaitForReady(true), grpc.Header(&first), grpc.Header(&second),
			grpc.MaxCallRecvMsgSize(1), grpc.MaxCallRecvMsgSize(50), grpc.OnFinish(func(error) { told++ }), grpc.OnFinish(func(error) { told++ }), grpc.Peer(&p))
		if err != nil || told != 2 || second == nil || p.Addr == nil {
			t.Errorf("%s: %v, told %d, %v, %v", side.name, err, told, second, p)
		}
	}
}

// Messages are protobuf's unless a call says otherwise, and what is no message, or no codec, is refused as gRPC's own channel does.
func TestCodecs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		request, reply any
		opts           []grpc.CallOption
		answer         []byte
	}{
		"protobuf":                       {request: wrapperspb.String("a"), reply: &wrapperspb.StringValue{}, answer: []byte("\n\x01b")},
		"an empty message":               {request: wrapperspb.String(""), reply: &wrapperspb.StringValue{}},
		"protobuf by subtype":            {request: wrapperspb.String("a"), reply: &wrapperspb.StringValue{}, opts: []grpc.CallOption{grpc.CallContentSubtype("PROTO")}, answer: []byte("\n\x01b")},
		"protobuf by name":               {request: wrapperspb.String("a"), reply: &wrapperspb.StringValue{}, opts: []grpc.CallOption{grpc.ForceCodecV2(encoding.GetCodecV2("proto"))}, answer: []byte("\n\x01b")},
		"a subtype that nobody knows":    {request: wrapperspb.String("a"), reply: &wrapperspb.StringValue{}, opts: []grpc.CallOption{grpc.CallContentSubtype("unknown")}},
		"a request that is no message":   {request: "a", reply: &wrapperspb.StringValue{}},
		"a reply that is no message":     {request: wrapperspb.String("a"), reply: new(string), answer: []byte("\n\x01b")},
		"an answer that is not protobuf": {request: wrapperspb.String("a"), reply: &wrapperspb.StringValue{}, answer: []byte("\xff")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got [2]struct{ seen, err, reply string }
			for i, side := range sides {
				requests := make(chan *request, 2)
				s := newServer(t, &server{ended: func(c *conn, r *request) {
					requests <- r
					answering(string(tt.answer))(c, r.id)
				}})
				c := side.open(t, to(s.address))
				got[i].err = status.Convert(c.Invoke(t.Context(), method, tt.request, tt.reply, append(tt.opts, grpc.WaitForReady(true))...)).String()
				select {
				case r := <-requests:
					got[i].seen = string(r.body) + strings.Join(r.get("content-type"), "|")
				default:
				}
				if v, ok := tt.reply.(*wrapperspb.StringValue); ok {
					got[i].reply = v.GetValue()
				}
			}
			// Which of two spaces stands in protobuf's errors is drawn by lot when a program begins; the same for both.
			if got[0] != got[1] {
				t.Errorf("the engine has %q; gRPC has %q", got[0], got[1])
			}
		})
	}
}

// What a call names as its server is checked against what the server has shown (threats of TLS: a name that it does not have), as gRPC's own channel does.
func TestAuthority(t *testing.T) {
	t.Parallel()
	s := newServer(t, &server{ended: func(c *conn, r *request) { answering("one")(c, r.id) }})
	for _, side := range sides {
		for name, tt := range map[string]struct {
			info credentials.AuthInfo
			code codes.Code
			text string
		}{
			"it has the name": {validating{}, codes.OK, ""},
			"it does not":     {validating{wrong: true}, codes.Unavailable, `failed to validate authority "other.test" : it is not other.test`},
			"nobody can tell": {silent{}, codes.Unavailable, "other.test"},
		} {
			set := to(s.address)
			set.creds = shaking{TransportCredentials: set.withDefaults().creds, info: tt.info}
			c := side.open(t, set)
			for i := range kinds {
				o := kinds[i].do(t.Context(), c, grpc.CallAuthority("other.test"))
				if side.name == "grpc" && name == "nobody can tell" {
					tt.text = "does not implement the AuthorityValidator interface"
				}
				if o.Code != tt.code || !strings.Contains(o.Text, tt.text) {
					t.Errorf("%s: %s: %s: %v %q; it must be %v %q", side.name, name, kinds[i].name, o.Code, o.Text, tt.code, tt.text)
				}
				if want := []string{tt.code.String()}; !slices.Equal(o.Finished, want) || o.Wrong != 0 || len(o.Done) != 1 {
					t.Errorf("%s: %s: %s: finished %q, done %v", side.name, name, kinds[i].name, o.Finished, o.Done)
				}
			}
		}
	}
}
