// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jhump/protoreflect/grpcreflect"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

func runDemo(t *testing.T) *process {
	t.Helper()
	return start(t, t.TempDir(), append([]string{"demo"}, anyPort...)...)
}

// TestDemoServesWithinASecond takes the best of three: the machine may be busy.
func TestDemoServesWithinASecond(t *testing.T) { //nolint:paralleltest // it measures
	const (
		limit = time.Second
		tries = 3
	)
	best := patience
	for i := 0; i < tries && best > limit; i++ {
		p := runDemo(t)
		wantAnswer(t, p.screen().api+"/v1/shelves", http.StatusOK, "shelves/classics")
		best = min(best, time.Since(p.began))
		p.signal(os.Interrupt)
		p.exits(0)
	}
	t.Logf("the first call is answered %s after the start", best)
	if best > limit {
		t.Errorf("the first call is answered %s after the start, at best; want %s or less", best, limit)
	}
}

// TestDemoLinesWork does what the first screen says.
func TestDemoLinesWork(t *testing.T) {
	t.Parallel()
	p := runDemo(t)
	s := p.screen()
	if len(s.tries) != 4 {
		t.Fatalf("%d lines to try; want 4:\n%s", len(s.tries), strings.Join(s.tries, "\n"))
	}
	if body := tryLineOf(t, s.tries[0]); !strings.Contains(body, `{"shelves":[{"name":"shelves/classics"`) {
		t.Errorf("%s\nanswers %s", s.tries[0], body)
	}
	if body := tryLineOf(t, s.tries[1]); !strings.Contains(body, `"title":"Sketchpad","authors":["Ivan Sutherland"]`) {
		t.Errorf("%s\nanswers %s", s.tries[1], body)
	}
	watchLine(t, s)
	grpcurlLine(t, s)

	wantAnswer(t, s.admin+"/livez", http.StatusOK, `"status":"ok"`)
	wantAnswer(t, s.admin+"/readyz", http.StatusOK, `"status":"ok"`)
	wantAnswer(t, s.admin+"/", http.StatusOK, `<div id="app">`)
	wantAnswer(t, s.admin+"/nowhere", http.StatusNotFound, "/livez")
}

// watchLine runs the line that watches, and makes something happen until it has told of it.
func watchLine(t *testing.T, s *firstScreen) {
	t.Helper()
	response, err := client(t).Do(curlRequest(t, s.tries[2]+"?include_current=true"))
	if err != nil {
		t.Fatal(err)
	}
	first, err := bufio.NewReader(response.Body).ReadString('\n')
	_ = response.Body.Close()
	if err != nil || !strings.Contains(first, `"kind":"KIND_CURRENT"`) {
		t.Errorf("%s\nbegins with %s, %v", s.tries[2], first, err)
	}
	curl, err := exec.LookPath("curl")
	if err != nil {
		return // the line has been tried without it
	}
	told := newTranscript()
	cmd := exec.CommandContext(t.Context(), curl, append([]string{"--silent"}, words(t, s.tries[2])[1:]...)...)
	cmd.Stdout = told
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	eventually(t, patience, func() string {
		if code, body := answer(client(t), curlRequest(t, s.tries[1])); code != http.StatusOK {
			return fmt.Sprintf("%d %s", code, body)
		}
		if text := told.String(); !strings.Contains(text, `{"kind":"KIND_CREATED","book":{"name":"shelves/computing/books/sketchpad`) {
			return s.tries[2] + " tells " + text
		}
		return ""
	})
}

// grpcurlLine checks what the line needs: that reflection knows the method, its messages and its options. Where grpcurl is installed, it
// runs the line too.
func grpcurlLine(t *testing.T, s *firstScreen) {
	t.Helper()
	args := words(t, s.tries[3])
	reflection := grpcreflect.NewClientAuto(t.Context(), dial(t, s.address()))
	defer reflection.Reset()
	if args[2] != s.address() {
		t.Errorf("%s\nis for another address than %s", s.tries[3], s.address())
	}
	service, method, _ := strings.Cut(args[3], "/")
	sd, err := reflection.ResolveService(service)
	if err != nil || sd.FindMethodByName(method) == nil {
		t.Errorf("%s\nreflection has %v, %v", s.tries[3], sd, err)
	}
	if grpcurl, err := exec.LookPath("grpcurl"); err == nil {
		out, err := exec.CommandContext(t.Context(), grpcurl, args[1:]...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "shelves/classics") {
			t.Errorf("%s\n%v: %s", s.tries[3], err, out)
		}
	}
}

