// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Threat G3: whatever clients ask for, no more bytes are kept than may be, and what others come back for stays.
func TestThreatG3MemoryIsBounded(t *testing.T) {
	t.Parallel()
	const memory = 256 << 10
	r := newRig(t, cache.Config{Memory: memory, Largest: 16 << 10}, ttl(time.Hour))
	r.backend.size = 1000
	wanted := func(i int) string { return fmt.Sprintf("wanted-%d", i) }
	const most = 20
	for i := range most {
		r.call(wanted(i))
		r.call(wanted(i))
	}
	for i := range 5000 { // who asks for something else each time
		r.call(fmt.Sprintf("other-%d", i))
		if s := r.cache.Stats(); s.Bytes > memory {
			t.Fatalf("after %d calls %d bytes are kept", i, s.Bytes)
		}
	}
	hits := 0
	for i := range most {
		if r.call(wanted(i)).result() == "hit" {
			hits++
		}
	}
	if s := r.cache.Stats(); hits < most*9/10 || s.Evicted < 4000 || s.Entries > memory/1000 {
		t.Errorf("%d of %d are still there; %+v", hits, most, s)
	}
}

// What is larger than it may be passes, and is not kept.
func TestLargeAnswersAreNotStored(t *testing.T) {
	t.Parallel()
	r := newRig(t, cache.Config{Memory: 1 << 20, Largest: 4 << 10}, ttl(time.Hour))
	for _, tt := range []struct {
		size   int
		result string
	}{{3 << 10, "hit"}, {4 << 10, "miss"}, {1 << 20, "miss"}} {
		r.backend.size = tt.size
		id := fmt.Sprint(tt.size)
		if first := r.call(id); len(first.body) < tt.size || first.result() != "miss" {
			t.Errorf("%d: %s of %d bytes", tt.size, first, len(first.body))
		}
		if o := r.call(id); o.result() != tt.result || tt.result == "miss" && !strings.Contains(o.status(), "detail=too-large") {
			t.Errorf("%d: %s, %s", tt.size, o, o.status())
		}
	}
}

// Only the metadata that is allowed to is kept, and nothing with a cookie is kept at all.
func TestStoredMetadata(t *testing.T) {
	t.Parallel()
	policy := ttl(time.Minute)
	policy.Metadata = []string{"x-revision", "x-data-bin"}
	r := newRig(t, cache.Config{}, policy)
	r.backend.answer = func(c *transcoder.Call, _ int64) error {
		c.Trailer = wire.Header{{Name: "x-revision", Value: "8"}, {Name: "x-cost", Value: "1"}}
		return says(
			"x-revision", "7", "x-session", "secret", "x-data-bin", "AP8", "cache-control", `max-age=60, private="etag"`, "etag", `"a"`,
			"x-request-id", "r", "content-language", "de", "cache-tag", "t",
		)(c, 0)
	}
	if first := r.call("a"); len(first.call.Header) != 8 || len(first.call.Trailer) != 2 {
		t.Errorf("the first has %v and %v; want all", first.call.Header, first.call.Trailer)
	}
	o := r.call("a")
	r.want("again", o, "hit", "1")
	if got := fmt.Sprint(o.call.Header, o.call.Trailer); got != `[{x-revision 7} {x-data-bin AP8} {cache-control max-age=60, private="etag"} {content-language de}] [{x-revision 8}]` {
		t.Errorf("a stored answer has %s", got)
	}
	o.call.Header[0].Value = "changed by whoever has it"
	if again := r.call("a"); again.call.Header.Get("x-revision") != "7" {
		t.Errorf("what one call does to its metadata others see: %v", again.call.Header)
	}
	for _, name := range []string{"set-cookie", "set-cookie2"} {
		r.backend.answer = says(name, "a=b")
		r.call(name)
		if o := r.call(name); o.result() != "miss" || !strings.Contains(o.status(), "detail=set-cookie") {
			t.Errorf("%s: %s, %s", name, o, o.status())
		}
	}
}

