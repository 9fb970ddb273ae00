// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

// uploadKind is what the admin API calls sources that are uploaded to.
const uploadKind = "upload"

func newSchemaPush(t *terminal) *cobra.Command {
	var in input
	c := &control{terminal: t}
	request := &adminv1.UploadSchemaRequest{}
	cmd := &cobra.Command{
		Use:   "push FILE | PROTO_DIR …",
		Short: "Send a descriptor set, or folders of .proto files, to a source of a gateway that runs; report what changed or why it was refused",
		Long: `Send a schema to a source of a gateway that runs: one that its configuration has with upload: {}. It is put in force whole, as a reload
is, and kept for the next start; what was refused is printed with all the reasons, and the gateway goes on with what it had. Exit code 3 says that it
was refused.

A file is a descriptor set with all imports, as buf build and protoc --include_imports write it.`,
		Example: `  dragoman schema push ./proto
  dragoman schema push api.binpb --source ci --dry-run`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			content, err := t.pushed(cmd, &in, args)
			if err != nil {
				return err
			}
			request.DescriptorSet = &httpbody.HttpBody{ContentType: "application/gzip", Data: content}
			refused := false
			err = unary(c, cmd, func(ctx context.Context, conn *grpc.ClientConn) (*adminv1.UploadSchemaResponse, error) {
				client := adminv1.NewSchemaServiceClient(conn)
				if request.GetSource() == "" {
					if request.Source, err = onlyUpload(ctx, client); err != nil {
						return nil, err
					}
				}
				answer, err := client.UploadSchema(ctx, request)
				refused = answer.GetReload().GetResult() == adminv1.ReloadResult_RELOAD_RESULT_REFUSED
				return answer, err
			}, func(answer *adminv1.UploadSchemaResponse) error {
				t.reload(answer.GetReload())
				return nil
			})
			if err == nil && refused {
				return &exitError{code: exitInvalid, err: errors.New("the upload was refused; what was loaded before is still served")}
			}
			return err
		},
	}
	c.flags(cmd)
	cmd.Flags().StringVar(&request.Source, "source", "", "the name of the source; by default the only one with upload: {}")
	cmd.Flags().StringArrayVar(&in.importPaths, "import-path", nil, "a folder where imports are looked for, or virtual=folder (repeatable)")
	cmd.Flags().BoolVar(&request.DryRun, "dry-run", false, "check and report, and put nothing in force")
	cmd.Flags().BoolVar(&request.AllowBreaking, "allow-breaking", false, "let changes pass that break clients, although the configuration says schemas: {breaking_changes: reject}")
	return cmd
}

// onlyUpload is the name of the source that is uploaded to, where there is one.
func onlyUpload(ctx context.Context, client adminv1.SchemaServiceClient) (string, error) {
	answer, err := client.ListSources(ctx, &adminv1.ListSourcesRequest{})
	if err != nil {
		return "", err
	}
	var names []string
	for _, s := range answer.GetSources() {
		if s.GetKind() == uploadKind {
			names = append(names, s.GetName())
		}
	}
	switch len(names) {
	case 1:
		return names[0], nil
	case 0:
		return "", &exitError{code: exitFailed, err: errors.New("the gateway has no source with upload: {}")}
	default:
		return "", &exitError{code: exitUsage, err: fmt.Errorf("--source is missing; it must be one of %s", strings.Join(names, ", "))}
	}
}

// pushed is what arguments name, as a descriptor set that is compressed: one file, or folders of .proto files.
func (t *terminal) pushed(cmd *cobra.Command, in *input, args []string) ([]byte, error) {
	info, err := os.Stat(args[0])
	if err != nil {
		return nil, &exitError{code: exitFailed, err: err}
	}
	var set []byte
	switch {
	case info.IsDir():
		loaded, _, errLoad := t.look(cmd, in, args, false)
		if errLoad != nil {
			return nil, errLoad
		}
		defer loaded.Close()
		set, err = proto.MarshalOptions{Deterministic: true}.Marshal(descriptorSet(loaded.Schemas))
	case len(args) > 1:
		return nil, &exitError{code: exitUsage, err: errors.New("there are several arguments, and the first is a file; push one file, or folders")}
	default:
		if set, err = os.ReadFile(args[0]); err == nil && bytes.HasPrefix(set, []byte{0x1f, 0x8b}) {
			return set, nil // it is compressed
		}
	}
	if err != nil {
		return nil, &exitError{code: exitFailed, err: err}
	}
	var compressed bytes.Buffer
	w := gzip.NewWriter(&compressed)
	_, err = w.Write(set)
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	return compressed.Bytes(), nil
}
