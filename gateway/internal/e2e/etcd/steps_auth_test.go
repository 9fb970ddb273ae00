// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func authSteps() []step {
	return []step{
		{name: "auth status, which etcd 3.4 does not have", fails: true, do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.AuthStatus(ctx)
			return (*pb.AuthStatusResponse)(answer), err
		}},
		{name: "auth enable without a root", fails: true, do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.AuthEnable(ctx)
			return (*pb.AuthEnableResponse)(answer), err
		}},
		{name: "auth roles and users", do: func(ctx context.Context, c *client) (any, error) {
			if _, err := c.RoleAdd(ctx, "reader"); err != nil {
				return nil, err
			}
			if _, err := c.RoleGrantPermission(ctx, "reader", "fruit/", "fruit0", clientv3.PermissionType(clientv3.PermRead)); err != nil {
				return nil, err
			}
			for _, user := range []string{"root", "ada"} {
				if _, err := c.UserAdd(ctx, user, "secret"); err != nil {
					return nil, err
				}
			}
			if _, err := c.UserGrantRole(ctx, "root", "root"); err != nil {
				return nil, err
			}
			if _, err := c.UserGrantRole(ctx, "ada", "reader"); err != nil {
				return nil, err
			}
			role, err := c.RoleGet(ctx, "reader")
			if err != nil {
				return nil, err
			}
			users, err := c.UserList(ctx)
			return []any{(*pb.AuthRoleGetResponse)(role), (*pb.AuthUserListResponse)(users)}, err
		}},
		{name: "auth enable", do: func(ctx context.Context, c *client) (any, error) {
			answer, err := c.AuthEnable(ctx)
			return (*pb.AuthEnableResponse)(answer), err
		}},
		{name: "range without a token", fails: true, do: func(ctx context.Context, c *client) (any, error) { return get(ctx, c, "fruit/0") }},
		{name: "range with a token, which is metadata", do: func(ctx context.Context, c *client) (any, error) {
			return as(c, "ada", "secret", func(ada *client) (any, error) { return get(ctx, ada, "fruit/0") })
		}},
		{name: "put that the role does not permit", fails: true, do: func(ctx context.Context, c *client) (any, error) {
			return as(c, "ada", "secret", func(ada *client) (any, error) { return put(ctx, ada, "fruit/0", "x") })
		}},
		{name: "wrong password", fails: true, do: func(ctx context.Context, c *client) (any, error) {
			return as(c, "ada", "wrong", func(ada *client) (any, error) { return get(ctx, ada, "fruit/0") })
		}},
	}
}

// as does something with a client that authenticates itself.
func as(c *client, name, password string, do func(*client) (any, error)) (any, error) {
	made, err := clientv3.New(clientv3.Config{
		Endpoints: []string{"http://" + c.address}, DialTimeout: answerWithin, Username: name, Password: password,
	})
	if err != nil {
		return nil, err
	}
	defer made.Close() //nolint:errcheck // it says only that it was cancelled
	return do(&client{Client: made, address: c.address})
}