// RFC 9111, section 4.1: an answer that depends on what is not in its key is not stored.
func TestVaryOfBackends(t *testing.T) {
	t.Parallel()
	policy := ttl(time.Minute)
	policy.Vary = []string{`headers["x-region"]`}
	for vary, result := range map[string]string{
		"": "hit", "X-Region": "hit", "accept-encoding, x-region": "hit", "*": "miss", "x-other": "miss", "x-region, x-other": "miss", "authorization": "miss",
	} {
		r := newRig(t, cache.Config{}, policy)
		if vary != "" {
			r.backend.answer = says("vary", vary)
		}
		r.call("a")
		if o := r.call("a"); o.result() != result {
			t.Errorf("vary %q: %s; want %s", vary, o, result)
		}
	}
}

// An answer that was asked for before a purge is not kept after it, whatever is purged.
func TestPurgesWinOverWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cache.Config{}, ttl(time.Minute))
		r.backend.answer = slow(time.Second)
		var first sync.WaitGroup
		first.Go(func() {
			if o := r.call("a"); o.err != nil || o.status() != "dragoman; fwd=miss; detail=purged" {
				t.Errorf("%s, %s", o, o.status())
			}
		})
		synctest.Wait()
		r.cache.PurgeTag("of nothing that is there")
		first.Wait()
		r.want("afterwards", r.call("a"), "miss", "2")
		r.want("and then", r.call("a"), "hit", "2")
	})
}

// numbered is a list of so many tags.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "t%d,", i)
	}
	return b.String()
}

func TestTags(t *testing.T) {
	t.Parallel()
	r := newRig(t, cache.Config{TagField: "surrogate-key"}, ttl(time.Minute))
	r.backend.answer = says("surrogate-key", "red, round", "surrogate-key", "big", "cache-tag", "other")
	r.call("a")
	if l := r.cache.List(5, nil); len(l) != 1 || fmt.Sprint(l[0].Tags) != "[red round big]" || l[0].Method != r.method.Path || l[0].Bytes <= 0 {
		t.Errorf("%+v", l)
	}
	key, err := cache.ParseKey(r.cache.List(5, nil)[0].Key.String())
	if err != nil || r.cache.PurgeTag("other") != 0 || r.cache.PurgeKey(key) != 1 || r.cache.PurgeKey(key) != 0 {
		t.Errorf("%v", err)
	}
	for name, tags := range map[string]string{"too many": numbered(cache.MaxTags + 1), "too long": strings.Repeat("x", cache.MaxTag+1)} {
		r.backend.answer = says("surrogate-key", tags)
		r.call(name)
		if o := r.call(name); o.result() != "miss" {
			t.Errorf("%s: %s: it could not be purged by all its tags", name, o)
		}
	}
	for _, bad := range []string{"", "xyz", strings.Repeat("0", 63), strings.Repeat("g", 64), strings.Repeat("0", 66)} {
		if _, err := cache.ParseKey(bad); err == nil {
			t.Errorf("%q is a key", bad)
		}
	}
}

// An answer stays over a reload if nothing of its method and its policy has changed, and is dropped else.
func TestReloadsKeepWhatIsTheSame(t *testing.T) {
	t.Parallel()
	r := newRig(t, cache.Config{}, ttl(time.Minute))
	r.want("first", r.call("a"), "miss", "1")
	r.method = echoMethod() // read again, and the same
	r.reload(ttl(time.Minute))
	r.want("the same", r.call("a"), "hit", "1")
	r.reload(ttl(2 * time.Minute))
	if n := r.cache.Stats().Entries; n != 0 {
		t.Errorf("%d answers are kept of another policy", n)
	}
	r.want("another policy", r.call("a"), "miss", "2")
	r.sent.Rules = "other header fields"
	r.reload(ttl(2 * time.Minute))
	r.want("the backend is sent other fields", r.call("a"), "miss", "3")
	r.method = changed(t)
	r.reload(ttl(2 * time.Minute))
	if n := r.cache.Stats().Entries; n != 0 {
		t.Errorf("%d answers are kept of another schema", n)
	}
	r.want("another schema", r.call("a"), "miss", "4")
	r.generation = r.cache.Generation(1)
	r.generation.InForce()
	if n := r.cache.Stats().Entries; n != 0 {
		t.Errorf("%d answers are kept of no method", n)
	}
	r.route = r.generation.Route("b", r.backend)
	if o := r.call("a"); o.result() != "" || o.body != "5" {
		t.Errorf("a method that is not cached: %s", o)
	}
}

