// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"encoding/base64"
	"slices"
	"strings"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/protobuf/proto"
)

// calls returns the calls in their order. Those that change something come to both servers alike; a call that only one of
// them passes on must not change anything.
func calls() []call {
	return slices.Concat(keyCalls(), txnCalls(), leaseCalls(), clusterCalls(), authCalls(), refusedCalls(), strictCalls(), broadCalls(), pathCalls(), tokenCalls())
}

// post is a call that both pass on.
func post(name, path, body string, answer proto.Message, except ...exception) call {
	return call{name: name, request: request{path: path, body: body}, answer: answer, except: except}
}

// in replaces every 'text' in single quotes by its base64 in double quotes, as keys and values are written in JSON.
func in(body string) string {
	parts := strings.Split(body, "'")
	for i := 1; i < len(parts); i += 2 {
		parts[i] = `"` + base64.StdEncoding.EncodeToString([]byte(parts[i])) + `"`
	}
	return strings.Join(parts, "")
}

const (
	putPath   = "/v3/kv/put"
	rangePath = "/v3/kv/range"
	txnPath   = "/v3/kv/txn"
)

func keyCalls() []call {
	var (
		put     = &pb.PutResponse{}
		ranged  = &pb.RangeResponse{}
		deleted = &pb.DeleteRangeResponse{}
		large   = strings.Repeat("0123456789abcdef", 40_000)
	)
	return []call{
		post("put", putPath, in(`{"key":'fruit/apple',"value":'red'}`), put),
		post("put a second key", putPath, in(`{"key":'fruit/banana',"value":'yellow'}`), put),
		post("put a third key", putPath, in(`{"key":'fruit/cherry',"value":'red'}`), put),
		post("put bytes that are no text", putPath, in("{\"key\":'fruit/\xff\x00\xfe',\"value\":'\x80\x81'}"), put),
		post("put over a value and get the one before", putPath, in(`{"key":'fruit/apple',"value":'green',"prev_kv":true}`), put),
		post("put with JSON names", putPath, in(`{"key":'fruit/apple',"value":'golden',"prevKv":true}`), put),
		post("put an empty value", putPath, in(`{"key":'fruit/date',"value":''}`), put),
		post("put null for a value", putPath, in(`{"key":'fruit/elder',"value":null}`), put),
		post("put and keep the value", putPath, in(`{"key":'fruit/apple',"ignore_value":true}`), put),
		post("put a large value", putPath, in(`{"key":'large',"value":'`+large+`'}`), put),
		post("put with a lease that is not there", putPath, in(`{"key":'x',"lease":"123456"}`), put),
		post("put without a key", putPath, in(`{"value":'x'}`), put),
		post("put without a body", putPath, "", put),
		post("put more than etcd takes", putPath, in(`{"key":'huge',"value":'`+large+large+large+`'}`), put),

		post("range of one key", rangePath, in(`{"key":'fruit/apple'}`), ranged),
		post("range of a large value", rangePath, in(`{"key":'large'}`), ranged),
		post("range of no key", rangePath, in(`{"key":'nothing'}`), ranged),
		post("range of a prefix", rangePath, in(`{"key":'fruit/',"range_end":'fruit0'}`), ranged),
		post("range with a limit", rangePath, in(`{"key":'fruit/',"range_end":'fruit0',"limit":2}`), ranged),
		post("range with a limit as a string", rangePath, in(`{"key":'fruit/',"range_end":'fruit0',"limit":"2"}`), ranged),
		post("range with a limit above 2^53", rangePath, in(`{"key":'fruit/',"range_end":'fruit0',"limit":9007199254740993}`), ranged),
		post("range sorted by name of an enum value", rangePath,
			in(`{"key":'fruit/',"range_end":'fruit0',"sort_order":"DESCEND","sort_target":"MOD"}`), ranged),
		post("range sorted by number of an enum value", rangePath, in(`{"key":'fruit/',"range_end":'fruit0',"sort_order":2,"sort_target":4}`), ranged),
		post("range sorted by a number that is no value of the enum", rangePath, in(`{"key":'fruit/',"range_end":'fruit0',"sort_order":99}`), ranged),
		post("range of keys only", rangePath, in(`{"key":'fruit/',"range_end":'fruit0',"keys_only":true}`), ranged),
		post("range of the count only", rangePath, in(`{"key":'fruit/',"range_end":'fruit0',"count_only":true}`), ranged),
		post("range with all of it", rangePath,
			in(`{"key":'fruit/',"rangeEnd":'fruit0',"limit":"3","sortOrder":"ASCEND","sortTarget":"VALUE","keysOnly":true,"serializable":true}`), ranged),
		post("range between revisions", rangePath, in(`{"key":'fruit/',"range_end":'fruit0',"min_mod_revision":"3","max_create_revision":4}`), ranged),
		post("range at an old revision", rangePath, in(`{"key":'fruit/apple',"revision":"2"}`), ranged),
		post("range at a revision to come", rangePath, in(`{"key":'fruit/apple',"revision":"1000000"}`), ranged),
		post("range with white space around everything", rangePath, in("\n { \"key\" :\t'fruit/apple' , \"limit\" : 1 } \r\n"), ranged),
		post("range with escapes in names", rangePath, in(`{"k\u0065y":'fruit/apple'}`), ranged),
		{
			name:    "range with a deadline",
			request: request{path: rangePath, body: in(`{"key":'fruit/apple'}`), header: "Grpc-Timeout: 20S"},
			answer:  ranged,
		},
		{
			name:    "range with a header that names another method, T46",
			request: request{path: rangePath, body: in(`{"key":'fruit/apple'}`), header: "X-HTTP-Method-Override: DELETE"},
			answer:  ranged,
		},

		post("delete one key and get it", "/v3/kv/deleterange", in(`{"key":'fruit/banana',"prev_kv":true}`), deleted),
		post("delete no key", "/v3/kv/deleterange", in(`{"key":'nothing'}`), deleted),
		post("delete several keys", "/v3/kv/deleterange", in(`{"key":'fruit/d',"range_end":'fruit/f',"prev_kv":true}`), deleted),

		post("compaction", "/v3/kv/compaction", `{"revision":"4","physical":true}`, &pb.CompactionResponse{}),
		post("compaction of what is compacted", "/v3/kv/compaction", `{"revision":"3"}`, &pb.CompactionResponse{}),
		post("compaction of what is to come", "/v3/kv/compaction", `{"revision":"1000000"}`, &pb.CompactionResponse{}),
		post("range at a compacted revision", rangePath, in(`{"key":'fruit/apple',"revision":"2"}`), ranged),
	}
}

