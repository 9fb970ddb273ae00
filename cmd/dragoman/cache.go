// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

func newCache(t *terminal) *cobra.Command {
	c := &control{terminal: t}
	cmd := &cobra.Command{
		Use: "cache", Short: "Tell how the cache of a gateway that runs fares; list its answers, and purge them", Args: cobra.NoArgs,
		Example: `  dragoman cache list 'acme.users.v1.**'
  dragoman cache purge acme.users.v1.Users/Get
  dragoman cache purge --tag user-42`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return unary(c, cmd, func(ctx context.Context, conn *grpc.ClientConn) (*adminv1.ListPoliciesResponse, error) {
				answer, err := adminv1.NewPolicyServiceClient(conn).ListPolicies(ctx, &adminv1.ListPoliciesRequest{})
				return &adminv1.ListPoliciesResponse{Caches: answer.GetCaches()}, err
			}, func(answer *adminv1.ListPoliciesResponse) error {
				if len(answer.GetCaches()) == 0 {
					t.printf("no answer is stored: no policy says cache\n")
				}
				for _, c := range answer.GetCaches() {
					t.printf("%s in %d of %d bytes\n", counted(int(c.GetEntries()), "answer"), c.GetBytes(), c.GetMaxBytes())
					t.printf("%d hits, of them %d stale; %d misses, %d bypassed\n", c.GetHits(), c.GetStale(), c.GetMisses(), c.GetBypassed())
					t.printf("%d stored, %d thrown out for others, %d purged\n", c.GetStored(), c.GetEvicted(), c.GetPurged())
				}
				return nil
			})
		},
	}
	c.flags(cmd)
	cmd.AddCommand(newCacheList(t), newCachePurge(t))
	return cmd
}

func newCacheList(t *terminal) *cobra.Command {
	c := &control{terminal: t}
	var limit int32
	cmd := &cobra.Command{
		Use: "list [GLOB]", Short: "List stored answers: key, method, bytes, tags; in no order", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return unary(c, cmd, func(ctx context.Context, conn *grpc.ClientConn) (*adminv1.ListCachedResponse, error) {
				return adminv1.NewPolicyServiceClient(conn).ListCached(ctx, &adminv1.ListCachedRequest{Match: strings.Join(args, ""), Limit: limit})
			}, func(answer *adminv1.ListCachedResponse) error {
				for _, a := range answer.GetAnswers() {
					t.printf("%s  %-40s %9d %s\n", a.GetKey(), a.GetMethod(), a.GetBytes(), strings.Join(a.GetTags(), " "))
				}
				if answer.GetMore() {
					t.printf("…more\n")
				}
				return nil
			})
		},
	}
	c.flags(cmd)
	cmd.Flags().Int32Var(&limit, "limit", 0, "how many at most, up to 1000; 0 for 100")
	return cmd
}

func newCachePurge(t *terminal) *cobra.Command {
	c := &control{terminal: t}
	in := &adminv1.PurgeCacheRequest{}
	cmd := &cobra.Command{
		Use: "purge GLOB | --tag TAG | --key KEY", Short: "Forget stored answers: of methods, with a tag, or one by its key; '**' for all", Args: cobra.MaximumNArgs(1),
		Long: `Forget stored answers: of methods, with a tag that backends give, or one by its key, which dragoman cache list has.

What gateways share through Redis is forgotten as well. The memory of other gateways is their own: purge at each of them.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Match = strings.Join(args, "")
			if in.GetMatch() == "" && in.GetTag() == "" && in.GetKey() == "" {
				return &exitError{code: exitUsage, err: errors.New("say what to forget: methods, such as 'acme.v1.**', --tag or --key; '**' is everything")}
			}
			return unary(c, cmd, func(ctx context.Context, conn *grpc.ClientConn) (*adminv1.PurgeCacheResponse, error) {
				return adminv1.NewPolicyServiceClient(conn).PurgeCache(ctx, in)
			}, func(answer *adminv1.PurgeCacheResponse) error {
				t.printf("%s forgotten\n", counted(int(answer.GetPurged()), "answer"))
				return nil
			})
		},
	}
	c.flags(cmd)
	cmd.Flags().StringVar(&in.Tag, "tag", "", "answers with this tag")
	cmd.Flags().StringVar(&in.Key, "key", "", "the answer with this key")
	return cmd
}