// TestDemoSpeaksGRPC calls the same methods at the same port, with the client that everybody has.
func TestDemoSpeaksGRPC(t *testing.T) {
	t.Parallel()
	p := runDemo(t)
	s := p.screen()
	books := bookstorev1.NewBookstoreServiceClient(dial(t, s.address()))
	shelves, err := books.ListShelves(t.Context(), &bookstorev1.ListShelvesRequest{})
	if err != nil || len(shelves.GetShelves()) != 3 {
		t.Fatalf("ListShelves: %v, %v; want 3 shelves", shelves, err)
	}
	watch, err := books.WatchBooks(t.Context(), &bookstorev1.WatchBooksRequest{IncludeCurrent: true})
	if err != nil {
		t.Fatal(err)
	}
	if first, err := watch.Recv(); err != nil || first.GetKind() != bookstorev1.WatchBooksResponse_KIND_CURRENT {
		t.Fatalf("WatchBooks: %v, %v; want a current book first", first, err)
	}
	// Made by REST, seen by gRPC.
	if code, body := answer(client(t), curlRequest(t, s.tries[1])); code != http.StatusOK {
		t.Fatalf("%s\nanswers %d %s", s.tries[1], code, body)
	}
	for {
		event, err := watch.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if event.GetKind() == bookstorev1.WatchBooksResponse_KIND_CREATED && event.GetBook().GetTitle() == "Sketchpad" {
			break
		}
	}
	chat, err := books.Chat(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := chat.Send(&bookstorev1.ChatRequest{Text: "Sketchpad"}); err != nil {
		t.Fatal(err)
	}
	if said, err := chat.Recv(); err != nil || len(said.GetBooks()) != 1 {
		t.Errorf("Chat: %v, %v; want one book", said, err)
	}
	if err := chat.CloseSend(); err != nil {
		t.Fatal(err)
	}
	_, err = books.GetShelf(t.Context(), &bookstorev1.GetShelfRequest{Name: "shelves/none"})
	if status.Code(err) != codes.NotFound {
		t.Errorf("GetShelf of none: %v; want NOT_FOUND", err)
	}
}

// TestDemoBalances: three instances stand behind the demo, and all of them answer.
func TestDemoBalances(t *testing.T) {
	t.Parallel()
	s := runDemo(t).screen()
	seen, c := map[string]int{}, client(t)
	eventually(t, patience, func() string {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.api+"/v1/shelves", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := c.Do(request)
		if err != nil {
			return err.Error()
		}
		_ = response.Body.Close()
		seen[response.Header.Get("X-Bookstore-Instance")]++
		if len(seen) < demoInstances {
			return fmt.Sprintf("calls were answered by %v; want %d instances", seen, demoInstances)
		}
		return ""
	})
}

// TestDemoReloadsAndLeavesNothing edits the proto of the demo, as its first screen proposes, and ends it.
func TestDemoReloadsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	p := runDemo(t)
	s := p.screen()
	folders, err := filepath.Glob(filepath.Join(p.temp, "dragoman-demo-*"))
	if err != nil || len(folders) != 1 || !strings.Contains(s.text, "  schemas   "+folders[0]+" ") {
		t.Fatalf("folders of the demo are %v, %v; want one, which the screen names:\n%s", folders, err, s.text)
	}
	edit(t, folders[0], "bookstore/v1/bookstore.proto", `{get: "/v1/shelves"};`, `{get: "/v1/shelves" additional_bindings: {get: "/v1/racks"}};`)
	p.says(p.out, `reload  .*   \+1 ~0 -0 routes   \d+ ms\n            \+ GET /v1/racks$`)
	wantAnswer(t, s.api+"/v1/racks", http.StatusOK, "shelves/classics")

	stream := openStream(t, s.api)
	p.signal(os.Interrupt)
	draining(t, s.admin, s.address())
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	p.exits(0)
	left, err := os.ReadDir(p.temp)
	if err != nil || len(left) != 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
}

// TestDemoForcedLeavesNothing: also a demo that is ended at once removes its folder.
func TestDemoForcedLeavesNothing(t *testing.T) {
	t.Parallel()
	p := runDemo(t)
	s := p.screen()
	openStream(t, s.api)
	p.signal(os.Interrupt)
	draining(t, s.admin, s.address())
	p.signal(os.Interrupt)
	if took := p.exits(4); took > promptly {
		t.Errorf("it took %s to end at once; want %s or less", took, promptly)
	}
	left, err := os.ReadDir(p.temp)
	if err != nil || len(left) != 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
}