func txnCalls() []call {
	done := &pb.TxnResponse{}
	return []call{
		post("txn without anything", txnPath, `{}`, done),
		post("txn whose comparison holds", txnPath, in(`{
			"compare": [
				{"result": "EQUAL", "target": "VALUE", "key": 'fruit/apple', "value": 'golden'},
				{"result": "GREATER", "target": "VERSION", "key": 'fruit/apple', "version": "1"}
			],
			"success": [
				{"request_put": {"key": 'txn/a', "value": '1', "prev_kv": true}},
				{"request_range": {"key": 'fruit/', "range_end": 'fruit0', "limit": 1}},
				{"request_delete_range": {"key": 'fruit/cherry', "prev_kv": true}}
			],
			"failure": [{"request_put": {"key": 'txn/b', "value": '2'}}]
		}`), done),
		post("txn whose comparison fails", txnPath, in(`{
			"compare": [{"result": "LESS", "target": "CREATE", "key": 'fruit/apple', "create_revision": 2}],
			"success": [{"request_put": {"key": 'txn/a', "value": '3'}}],
			"failure": [{"requestRange": {"key": 'txn/', "rangeEnd": 'txn0'}}]
		}`), done),
		post("txn in a txn", txnPath, in(`{
			"compare": [{"target": "MOD", "result": "NOT_EQUAL", "key": 'txn/a', "mod_revision": "0", "range_end": 'txn/b'}],
			"success": [{"request_txn": {
				"compare": [{"target": "LEASE", "key": 'txn/a', "lease": "0"}],
				"success": [{"request_put": {"key": 'txn/c', "value": 'in'}}, {"request_range": {"key": 'txn/c'}}]
			}}]
		}`), done),
		post("txn that puts a key twice", txnPath, in(`{"success":[{"request_put":{"key":'x'}},{"request_put":{"key":'x'}}]}`), done),
		post("txn with empty requests", txnPath, in(`{"success":[{"request_put":{}}]}`), done),
	}
}