// changed is the method with a field more deep in its answer.
func changed(t *testing.T) *transcoder.Method {
	t.Helper()
	files := &protoregistry.Files{}
	var add func(protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if _, err := files.FindFileByPath(f.Path()); err == nil {
			return
		}
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i))
		}
		p := protodesc.ToFileDescriptorProto(f)
		for _, m := range p.MessageType {
			if m.GetName() == "Metadata" {
				more := protodesc.ToFieldDescriptorProto(f.Messages().ByName("Metadata").Fields().Get(0))
				name, number := "more", int32(9)
				more.Name, more.Number, more.JsonName = &name, &number, &name
				m.Field = append(m.Field, more)
			}
		}
		made, err := protodesc.NewFile(p, files)
		if err != nil {
			t.Fatal(err)
		}
		if err := files.RegisterFile(made); err != nil {
			t.Fatal(err)
		}
	}
	m := echoMethod()
	add(m.Desc.ParentFile())
	d, err := files.FindDescriptorByName(m.Desc.FullName())
	if err != nil {
		t.Fatal(err)
	}
	desc, ok := d.(protoreflect.MethodDescriptor)
	if !ok {
		t.Fatalf("it is a %T", d)
	}
	m.Desc = desc
	return m
}

// Backends have answers of their own: those of a canary are not those of the rest.
func TestBackendsHaveAnswersOfTheirOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t, cache.Config{}, ttl(time.Minute))
	r.want("one", r.call("a"), "miss", "1")
	r.route = r.generation.Route("canary", r.backend)
	r.want("the other", r.call("a"), "miss", "2")
	r.want("the other again", r.call("a"), "hit", "2")
	r.route = r.generation.Route("b", r.backend)
	r.want("the one again", r.call("a"), "hit", "1")
}

// An answer that is larger than the client's listener lets pass is not sent, stored or not.
func TestLimitsOfListenersHold(t *testing.T) {
	t.Parallel()
	r := newRig(t, cache.Config{}, ttl(time.Minute))
	r.backend.size = 1000
	r.call("a")
	o := r.callWith(t.Context(), "a", func(c *transcoder.Call) { c.Request.Limits = &transcoder.Limits{MaxAnswer: 500} })
	if o.result() != "miss" { // and the backend's channel refuses it
		t.Errorf("%s", o)
	}
}

// All at once, under the race detector: clients, purges and reloads.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, cache.Config{Memory: 128 << 10, Largest: 8 << 10}, cache.PolicyConfig{TTL: time.Millisecond, StaleWhileRevalidate: time.Millisecond, StaleIfError: time.Second})
	r.backend.size = 500
	r.backend.answer = says("cache-tag", "t")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 500 {
				id := fmt.Sprint((i*j + j) % 40)
				if o := r.call(id); o.err != nil || len(o.body) < 500 {
					t.Errorf("%s", o)
				}
			}
		})
	}
	all.Go(func() {
		for i := range 100 {
			r.cache.PurgeTag("t")
			r.cache.PurgeMethods([]string{r.method.Path})
			r.cache.List(10, nil)
			if i%10 == 0 {
				r.generation.InForce()
			}
			if s := r.cache.Stats(); s.Bytes > 128<<10 {
				t.Errorf("%d bytes", s.Bytes)
			}
		}
	})
	all.Wait()
	r.generation.Close()
}
