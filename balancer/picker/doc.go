// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package picker provides the policies that choose an endpoint for a call, one to a file.
//
// A [Policy] is a value without state: given the picker that is in force and the endpoints that
// are ready now, it returns the next [Picker]. A picker is a snapshot: it never changes but for
// its atomics, so calls pick from it without a lock, and the one before it stays usable until the
// last call has let go of it. What a policy has learnt moves from the previous picker to the
// next; what is known of an endpoint whatever the policy (calls in flight, latency, how calls
// ended) lies in its [Stats], which outlives pickers and changes of policy.
//
// A policy that wraps another is a Policy too: it narrows the view, or changes weights in it, and hands it
// on. They nest, in this order from the outside: ejection (package outlier), [Panic], [SlowStart], [Priority],
// [Zone], [Sticky].
//
// Policies read no clock and draw no numbers: both come with the view, the call and its outcome, so that a test
// or a simulation decides what time it is and can repeat itself.
//
// To add one: a file here, and a test that calls pickertest.Run.
package picker
