// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// The plot, in pixels.
const (
	plotWidth, plotHeight   = 720, 420
	plotLeft, plotRight     = 70, 500
	plotTop, plotBottom     = 40, 370
	lowest, highest         = 20 * time.Millisecond, timeout // of the scale
	lineHeight, labelOffset = 16, 12
)

// strokes are the colours of the lines and how they are dashed, so that they differ without colours too.
var strokes = [][2]string{
	{"#7f7f7f", "2 3"}, {"#9467bd", "8 3"}, {"#ff7f0e", "6 2 2 2"}, {"#2ca02c", "4 2"}, {"#8c564b", "1 2"}, {"#d62728", ""}, {"#1f77b4", "10 4"},
}

// plot returns the p99 by load of a scenario as an SVG document.
func (r *report) plot(s scenario) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, "<title>p99 by load: %s</title>\n", s.title)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, `<text x="%d" y="24" font-size="15">p99 by load: %s</text>`+"\n", plotLeft, s.title)
	for _, d := range []time.Duration{20, 50, 100, 200, 500, 1000, 2000} {
		y, label := plotY(d*time.Millisecond), fmt.Sprintf("%d ms", d)
		if d*time.Millisecond >= timeout {
			label = "time-out"
		}
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			plotLeft, y, plotRight, plotLeft-6, y+4, label)
	}
	for _, l := range loads {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%.0f %%</text>`+"\n", plotX(l), plotBottom+18, l*100)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">load</text>`+"\n", (plotLeft+plotRight)/2, plotBottom+38)
	for i, name := range plotted {
		var path strings.Builder
		for k, l := range loads {
			fmt.Fprintf(&path, "%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[k == 0], plotX(l), plotY(r.of(s, name, usualServers, usualGateways, l).quantile(0.99)))
		}
		y := plotTop + labelOffset + i*lineHeight
		stroke := fmt.Sprintf(`stroke="%s" stroke-dasharray="%s" stroke-width="2" fill="none"`, strokes[i][0], strokes[i][1])
		fmt.Fprintf(&b, `<path d="%s" %s/>`+"\n", path.String(), stroke)
		fmt.Fprintf(&b, `<path d="M%d %dh30" %s/><text x="%d" y="%d">%s</text>`+"\n", plotRight+14, y, stroke, plotRight+50, y+4, name)
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

func plotX(load float64) float64 {
	from, to := loads[0], loads[len(loads)-1]
	return plotLeft + (load-from)/(to-from)*(plotRight-plotLeft)
}

// plotY is logarithmic.
func plotY(d time.Duration) float64 {
	d = min(max(d, lowest), highest)
	part := math.Log(float64(d)/float64(lowest)) / math.Log(float64(highest)/float64(lowest))
	return plotBottom - part*(plotBottom-plotTop)
}
