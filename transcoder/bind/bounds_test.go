// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/internal/faults"
	"github.com/dragoman-gateway/dragoman/internal/race"
	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// prepared is a request that only has to be bound.
type prepared struct {
	plan    *bind.Plan
	request bind.Request
	match   httprule.Match
	dst     []byte
}

func (b *binder) prepare(tb testing.TB, request, body string) *prepared {
	tb.Helper()
	p := &prepared{dst: make([]byte, 0, 1<<10)}
	verb, target, _ := strings.Cut(request, " ")
	path, query, _ := strings.Cut(target, "?")
	if outcome := b.table.Match(&p.match, verb, path); outcome != httprule.Found {
		tb.Fatalf("%.80s: outcome %v", request, outcome)
	}
	var err error
	if p.plan, err = bind.Compile(p.match.Binding(), b.codec, b.cfg); err != nil {
		tb.Fatal(err)
	}
	p.request = bind.Request{Match: &p.match, Query: query, Body: []byte(body), Header: b.header}
	return p
}

func (p *prepared) bind(tb testing.TB) []byte {
	data, err := p.plan.Bind(p.dst, &p.request)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// What a request costs in allocations: none but for what is escaped, and for the members of a mask.
func TestBindAllocations(t *testing.T) { //nolint:paralleltest // it measures what the whole process does
	b := newBinder(t, bind.Config{HeaderFields: map[string]string{"x-parent": "parent"}})
	b.header = wire.Header{{Name: "x-parent", Value: "p"}}
	for _, test := range []struct {
		request, body string
		want          float64
	}{
		{"GET /test/v1/things/7", "", 0},
		{"GET /test/v1/nested/-5/true/COLOR_RED", "", 0},
		{"GET /test/v1/shelves/s/books/b%20c", "", 1},
		{"GET /test/v1/things/7?name=n&count=12&thing.owner.name=o&tags=a&tags=b&flag=true", "", 0},
		{"GET /test/v1/things/7?labels[a]=1&labels[b]=2", "", 0},
		{"GET /test/v1/things/7?name=a%20b+c", "", 1},
		{"PUT /test/v1/things/7", `{"id":"7","name":"n","things":[{"name":"a"}]}`, 0},
		{"POST /test/v1/body/thing/7?name=n", `{"name":"n","owner":{"age":3}}`, 0},
		{"PATCH /test/v1/things/a?updateMask=title", `{"title":"t"}`, 1},
		{"PATCH /test/v1/things/a", `{"title":"t","size":3}`, 3},
	} {
		p := b.prepare(t, test.request, test.body)
		got := testing.AllocsPerRun(100, func() { p.bind(t) })
		if got != test.want && !race.Enabled {
			t.Errorf("%s %s: %v allocations, want %v", test.request, test.body, got, test.want)
		}
	}
}

// repeat makes a query of n parameters.
func repeat(n int, parameter func(i int) string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(parameter(i))
	}
	return b.String()
}

