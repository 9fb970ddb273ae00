// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

func newReload(t *terminal) *cobra.Command {
	c := &control{terminal: t}
	in := &adminv1.ReloadRequest{}
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Let a gateway that runs read its configuration and schemas again, and report what changed or why it was refused",
		Long: `Let a gateway that runs read its configuration and schemas again. What changed is printed; what was refused is, too, with all the
reasons, and the gateway goes on with what it had. Exit code 3 says that it was refused.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			refused := false
			err := unary(c, cmd, func(ctx context.Context, conn *grpc.ClientConn) (*adminv1.ReloadResponse, error) {
				answer, err := adminv1.NewReloadServiceClient(conn).Reload(ctx, in)
				refused = answer.GetReload().GetResult() == adminv1.ReloadResult_RELOAD_RESULT_REFUSED
				return answer, err
			}, func(answer *adminv1.ReloadResponse) error {
				t.reload(answer.GetReload())
				return nil
			})
			if err == nil && refused {
				return &exitError{code: exitInvalid, err: errors.New("the reload was refused; what was loaded before is still served")}
			}
			return err
		},
	}
	c.flags(cmd)
	cmd.Flags().BoolVar(&in.DryRun, "dry-run", false, "check and report, and put nothing in force")
	cmd.Flags().BoolVar(&in.AllowBreaking, "allow-breaking", false, "let changes of schemas pass that break clients, although the configuration says schemas: {breaking_changes: reject}")
	return cmd
}

// reload prints what a reload did.
func (t *terminal) reload(r *adminv1.Reload) {
	if r.GetResult() == adminv1.ReloadResult_RELOAD_RESULT_REFUSED {
		t.diagnose(diagnosticsOf(r.GetProblems()))
		return
	}
	t.printf("%s in %s\n", resultWords[r.GetResult()], short(r.GetTook().AsDuration()))
	for _, change := range r.GetChanges() {
		t.change(change)
	}
	for _, route := range []struct {
		sign  string
		names []string
	}{{"+", r.GetRoutesAdded()}, {"~", r.GetRoutesChanged()}, {"-", r.GetRoutesRemoved()}} {
		for _, name := range route.names {
			t.printf("  %s %s\n", route.sign, name)
		}
	}
	for _, change := range r.GetSchemaChanges() {
		t.schemaChange(change)
	}
	t.diagnose(diagnosticsOf(r.GetWarnings()))
}

// change prints a setting that changed.
func (t *terminal) change(c *adminv1.FieldChange) {
	effect := ""
	if c.GetEffect() != "" {
		effect = "   takes effect " + c.GetEffect()
	}
	t.printf("  %s: %s → %s%s\n", c.GetPath(), orNone(c.GetBefore()), orNone(c.GetAfter()), effect)
}

// schemaChange prints a change of the schemas.
func (t *terminal) schemaChange(c *adminv1.SchemaChange) {
	word := "  schema"
	if c.GetBreaking() {
		word = "  BREAKS clients:"
	}
	t.printf("%s %s %s (%s)\n", word, c.GetElement(), c.GetMessage(), c.GetRule())
}
