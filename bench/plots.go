// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"image/color"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// plotOf names the plot of a group, without the end; empty where there is none.
func plotOf(group string) string {
	return map[string]string{groupREST: "peers-rest", groupGRPC: "peers-grpc"}[group]
}

// colours are of the peers in order: they can be told apart by those who see few colours, and in grey.
var colours = []color.RGBA{{0, 90, 181, 255}, {230, 159, 0, 255}, {120, 120, 120, 255}, {0, 158, 115, 255}, {204, 204, 204, 255}}

// plots draws the processor time of each peer in parts of that of the first one that is no Dragoman.
func plots(folder string, results []*measured) error {
	for _, group := range []string{groupREST, groupGRPC} {
		var rows []*measured
		for _, m := range results {
			if m.group == group {
				rows = append(rows, m)
			}
		}
		if len(rows) == 0 {
			continue
		}
		if err := draw(filepath.Join(folder, plotOf(group)), group, rows); err != nil {
			return err
		}
	}
	return nil
}

func draw(path, title string, rows []*measured) error {
	p := plot.New()
	peers := rows[0].peers
	p.Title.Text = fmt.Sprintf("%s: processor time of the gateway for each request, %s = 1 (less is better)", title, peers[1])
	p.Title.TextStyle.Font.Size = vg.Points(11)
	p.X.Min, p.Legend.Top, p.Legend.Left = 0, true, false
	const barHeight, gap = 7, 8
	group := vg.Points(float64(len(peers)) * barHeight)
	var names []string
	for i := range rows {
		names = append(names, rows[len(rows)-1-i].name) // the axis grows upwards
	}
	for i, peer := range peers {
		var values plotter.Values
		for j := range rows {
			m := rows[len(rows)-1-j]
			values = append(values, m.cpu(peer).median()/m.cpu(peers[1]).median())
		}
		bars, err := plotter.NewBarChart(values, vg.Points(barHeight-1))
		if err != nil {
			return err
		}
		bars.Horizontal, bars.Color, bars.LineStyle.Width = true, colours[i%len(colours)], 0
		bars.Offset = group/2 - vg.Points(barHeight*(float64(i)+0.5))
		p.Add(bars)
		p.Legend.Add(peer, bars)
	}
	p.Add(plotter.NewGrid())
	p.NominalY(names...)
	height := vg.Points(float64(len(rows))*(float64(len(peers))*barHeight+gap)) + 2*vg.Centimeter
	for _, kind := range []string{".svg", ".png"} {
		if err := p.Save(24*vg.Centimeter, height, path+kind); err != nil {
			return err
		}
	}
	return nil
}
