package main

import (
	"fmt"
	"math"
	"time"
)

func tune(names []contender, length time.Duration, noise bool) {
	if noise {
		scenarios = noisy
	}
	type cell struct {
		n, g int
		l    float64
	}
	var cells []cell
	for _, n := range []int{3, 10, 100} {
		for _, g := range []int{1, 4, 16} {
			if n == 100 && g == 4 {
				continue
			}
			for _, l := range []float64{.5, .85, .95} {
				if n == 100 && l != .85 {
					continue
				}
				cells = append(cells, cell{n, g, l})
			}
		}
	}
	fmt.Printf("%-24s", "")
	for _, s := range scenarios {
		fmt.Printf(" | %-30s", s.name)
	}
	fmt.Println()
	base := map[string]float64{}
	for i, c := range append([]contender{contenders[len(contenders)-1]}, names...) {
		fmt.Printf("%-24s", c.name)
		for _, s := range scenarios {
			var sum, worst, err, sum999 float64
			var at cell
			for _, k := range cells {
				d := length
				if k.n == 100 {
					d /= 4
				}
				m, e := simulate(setup{s, k.n, k.g, k.l, d + warmup, 7}, c)
				if e != nil {
					panic(e)
				}
				key := fmt.Sprint(s.name, k)
				p := float64(m.quantile(.99))
				p3 := float64(m.quantile(.999))
				if i == 0 {
					base[key] = p
					base[key+"9"] = p3
				}
				r := math.Log(p / base[key])
				sum += r
				sum999 += math.Log(p3 / base[key+"9"])
				if r > worst {
					worst = r
					at = k
				}
				err += m.errors()
			}
			N := float64(len(cells))
			fmt.Printf(" | %5.3f %5.3f w%5.2f %-12s %.3f%%", math.Exp(sum/N), math.Exp(sum999/N), math.Exp(worst), fmt.Sprintf("%d/%d/%.2f", at.n, at.g, at.l), err/N*100)
		}
		fmt.Println()
	}
}
