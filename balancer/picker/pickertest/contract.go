// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package pickertest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

const (
	method  = "/pickertest.Service/Method"
	perEach = 10_000 // picks per endpoint where shares are measured
)

// clause is one sentence of the contract.
type clause struct {
	name  string
	check func(picker.Policy, Traits) error
}

var clauses = []clause{
	{"has a name for configuration", checkName},
	{"picks only ready endpoints", checkReady},
	{"picks the only endpoint", checkOnly},
	{"spreads calls as it promises", checkSpread},
	{"starves no endpoint", checkStarvation},
	{"leaves the view alone", checkView},
	{"starts afresh after another policy", checkForeign},
	{"keeps old pickers usable", checkOldPickers},
	{"follows changes and keeps state", checkChanges},
	{"is safe for concurrent use", checkConcurrent},
	{"goes elsewhere when it is retried", checkRetry},
	{"goes where there is room", checkRoom},
	{"does not allocate", checkAllocations},
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

func checkName(p picker.Policy, _ Traits) error {
	if !nameForm.MatchString(p.Name()) {
		return fmt.Errorf("name is %q; it must be lower case words joined by underscores", p.Name())
	}
	return nil
}

func checkReady(p picker.Policy, _ Traits) error {
	v, err := newView(20)
	if err != nil {
		return err
	}
	v.Ready = v.All[5:12]
	_, err = picks(p.Next(nil, v), v, 2000)
	return err
}

func checkOnly(p picker.Policy, _ Traits) error {
	v, err := newView(1)
	if err != nil {
		return err
	}
	_, err = picks(p.Next(nil, v), v, 100)
	return err
}

func checkSpread(p picker.Policy, tr Traits) error {
	if tr.Spread == 0 {
		return nil
	}
	v, err := newView(9)
	if err != nil {
		return err
	}
	got, err := picks(p.Next(nil, v), v, perEach*len(v.Ready))
	if err != nil {
		return err
	}
	for _, c := range v.Ready {
		if off := math.Abs(float64(got[c])/perEach - 1); off > tr.Spread {
			return fmt.Errorf("%v had %d calls where %d are its share: %.1f%% off, more than %.1f%%",
				c.Endpoint, got[c], perEach, off*100, tr.Spread*100)
		}
	}
	return nil
}

func checkStarvation(p picker.Policy, tr Traits) error {
	if tr.Sticky {
		return nil
	}
	v, err := newView(50)
	if err != nil {
		return err
	}
	got, err := picks(p.Next(nil, v), v, 200*len(v.Ready))
	if err != nil {
		return err
	}
	for _, c := range v.Ready {
		if got[c] == 0 {
			return fmt.Errorf("%v had none of %d calls", c.Endpoint, 200*len(v.Ready))
		}
	}
	return nil
}

// checkRetry tries a call on one endpoint after the other.
func checkRetry(p picker.Policy, _ Traits) error {
	v, err := newView(4)
	if err != nil {
		return err
	}
	k := p.Next(nil, v)
	for n := range 50 {
		call := &picker.Call{Key: fmt.Sprint("key ", n)}
		seen := map[*picker.Stats]bool{}
		for range v.Ready {
			c, err := k.Pick(picker.Info{Method: method, Context: context.Background(), Call: call, Random: rand.Uint64()})
			if err != nil {
				return err
			}
			if seen[c.Stats] {
				return fmt.Errorf("attempt %d of a call goes to %v again", len(seen)+1, c.Endpoint)
			}
			seen[c.Stats] = true
			call.Chose(c)
			if f, ok := k.(picker.Finisher); ok {
				f.Finish(c, picker.Outcome{Method: method, Call: call, Result: picker.Failure, First: -1})
			}
			call = call.Retry()
		}
		if _, err := k.Pick(picker.Info{Method: method, Context: context.Background(), Call: call, Random: rand.Uint64()}); err != nil {
			return fmt.Errorf("a call that has tried all: %w", err)
		}
	}
	return nil
}

// checkRoom fills all endpoints but one.
func checkRoom(p picker.Policy, _ Traits) error {
	v, err := newView(4)
	if err != nil {
		return err
	}
	for _, c := range v.Ready[1:] {
		c.Stats.Begin()
		c.Stats.Begin()
	}
	k := p.Next(nil, v)
	for n := range 50 {
		call := &picker.Call{Key: fmt.Sprint("key ", n), MaxInFlight: 2}
		c, err := k.Pick(picker.Info{Method: method, Context: context.Background(), Call: call, Random: rand.Uint64()})
		if err != nil {
			return err
		}
		if c.Stats != v.Ready[0].Stats {
			return fmt.Errorf("a call goes to %v, which has two already", c.Endpoint)
		}
	}
	return nil
}

func checkView(p picker.Policy, _ Traits) error {
	v, err := newView(10)
	if err != nil {
		return err
	}
	ready := slices.Clone(v.Ready)
	if _, err := picks(p.Next(nil, v), v, 500); err != nil {
		return err
	}
	if !slices.Equal(ready, v.Ready) {
		return errors.New("the policy changed the view's slice")
	}
	return nil
}

// foreign is a picker of a policy that no policy knows.
type foreign struct{}

func (foreign) Pick(picker.Info) (*picker.Candidate, error) { return nil, errors.New("foreign picker") }

func checkForeign(p picker.Policy, _ Traits) error {
	v, err := newView(3)
	if err != nil {
		return err
	}
	_, err = picks(p.Next(foreign{}, v), v, 100)
	return err
}

func checkOldPickers(p picker.Policy, _ Traits) error {
	v, err := newView(6)
	if err != nil {
		return err
	}
	old := p.Next(nil, v)
	narrow := viewOf(v.All[:2:2])
	next := p.Next(old, narrow)
	if _, err := picks(next, narrow, 300); err != nil {
		return fmt.Errorf("new picker: %w", err)
	}
	if _, err := picks(old, v, 300); err != nil {
		return fmt.Errorf("picker that was replaced: %w", err)
	}
	return nil
}

func checkChanges(p picker.Policy, tr Traits) error {
	v, err := newView(12)
	if err != nil {
		return err
	}
	var current picker.Picker
	for round := range 40 {
		// A window of five over the twelve: each round one comes and one goes.
		var ready []*picker.Candidate
		for i := range 5 {
			ready = append(ready, v.All[(round+i)%len(v.All)])
		}
		view := viewOf(ready)
		current = p.Next(current, view)
		if _, err := picks(current, view, 200); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
	}
	total := uint64(0)
	for _, c := range v.All {
		if c.Stats.InFlight() != 0 {
			return fmt.Errorf("%v has %d calls in flight after the last ended", c.Endpoint, c.Stats.InFlight())
		}
		if !tr.Sticky && c.Stats.Succeeded() == 0 {
			return fmt.Errorf("%v came and went without a call", c.Endpoint)
		}
		total += c.Stats.Succeeded()
	}
	if total != 40*200 {
		return fmt.Errorf("the endpoints' stats count %d calls, want %d", total, 40*200)
	}
	return nil
}

func checkConcurrent(p picker.Policy, _ Traits) error {
	v, err := newView(16)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	current := p.Next(nil, v)
	load := func() picker.Picker {
		mu.Lock()
		defer mu.Unlock()
		return current
	}
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for range 50 {
				if _, err := picks(load(), v, 50); err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	for i := range 200 {
		next := p.Next(load(), viewOf(v.All[:1+i%len(v.All)]))
		mu.Lock()
		current = next
		mu.Unlock()
	}
	wg.Wait()
	return errors.Join(errs...)
}

func checkAllocations(p picker.Policy, _ Traits) error {
	v, err := newView(100)
	if err != nil {
		return err
	}
	pk := p.Next(nil, v)
	info := picker.Info{Method: method, Context: context.Background(), Call: &picker.Call{Key: "k"}}
	var failed error
	got := testing.AllocsPerRun(1000, func() {
		info.Now += pace
		info.Random = rand.Uint64()
		if _, err := one(pk, info); err != nil {
			failed = err
		}
	})
	if failed != nil {
		return failed
	}
	if got != 0 {
		return fmt.Errorf("a call allocates %v times, want 0", got)
	}
	return nil
}

// latency is how long every call of the contract takes, and pace how much later the next one is placed.
const (
	latency = time.Millisecond
	pace    = 2 * time.Millisecond
)

// one places a call at the time info.Now and ends it, as a balancer does.
func one(p picker.Picker, info picker.Info) (*picker.Candidate, error) {
	c, err := p.Pick(info)
	if err != nil {
		return nil, err
	}
	c.Stats.Begin()
	finish(p, c, info)
	return c, nil
}

// finish ends the call that was placed on c.
func finish(p picker.Picker, c *picker.Candidate, info picker.Info) {
	end := info.Now + latency
	c.Stats.End(picker.Success, latency, int64(end))
	if f, ok := p.(picker.Finisher); ok {
		f.Finish(c, picker.Outcome{
			Method: info.Method, Call: info.Call, Now: end, Latency: latency, First: -1, Result: picker.Success,
		})
	}
}

// picks places and ends n calls and returns how many each candidate had. It is an error when one
// goes to an endpoint that is not ready in v.
func picks(p picker.Picker, v picker.View, n int) (map[*picker.Candidate]int, error) {
	got := make(map[*picker.Candidate]int, len(v.Ready))
	ready := make(map[*picker.Stats]*picker.Candidate, len(v.Ready))
	for _, c := range v.Ready {
		got[c], ready[c.Stats] = 0, c
	}
	for i := range n {
		call := picker.Call{Key: fmt.Sprint(i)}
		c, err := one(p, picker.Info{
			Method: method, Context: context.Background(), Call: &call,
			Now: v.Now + time.Duration(i)*pace, Random: rand.Uint64(),
		})
		if err != nil {
			return nil, fmt.Errorf("pick %d: %w", i, err)
		}
		of, ok := ready[c.Stats]
		if !ok || !c.Endpoint.Equal(of.Endpoint) || c.Handle != of.Handle {
			return nil, fmt.Errorf("pick %d went to %v, which is not ready", i, c)
		}
		got[of]++
	}
	return got, nil
}