func leaseCalls() []call {
	granted, left := &pb.LeaseGrantResponse{}, &pb.LeaseTimeToLiveResponse{}
	return []call{
		post("lease grant", "/v3/lease/grant", `{"TTL":"600","ID":"7700000000000000001"}`, granted),
		post("lease grant of one that is there", "/v3/lease/grant", `{"TTL":600,"ID":"7700000000000000001"}`, granted, precondition),
		post("put with a lease", putPath, in(`{"key":'leased',"value":'x',"lease":"7700000000000000001"}`), &pb.PutResponse{}),
		{
			name:    "lease keepalive",
			request: request{path: "/v3/lease/keepalive", body: `{"ID":"7700000000000000001"}`},
			answer:  &pb.LeaseKeepAliveResponse{},
			says:    "gRPC",
			except:  []exception{plainStream},
		},
		post("lease timetolive", "/v3/lease/timetolive", `{"ID":"7700000000000000001","keys":true}`, left, remainingTime),
		post("lease timetolive by its second path", "/v3/kv/lease/timetolive", `{"ID":7700000000000000001}`, left, remainingTime),
		post("lease timetolive of one that is not there", "/v3/lease/timetolive", `{"ID":"5","keys":true}`, left),
		post("lease list", "/v3/lease/leases", `{}`, &pb.LeaseLeasesResponse{}),
		post("lease revoke", "/v3/lease/revoke", `{"ID":"7700000000000000001"}`, &pb.LeaseRevokeResponse{}),
		post("lease revoke of one that is not there", "/v3/kv/lease/revoke", `{"ID":"7700000000000000001"}`, &pb.LeaseRevokeResponse{}),
		post("range of what went with the lease", rangePath, in(`{"key":'leased'}`), &pb.RangeResponse{}),
	}
}

func clusterCalls() []call {
	status := &pb.StatusResponse{}
	return []call{
		post("member list", "/v3/cluster/member/list", `{}`, &pb.MemberListResponse{}),
		post("member add with a bad URL", "/v3/cluster/member/add", `{"peerURLs":["not a url"]}`, &pb.MemberAddResponse{}),
		post("member remove of one that is not there", "/v3/cluster/member/remove", `{"ID":"18446744073709551615"}`, &pb.MemberRemoveResponse{}),
		post("member promote of one that is not there", "/v3/cluster/member/promote", `{"ID":5}`, &pb.MemberPromoteResponse{}),
		post("maintenance status", "/v3/maintenance/status", `{}`, status, databaseSize),
		post("maintenance alarms", "/v3/maintenance/alarm", `{"action":"GET"}`, &pb.AlarmResponse{}),
		post("maintenance defragment", "/v3/maintenance/defragment", `{}`, &pb.DefragmentResponse{}),
		post("maintenance hash", "/v3/maintenance/hash", `{}`, &pb.HashResponse{}),
		post("maintenance leadership to nobody", "/v3/maintenance/transfer-leadership", `{"targetID":"5"}`, &pb.MoveLeaderResponse{}, precondition),
		{
			name:    "maintenance snapshot, a stream of answers",
			request: request{path: "/v3/maintenance/snapshot", body: `{}`},
			answer:  &pb.SnapshotResponse{},
			except:  []exception{plainRecords, ownDatabase},
		},
	}
}

