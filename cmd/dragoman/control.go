// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/gateway/admin"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Variables of the environment by which commands find a gateway that runs.
const (
	addressVariable = "DRAGOMAN_ADMIN"
	tokenVariable   = "DRAGOMAN_ADMIN_TOKEN" //nolint:gosec // the name of a variable
)

// answerTime is how long an answer of a gateway may take: a reload reads all schemas.
const answerTime = 5 * time.Minute

// largestAnswer is how many bytes an answer may have: descriptors of large schemas do.
const largestAnswer = 256 << 20

// control is how a command speaks to a gateway that runs.
type control struct {
	terminal *terminal
	address  string
	asJSON   bool
}

// flags adds what says where the gateway is.
func (c *control) flags(cmd *cobra.Command) {
	adminFlag(cmd, &c.address)
	cmd.Flags().BoolVar(&c.asJSON, "json", false, "print JSON")
}

// adminFlag adds --admin, by which commands find a gateway that runs.
func adminFlag(cmd *cobra.Command, address *string) {
	cmd.Flags().StringVar(address, "admin", "", "the admin listener of the gateway, host:port; "+addressVariable+", or else "+admin.DefaultAddress)
	nameVariable(cmd.Flags(), "admin", addressVariable)
}

// where is the address of the admin listener.
func (c *control) where() string { return cmp.Or(c.address, admin.DefaultAddress) }

// ask calls the admin API. What goes wrong has its exit code.
func (c *control) ask(ctx context.Context, do func(ctx context.Context, conn *grpc.ClientConn) error) error {
	address := c.where()
	if _, _, err := net.SplitHostPort(address); err != nil {
		return &exitError{code: exitUsage, err: fmt.Errorf("--admin is %q; it must be host:port, such as %s", address, admin.DefaultAddress)}
	}
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDisableServiceConfig(),
		grpc.WithNoProxy(), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(largestAnswer)))
	if err != nil {
		return &exitError{code: exitFailed, err: err}
	}
	defer func() { _ = conn.Close() }()
	if token := os.Getenv(tokenVariable); token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	return c.exit(do(ctx, conn))
}

// exit gives an error of the admin API its exit code.
func (c *control) exit(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		return e
	}
	s, ok := status.FromError(err)
	switch {
	case !ok:
		return &exitError{code: exitFailed, err: err}
	case s.Code() == codes.Unavailable:
		return &exitError{code: exitUnreachable, err: fmt.Errorf("no gateway answers at %s: %s", c.where(), reasonOf(s.Message()))}
	case s.Code() == codes.Unauthenticated:
		return &exitError{code: exitFailed, err: fmt.Errorf("the gateway at %s wants a token: put it into %s", c.where(), tokenVariable)}
	default:
		return &exitError{code: exitFailed, err: errors.New(s.Message())}
	}
}

// reasonOf leaves out what gRPC says around a reason.
func reasonOf(message string) string {
	_, after, found := strings.Cut(message, "connect: ")
	if !found {
		return message
	}
	return strings.TrimRight(after, `"`)
}

// json prints an answer as the admin API writes it over REST.
func (c *control) json(m proto.Message) error {
	data, err := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(m)
	if err != nil {
		return err
	}
	var line bytes.Buffer // the spaces of protojson are not the same in all programs
	if err := json.Compact(&line, data); err != nil {
		return err
	}
	c.terminal.printf("%s\n", line.String())
	return nil
}

// unary makes a command that asks one thing and prints the answer.
func unary[A proto.Message](c *control, cmd *cobra.Command, call func(ctx context.Context, conn *grpc.ClientConn) (A, error), show func(A) error) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), answerTime)
	defer cancel()
	return c.ask(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		answer, err := call(ctx, conn)
		if err != nil {
			return err
		}
		if c.asJSON {
			return c.json(answer)
		}
		return show(answer)
	})
}

// diagnosticsOf makes diagnostics of those of the admin API, to be printed as all are.
func diagnosticsOf(list []*adminv1.Diagnostic) []schema.Diagnostic {
	levels := map[adminv1.Level]schema.Level{adminv1.Level_LEVEL_ERROR: schema.Error, adminv1.Level_LEVEL_WARNING: schema.Warning, adminv1.Level_LEVEL_NOTE: schema.Note}
	all := make([]schema.Diagnostic, 0, len(list))
	for _, d := range list {
		out := schema.Diagnostic{Level: levels[d.GetLevel()], Code: d.GetCode(), Message: d.GetMessage(), Help: d.GetHelp(), Notes: d.GetNotes()}
		if d.GetPath() != "" {
			out.Message = d.GetPath() + ": " + out.Message
		}
		for _, s := range d.GetSpans() {
			p := s.GetPosition()
			out.Spans = append(out.Spans, schema.Span{
				Position:  schema.Position{File: p.GetFile(), Line: int(p.GetLine()), Column: int(p.GetColumn())},
				EndColumn: int(s.GetEndColumn()), Label: s.GetLabel(), Text: s.GetText(), Primary: s.GetPrimary(),
			})
		}
		all = append(all, out)
	}
	return all
}