// T69, E4: however many parameters are allowed, each costs the same: the time is linear, and what is allocated is at most 16 times what
// was sent.
func TestT69TenThousandParameters(t *testing.T) { //nolint:paralleltest // it measures what the whole process does
	most := bind.Config{MaxParameters: bind.HighestMaxParameters, MaxPathElements: bind.HighestMaxPathElements, MaxListElements: bind.HighestMaxListElements}
	ignore, capture := most, most
	ignore.UnknownQuery, capture.UnknownQuery, capture.CaptureField = bind.IgnoreUnknown, bind.CaptureUnknown, "labels"
	deep := strings.Repeat(".inner", 90)
	for _, test := range []struct {
		name      string
		cfg       bind.Config
		path      string
		parameter func(i int) string
	}{
		{"a list", most, "things/7", func(int) string { return "tags=x" }},
		{"a list of numbers", most, "messages/repeateds", func(int) string { return "int32_values=1" }},
		{"many lists", most, "messages/repeateds", func(i int) string {
			return [...]string{"int32Values=1", "string_values=a", "boolValues=true", "color_values=1", "unpackedValues=3"}[i%5]
		}},
		{"a deep list", most, "messages/shapes", func(int) string { return "tree" + strings.Repeat(".left", 30) + ".text=" }},
		{"keys of a map", most, "things/7", func(i int) string { return fmt.Sprintf("labels[%d]=x", i) }},
		{"keys of a map, escaped", most, "things/7", func(i int) string { return fmt.Sprintf("labels%%5B%d%%5D=x%%20", i) }},
		{"unknown names", ignore, "things/7", func(i int) string { return fmt.Sprintf("n%d=x", i) }},
		{"unknown names, captured", capture, "things/7", func(i int) string { return fmt.Sprintf("n%d=x", i) }},
		{"elements", most, "things/7", func(i int) string {
			return fmt.Sprintf("things[%d].%s=1", i/10%1000, [...]string{"name", "title", "size", "owner.name", "owner.email", "owner.age", "tags", "labels[a]", "labels[b]", "count"}[i%10])
		}},
		{"one field of elements", most, "things/7", func(i int) string { return fmt.Sprintf("things[%d].tags=", i%1000) }},
		{"elements in elements", most, "messages/shapes", func(i int) string {
			return fmt.Sprintf("tree.children[%d].children[%d].children[%d].text=x", i/1000, i/10%100, i%10)
		}},
		{"lists in messages in elements", most, "messages/shapes", func(i int) string {
			return fmt.Sprintf("tree.children[%d]%s.children[0].text=x", i/80%1000, strings.Repeat(".left", i%80))
		}},
		{"empty parameters", most, "things/7", func(int) string { return "" }},
		{"no names", ignore, "things/7", func(int) string { return "=" }},
		{"deep names", ignore, "messages/scalars", func(i int) string { return "inner_value" + deep + fmt.Sprintf(".n%d=x", i) }},
	} {
		b := newBinder(t, test.cfg)
		many, few := bind.HighestMaxParameters, bind.HighestMaxParameters/10
		if race.Enabled {
			many, few = few, 1 // only whether it works
		}
		if test.name == "a deep list" { // the same singular field may not be set again
			many, few = 1, 1
		}
		large := b.prepare(t, "GET /test/v1/"+test.path+"?"+repeat(many, test.parameter), "")
		small := b.prepare(t, "GET /test/v1/"+test.path+"?"+repeat(few, test.parameter), "")
		allocated, slow := spent(t, large)
		_, quick := spent(t, small)
		if race.Enabled {
			continue
		}
		size := uint64(len(large.request.Query))
		t.Logf("%s: %d KiB, %d allocated for each byte, %v; %v for a tenth", test.name, size>>10, allocated/size, slow, quick)
		if allocated > 16*size+(64<<10) {
			t.Errorf("%s: allocates %d times its size", test.name, allocated/size)
		}
		if faults.Held() && slow > 40*quick+5*time.Millisecond { // squares would be a hundred times as much
			t.Errorf("%s: %v for %d parameters, %v for %d", test.name, slow, many, quick, few)
		}
		if limit := time.Duration(size) * 100 * time.Millisecond / (1 << 20); faults.Held() && slow > limit+5*time.Millisecond {
			t.Errorf("%s: takes %v for %d KiB, more than 100ms for each MiB", test.name, slow, size>>10)
		}
	}
}

// spent gives what binding a request allocates the first time, and the shortest time of several.
func spent(t *testing.T, p *prepared) (allocated uint64, best time.Duration) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.GC() // empties the pools
	runtime.GC()
	runtime.ReadMemStats(&before)
	p.bind(t)
	runtime.ReadMemStats(&after)
	for range 7 { // other work on the machine only adds
		start := time.Now()
		p.bind(t)
		if took := time.Since(start); best == 0 || took < best {
			best = took
		}
	}
	return after.TotalAlloc - before.TotalAlloc, best
}

func BenchmarkBind(b *testing.B) {
	binder := newBinder(b, bind.Config{})
	for _, request := range []string{
		"GET /test/v1/things/7",
		"GET /test/v1/things/7?name=n",
		"GET /test/v1/things/7?name=n&count=12&thing.owner.name=o&tags=a&tags=b&flag=true",
	} {
		b.Run(request, func(b *testing.B) {
			p := binder.prepare(b, request, "")
			b.ReportAllocs()
			for b.Loop() {
				p.bind(b)
			}
		})
	}
}
