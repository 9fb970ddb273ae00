// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"image/color"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
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
		if err := drawGroup(filepath.Join(folder, plotOf(group)), group, rows); err != nil {
			return err
		}
	}
	return nil
}

func drawGroup(path, title string, rows []*measured) error {
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
	row := vg.Points(float64(len(peers))*barHeight + gap)
	legend := p.Legend.Rectangle(draw.New(vgsvg.New(1, 1))).Size().Y
	p.Y.Max += 0.5 + float64(legend/row) // the legend is above all bars
	height := vg.Length(len(rows))*row + legend + 2*vg.Centimeter
	for _, kind := range []string{"svg", "png"} {
		if err := save(p, height, kind, path+"."+kind); err != nil {
			return err
		}
	}
	return nil
}

// save writes a plot with a margin: the names of its rows are wider than the plot thinks.
func save(p *plot.Plot, height vg.Length, kind, path string) error {
	const width, margin = 24 * vg.Centimeter, vg.Centimeter / 2
	canvas, err := draw.NewFormattedCanvas(width, height+2*margin, kind)
	if err != nil {
		return err
	}
	p.Draw(draw.Crop(draw.New(canvas), margin, -margin, margin, -margin))
	f, err := os.Create(filepath.Clean(path))
	if err != nil {
		return err
	}
	if _, err := canvas.WriteTo(f); err != nil {
		_ = f.Close() // what could not be written counts
		return err
	}
	return f.Close()
}