func authCalls() []call {
	role := &pb.AuthRoleGetResponse{}
	return []call{
		{
			name:    "auth status",
			request: request{path: "/v3/auth/status", body: `{}`},
			answer:  &pb.AuthStatusResponse{},
			says:    "unknown method AuthStatus for service etcdserverpb.Auth",
			except:  []exception{newerMethod},
		},
		post("auth authenticate without auth", "/v3/auth/authenticate", `{"name":"x","password":"y"}`, &pb.AuthenticateResponse{}, precondition),
		post("auth enable without a root", "/v3/auth/enable", `{}`, &pb.AuthEnableResponse{}, precondition),
		post("auth disable", "/v3/auth/disable", `{}`, &pb.AuthDisableResponse{}),
		post("auth user add", "/v3/auth/user/add", `{"name":"zoë \"<&>\" \u2028","password":"secret","options":{"no_password":false}}`, &pb.AuthUserAddResponse{}),
		post("auth user add without a name", "/v3/auth/user/add", `{}`, &pb.AuthUserAddResponse{}),
		post("auth user list", "/v3/auth/user/list", `{}`, &pb.AuthUserListResponse{}),
		post("auth user of a name that is not there", "/v3/auth/user/get", `{"name":"nobody"}`, &pb.AuthUserGetResponse{}, precondition),
		post("auth role add", "/v3/auth/role/add", `{"name":"writer"}`, &pb.AuthRoleAddResponse{}),
		post("auth role grant", "/v3/auth/role/grant", in(`{"name":"writer","perm":{"permType":"WRITE","key":'a',"range_end":'b'}}`), &pb.AuthRoleGrantPermissionResponse{}),
		post("auth role grant of the default", "/v3/auth/role/grant", in(`{"name":"writer","perm":{"permType":0,"key":'c'}}`), &pb.AuthRoleGrantPermissionResponse{}),
		post("auth role get", "/v3/auth/role/get", `{"role":"writer"}`, role),
		post("auth user grant", "/v3/auth/user/grant", `{"user":"zoë \"<&>\" \u2028","role":"writer"}`, &pb.AuthUserGrantRoleResponse{}),
		post("auth user get", "/v3/auth/user/get", `{"name":"zoë \"<&>\" \u2028"}`, &pb.AuthUserGetResponse{}),
		post("auth role list", "/v3/auth/role/list", `{}`, &pb.AuthRoleListResponse{}),
		post("auth role delete", "/v3/auth/role/delete", `{"role":"writer"}`, &pb.AuthRoleDeleteResponse{}),
		post("auth role of a name that is not there", "/v3/auth/role/get", `{"role":"writer"}`, role, precondition),
	}
}

// tokenCalls come last: from then on, etcd answers only those who say who they are.
func tokenCalls() []call {
	ranged, entered := &pb.RangeResponse{}, &pb.AuthenticateResponse{}
	as := func(name, header string) call {
		return call{name: name, request: request{path: rangePath, body: in(`{"key":'fruit/apple'}`), header: header}, answer: ranged}
	}
	return []call{
		post("auth user add of the root", "/v3/auth/user/add", `{"name":"root","password":"secret"}`, &pb.AuthUserAddResponse{}),
		post("auth user grant of the root", "/v3/auth/user/grant", `{"user":"root","role":"root"}`, &pb.AuthUserGrantRoleResponse{}),
		post("auth enable", "/v3/auth/enable", `{}`, &pb.AuthEnableResponse{}),
		as("range without a token", ""),
		as("range with a bad token", "Authorization: bad"),
		post("auth authenticate with a wrong password", "/v3/auth/authenticate", `{"name":"root","password":"guess"}`, entered),
		post("auth authenticate", "/v3/auth/authenticate", `{"name":"root","password":"secret"}`, entered, ownToken),
		as("range with a token", "Authorization: {token}"),
	}
}
