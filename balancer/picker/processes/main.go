// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Command processes compares policies on real processes.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

const warmup = 2 * time.Second

func main() {
	serves := flag.Bool("serve", false, "")
	gen := flag.String("generate", "", "policy")
	rate := flag.Float64("rate", 0, "")
	length := flag.Duration("length", 10*time.Second, "")
	workers := flag.Int("workers", 4, "")
	mean := flag.Duration("mean", 20*time.Millisecond, "")
	servers := flag.Int("servers", 8, "")
	clients := flag.Int("clients", 4, "")
	load := flag.Float64("load", .8, "")
	repeat := flag.Int("repeat", 1, "")
	policies := flag.String("policies", "grpc_round_robin,grpc_least_request,grpc_least_request+outlier,least_request,peak_ewma,adaptive", "")
	scen := flag.String("scenarios", "homogeneous,slow,antagonist,sick,failing", "")
	flag.Parse()
	ctx := context.Background()
	var err error
	switch {
	case *serves:
		err = serve(ctx, *workers, *mean, os.Stdin, os.Stdout)
	case *gen != "":
		err = func() error {
			c, close, err := open(*gen, flag.Args())
			if err != nil {
				return err
			}
			defer close()
			return generate(ctx, c, *rate, *length, os.Stdout)
		}()
	default:
		err = compare(ctx, *servers, *clients, *workers, *mean, *load, *length, *repeat, strings.Split(*policies, ","), strings.Split(*scen, ","))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type proc struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	addr string
}

func (p *proc) tell(s string) { fmt.Fprintln(p.in, s) }

type key struct{ policy, scenario string }

func compare(ctx context.Context, n, clients, workers int, mean time.Duration, load float64, length time.Duration, repeat int, policies, scenarios []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var servers []*proc
	for range n {
		cmd := exec.CommandContext(ctx, self, "-serve", fmt.Sprint("-workers=", workers), fmt.Sprint("-mean=", mean))
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			return err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		defer func() { in.Close(); cmd.Wait() }()
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			return err
		}
		servers = append(servers, &proc{cmd, in, strings.TrimSpace(line)})
	}
	all := map[key][][3]float64{}
	errs := map[key][]float64{}
	for r := range repeat {
		for _, sc := range scenarios {
			order := rand.Perm(len(policies))
			for _, i := range order {
				k := key{policies[i], sc}
				samples, err := one(ctx, self, servers, clients, float64(workers)/mean.Seconds()*load, length, k)
				if err != nil {
					return err
				}
				var took []time.Duration
				calls, failed := 0, 0
				for _, s := range samples {
					if s.Began < warmup {
						continue
					}
					calls++
					if s.Failed {
						failed++
						if s.Took < timeout/2 {
							continue
						}
					}
					took = append(took, s.Took)
				}
				slices.Sort(took)
				q := func(q float64) float64 { return float64(took[int(q*float64(len(took)))]) / 1e6 }
				all[k] = append(all[k], [3]float64{q(.5), q(.99), q(.999)})
				errs[k] = append(errs[k], float64(failed)/float64(calls)*100)
				fmt.Fprintf(os.Stderr, "%d %-12s %-28s %7.1f %7.1f %7.1f  %6.3f%%\n", r, sc, k.policy, q(.5), q(.99), q(.999), float64(failed)/float64(calls)*100)
			}
		}
	}
	med := func(x []float64) float64 { x = slices.Clone(x); slices.Sort(x); return x[len(x)/2] }
	for _, sc := range scenarios {
		for _, p := range policies {
			k := key{p, sc}
			var c [3][]float64
			for _, v := range all[k] {
				for i := range c {
					c[i] = append(c[i], v[i])
				}
			}
			fmt.Printf("%-12s %-28s %7.1f %7.1f %7.1f  %6.3f%%\n", sc, p, med(c[0]), med(c[1]), med(c[2]), med(errs[k]))
		}
	}
	return nil
}

func one(ctx context.Context, self string, servers []*proc, clients int, perServer float64, length time.Duration, k key) ([]sample, error) {
	set := func(i int, speed float64, failing bool) {
		servers[i].tell(fmt.Sprint("speed ", speed))
		servers[i].tell(fmt.Sprint("failing ", failing))
	}
	for i := range servers {
		set(i, 1, false)
	}
	time.Sleep(300 * time.Millisecond)
	n := len(servers)
	capacity := float64(n)
	quarter := max(n/4, 1)
	stop := make(chan struct{})
	var bg sync.WaitGroup
	switch k.scenario {
	case "slow":
		capacity -= float64(quarter) * .5
		for i := range quarter {
			set(i, .5, false)
		}
	case "antagonist":
		capacity -= float64(quarter) * .6
		bg.Go(func() {
			for {
				perm := rand.Perm(n)
				for i, s := range perm {
					if i < quarter {
						set(s, .4, false)
					} else {
						set(s, 1, false)
					}
				}
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Second):
				}
			}
		})
	case "sick":
		capacity--
		bg.Go(func() {
			time.Sleep(warmup - time.Second)
			set(0, .01, false)
		})
	case "failing":
		capacity--
		bg.Go(func() {
			time.Sleep(warmup - time.Second)
			set(0, 1, true)
		})
	}
	rate := capacity * perServer / float64(clients)
	var addrs []string
	for _, s := range servers {
		addrs = append(addrs, s.addr)
	}
	outs := make([]bytes.Buffer, clients)
	errs := make([]error, clients)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			args := append([]string{"-generate=" + k.policy, fmt.Sprint("-rate=", rate), fmt.Sprint("-length=", length)}, addrs...)
			cmd := exec.CommandContext(ctx, self, args...)
			cmd.Stdout, cmd.Stderr = &outs[i], os.Stderr
			errs[i] = cmd.Run()
		})
	}
	wg.Wait()
	close(stop)
	bg.Wait()
	var all []sample
	for i := range outs {
		if errs[i] != nil {
			return nil, errs[i]
		}
		var s []sample
		if err := json.Unmarshal(outs[i].Bytes(), &s); err != nil {
			return nil, err
		}
		all = append(all, s...)
	}
	return all, nil
}
