// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// The defaults of a RetryConfig.
const (
	// DefaultAttempts is how often a call is tried: one retry.
	DefaultAttempts = 2
	// MaxAttempts is the most that can be set, as in gRFC A6.
	MaxAttempts = 5
	// DefaultBackoff bounds the pause before the first retry.
	DefaultBackoff = 25 * time.Millisecond
	// DefaultMaxBackoff bounds the pause before any.
	DefaultMaxBackoff = 250 * time.Millisecond
	// backoffFactor is what the bound of a pause is multiplied with for the next.
	backoffFactor = 2
	// maxPause bounds what can be set, and what a backend can ask for.
	maxPause = time.Minute
)

// RetryConfig says when a call of a method is tried again (decision 12). The zero value retries once, what is safe.
//
// A call that no backend has processed (it was never sent, or the backend refused it unseen) may be tried again whatever its method is. One
// that a backend may have seen is tried again only if its method is idempotent (threat H9).
type RetryConfig struct {
	// Attempts is how often a call is tried at most, the first time included; 1 to MaxAttempts. 0: DefaultAttempts.
	Attempts int
	// On are the codes of answers on which a call of an idempotent method is tried again; see RetryCodes. Empty: UNAVAILABLE.
	On []codes.Code
	// Backoff bounds the pause before the first retry, which is chosen at random from nothing on; each further one may be twice as
	// long. 0: DefaultBackoff.
	Backoff time.Duration
	// MaxBackoff bounds every pause; at least Backoff. 0: DefaultMaxBackoff, or Backoff if that is more.
	MaxBackoff time.Duration
	// PerTryTimeout is how long one attempt may take that another could follow, and never more than half of what is left of the
	// deadline; of a stream, until the first of its answer comes. 0: as long as the call.
	PerTryTimeout time.Duration
	// TreatAsIdempotent says that methods may be called twice although their schema does not say so; nil is false.
	TreatAsIdempotent *bool
}

// RetryCodes are the codes that RetryConfig.On may have: those that another attempt may change.
func RetryCodes() []codes.Code {
	return []codes.Code{
		codes.Unavailable, codes.ResourceExhausted, codes.Aborted, codes.DeadlineExceeded, codes.Internal, codes.Unknown, codes.DataLoss,
	}
}

// RetryCode returns the one of RetryCodes that has a name, such as UNAVAILABLE.
func RetryCode(name string) (codes.Code, bool) {
	for _, code := range RetryCodes() {
		if status.Name(code) == name {
			return code, true
		}
	}
	return codes.OK, false
}

// retries is a RetryConfig as calls read it.
type retries struct {
	attempts            int
	on                  uint32 // a bit for each code
	backoff, maxBackoff time.Duration
	perTry              time.Duration
	assumed             bool
}

// compile checks the configuration. The error joins all problems.
func (c RetryConfig) compile() (retries, error) {
	r := retries{
		attempts: c.Attempts, backoff: c.Backoff, maxBackoff: c.MaxBackoff, perTry: c.PerTryTimeout, assumed: c.TreatAsIdempotent != nil && *c.TreatAsIdempotent,
	}
	setDefault(&r.attempts, DefaultAttempts)
	setDefault(&r.backoff, DefaultBackoff)
	setDefault(&r.maxBackoff, max(DefaultMaxBackoff, r.backoff))
	var errs []error
	if r.attempts < 1 || r.attempts > MaxAttempts {
		errs = append(errs, fmt.Errorf("retry: attempts is %d; it must be 1 to %d", r.attempts, MaxAttempts))
	}
	if r.backoff < 0 || r.backoff > maxPause {
		errs = append(errs, fmt.Errorf("retry: backoff is %v; it must be 0s to %v", r.backoff, maxPause))
	}
	if r.maxBackoff < r.backoff || r.maxBackoff > maxPause {
		errs = append(errs, fmt.Errorf("retry: max_backoff is %v; it must be backoff, %v, to %v", r.maxBackoff, r.backoff, maxPause))
	}
	if r.perTry < 0 {
		errs = append(errs, fmt.Errorf("retry: per_try_timeout is %v; it must not be negative", r.perTry))
	}
	on := c.On
	if len(on) == 0 {
		on = []codes.Code{codes.Unavailable}
	}
	for _, code := range on {
		if !slices.Contains(RetryCodes(), code) {
			errs = append(errs, fmt.Errorf("retry: on has %s; it may have %s", status.Name(code), codeNames(RetryCodes())))
			continue
		}
		r.on |= 1 << code
	}
	return r, errors.Join(errs...)
}

func codeNames(list []codes.Code) string {
	names := make([]string, len(list))
	for i, code := range list {
		names[i] = status.Name(code)
	}
	return strings.Join(names, ", ")
}

// covers says whether an answer of that code is a reason to try again.
func (r *retries) covers(code codes.Code) bool { return code < 32 && r.on&(1<<code) != 0 }

// pause returns how long to wait before the nth retry, from 1: anything from nothing to a bound that grows ("full jitter"), so that calls
// that failed together do not come back together.
func (r *retries) pause(n int) time.Duration {
	bound := r.backoff
	for range n - 1 {
		bound = min(bound*backoffFactor, r.maxBackoff)
	}
	return rand.N(bound + 1) //nolint:gosec // chance, not a secret
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
