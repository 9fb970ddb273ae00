// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dragoman-gateway/dragoman/gateway/explain"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// explainFlags are the flags of `dragoman explain`.
type explainFlags struct {
	in       input
	headers  []string
	data     string
	listener string
	asJSON   bool
	protos   []string

	live         bool
	admin, token string
}

func newExplain(t *terminal) *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "explain CODE | explain VERB PATH [-c FILE | --protos PROTO_DIR …]",
		Short: "Tell what a request would meet, or what the code of an error means",
		Long: `Tell what a request would meet, without sending it: which route it finds and why not another one, what sets each field of the message, which
setting each value of the policy is from, who may call, which limits hold, and where the call would go.

With the code of an error, such as DG1103, print what it means and what to do.

The exit code is 0 if the request would get to a backend, its policies permitting, and else 1.`,
		Example: `  dragoman explain DG1103
  dragoman explain GET '/v1/shelves/classics?view=full' -c dragoman.yaml
  dragoman explain GET /v1/shelves --live --admin 127.0.0.1:9901
  dragoman explain POST /v1/shelves --protos ./proto -d '{"title": "Poems"}' -H 'authorization: Bearer x'`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return t.explainCode(args[0], f.asJSON)
			}
			request, err := f.request(args[0], args[1])
			if err != nil {
				return err
			}
			if f.live {
				return t.explainLive(cmd.Context(), &f, request)
			}
			loaded, _, err := t.look(cmd, &f.in, f.protos, true)
			if err != nil {
				return err
			}
			defer loaded.Close()
			e := loaded.Explain(cmd.Context(), request)
			if f.asJSON {
				err = json.NewEncoder(t.out).Encode(e)
			} else {
				err = e.Write(t.out)
			}
			if err != nil || !e.Outcome.OK {
				return &exitError{code: exitFailed, err: err}
			}
			return nil
		},
	}
	f.in.fileFlag(cmd)
	f.in.schemaFlags(cmd)
	cmd.Flags().StringArrayVar(&f.protos, "protos", nil, "a folder of .proto files, without a configuration file (repeatable)")
	cmd.Flags().StringArrayVarP(&f.headers, "header", "H", nil, "a header field, 'name: value' (repeatable)")
	cmd.Flags().StringVarP(&f.data, "data", "d", "", "the body; @FILE reads a file")
	cmd.Flags().StringVar(&f.listener, "listener", "", "the name of the listener by which the request comes; reflection and health are at some")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&f.live, "live", false, "ask a running gateway, which also tells how the endpoints fare")
	adminFlag(cmd, &f.admin)
	cmd.Flags().StringVar(&f.token, "token", "", "the token of that address; by default that of the variable "+tokenVariable)
	nameVariable(cmd.Flags(), "token", tokenVariable)
	return cmd
}

// explainCode prints the page of a code.
func (t *terminal) explainCode(code string, asJSON bool) error {
	page, ok := explain.PageOf(code)
	if !ok {
		return &exitError{code: exitUsage, err: fmt.Errorf("there is no code %q; a request has two arguments, such as GET /v1/users", code)}
	}
	if asJSON {
		return failed(json.NewEncoder(t.out).Encode(map[string]string{"code": page.Code, "title": page.Title, "text": page.Text}))
	}
	t.printf("%s: %s\n\n%s\n", page.Code, page.Title, page.Text)
	return nil
}

// request is the request of the command line.
func (f *explainFlags) request(verb, target string) (*explain.Request, error) {
	wrong := func(format string, args ...any) error {
		return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
	}
	u, err := url.Parse(target)
	if err != nil || !strings.HasPrefix(u.EscapedPath(), "/") {
		return nil, wrong("the path is %q; it must begin with a slash", target)
	}
	header, err := headerOf(f.headers)
	if err != nil {
		return nil, err
	}
	body, err := dataOf(f.data)
	if err != nil {
		return nil, wrong("-d: %w", err)
	}
	r := &explain.Request{Method: verb, Path: u.EscapedPath(), Query: u.RawQuery, Authority: u.Host, Header: header, Body: body, Listener: f.listener}
	if host := header.Get("host"); host != "" {
		r.Authority = host
		r.Header.Del("host")
	}
	if len(body) > 0 && !r.Header.Has("content-type") {
		r.Header.Add("content-type", "application/json")
	}
	return r, nil
}

// headerOf reads header fields as people write them.
func headerOf(lines []string) (wire.Header, error) {
	var h wire.Header
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if !ok || !wire.ValidName(name) || !wire.ValidValue(value) {
			return nil, &exitError{code: exitUsage, err: fmt.Errorf("-H is %q; it must be 'name: value'", line)}
		}
		h.Add(name, value)
	}
	return h, nil
}

// maxData is the size in bytes of the largest file that -d reads.
const maxData = 64 << 20

// dataOf is the data of -d: a text, or with @ the contents of a file.
func dataOf(data string) ([]byte, error) {
	name, isFile := strings.CutPrefix(data, "@")
	if !isFile {
		return []byte(data), nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxData {
		return nil, errors.New(name + " is too large")
	}
	return os.ReadFile(name)
}
