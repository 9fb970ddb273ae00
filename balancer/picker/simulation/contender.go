package main

import (
	"google.golang.org/grpc/metadata"

	"github.com/dragoman-gateway/dragoman/balancer/outlier"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

type contender struct {
	name   string
	policy func(w *world) picker.Policy
}

func (l load) trailer() metadata.MD { return nil }

func adaptiveWith(cfg picker.AdaptiveConfig) func(*world) picker.Policy {
	return func(*world) picker.Policy {
		p, err := picker.NewAdaptive(cfg)
		if err != nil {
			panic(err)
		}
		return p
	}
}

func lr(cfg picker.LeastRequestConfig) func(*world) picker.Policy {
	return func(*world) picker.Policy {
		p, err := picker.NewLeastRequest(cfg)
		if err != nil {
			panic(err)
		}
		return p
	}
}

var contenders = []contender{
	{"round robin", func(*world) picker.Policy { return picker.RoundRobin{} }},
	{"random", func(*world) picker.Policy { return picker.Random{} }},
	{"lr2", lr(picker.LeastRequestConfig{FullScan: 1})},
	{"lr full", lr(picker.LeastRequestConfig{FullScan: 1024})},
	{"peak ewma 2", func(*world) picker.Policy { p, _ := picker.NewPeakEWMA(picker.PeakEWMAConfig{FullScan: 1}); return p }},
	{"peak ewma full", func(*world) picker.Policy { p, _ := picker.NewPeakEWMA(picker.PeakEWMAConfig{}); return p }},
	{"adaptive+out", func(*world) picker.Policy {
		a, _ := picker.NewAdaptive(picker.AdaptiveConfig{})
		p, _ := outlier.New(outlier.Config{Policy: a})
		return p
	}},
	{"adaptive+outResolution: 1", func(*world) picker.Policy {
		a, _ := picker.NewAdaptive(picker.AdaptiveConfig{Resolution: 1})
		p, _ := outlier.New(outlier.Config{Policy: a})
		return p
	}},
	{"adaptive+outResolution:3e6", func(*world) picker.Policy {
		a, _ := picker.NewAdaptive(picker.AdaptiveConfig{Resolution: 3e6})
		p, _ := outlier.New(outlier.Config{Policy: a})
		return p
	}},
	{"lr full+out", func(*world) picker.Policy {
		a, _ := picker.NewLeastRequest(picker.LeastRequestConfig{})
		p, _ := outlier.New(outlier.Config{Policy: a})
		return p
	}},
	{"lr full+outlat", func(*world) picker.Policy {
		a, _ := picker.NewLeastRequest(picker.LeastRequestConfig{})
		p, _ := outlier.New(outlier.Config{Policy: a, LatencyFactor: 5, Interval: 1e9, MinCalls: 5, MinEndpoints: 3})
		return p
	}},
	{"oracle", func(w *world) picker.Policy { return oracle{w} }},
}
