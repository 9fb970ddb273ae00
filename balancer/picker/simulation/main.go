package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	only := flag.String("p", "", "")
	servers := flag.Int("n", 10, "")
	gws := flag.Int("g", 4, "")
	ld := flag.Float64("l", .85, "")
	length := flag.Duration("d", 60*time.Second, "")
	seed := flag.Uint64("seed", 1, "")
	scen := flag.String("s", "", "")
	nz := flag.Bool("noise", false, "")
	tn := flag.Bool("tune", false, "")
	flag.Parse()
	if *tn {
		var cs []contender
		for _, c := range contenders {
			if strings.Contains(c.name, *only) {
				cs = append(cs, c)
			}
		}
		tune(cs, *length, *nz)
		return
	}
	for _, c := range contenders {
		if !strings.Contains(c.name, *only) {
			continue
		}
		fmt.Fprintf(os.Stdout, "%-20s", c.name)
		for _, s := range scenarios {
			if !strings.Contains(s.name, *scen) {
				continue
			}
			m, err := simulate(setup{s, *servers, *gws, *ld, *length, *seed}, c)
			if err != nil {
				panic(err)
			}
			ms := func(q float64) float64 { return float64(m.quantile(q)) / 1e6 }
			fmt.Fprintf(os.Stdout, " | %5.1f %6.1f %6.1f %6.3f%%", ms(.5), ms(.99), ms(.999), m.errors()*100)
		}
		fmt.Fprintln(os.Stdout)
	}
}
