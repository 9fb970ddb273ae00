// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"google.golang.org/grpc"
	_ "google.golang.org/grpc/balancer/leastrequest"       // grpc-go's own policies register themselves
	_ "google.golang.org/grpc/balancer/weightedroundrobin" // as above
	"google.golang.org/grpc/credentials/insecure"
	grpcresolver "google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	_ "google.golang.org/grpc/xds" // for its outlier detection

	"github.com/dragoman-gateway/dragoman/balancer"
	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/outlier"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// withOutlier ends the name of a policy with passive ejection around it.
const withOutlier = "+outlier"

// usualPolicies are what is compared.
var usualPolicies = []string{
	"grpc_round_robin", "grpc_weighted_round_robin", "grpc_least_request", "grpc_least_request+outlier",
	"least_request+outlier", "peak_ewma+outlier", "adaptive", "adaptive+outlier",
}

// outlierDetection is grpc-go's, as sharp as the calls of a short run need it.
const outlierDetection = `{"outlier_detection_experimental":{"interval":"1s","baseEjectionTime":"5s","maxEjectionPercent":50,
	"successRateEjection":{"minimumHosts":3,"requestVolume":20},
	"failurePercentageEjection":{"threshold":50,"minimumHosts":3,"requestVolume":20},"childPolicy":[%s]}}`

// theirs are grpc-go's policies, as a service config names them.
var theirs = map[string]string{
	"grpc_round_robin":          `{"round_robin":{}}`,
	"grpc_least_request":        `{"least_request_experimental":{"choiceCount":2}}`,
	"grpc_weighted_round_robin": `{"weighted_round_robin":{"blackoutPeriod":"1s","weightUpdatePeriod":"0.1s","errorUtilizationPenalty":1}}`,
}

// open returns a channel to the servers and how to close it.
func open(policy string, addresses []string) (grpc.ClientConnInterface, func(), error) {
	name, ejects := strings.CutSuffix(policy, withOutlier)
	if config, ok := theirs[name]; ok {
		if ejects {
			config = fmt.Sprintf(outlierDetection, config)
		}
		return openTheirs(config, addresses)
	}
	p, err := ours(name, ejects)
	if err != nil {
		return nil, nil, err
	}
	endpoints := make([]endpoint.Endpoint, len(addresses))
	for i, a := range addresses {
		if endpoints[i], err = endpoint.New(endpoint.Spec{Addresses: []string{a}}); err != nil {
			return nil, nil, err
		}
	}
	c, err := balancer.New(balancer.Config{Name: "servers", Endpoints: endpoints, Credentials: insecure.NewCredentials(), Policy: p})
	if err != nil {
		return nil, nil, err
	}
	return c, func() { _ = c.Close() }, nil
}

func openTheirs(config string, addresses []string) (grpc.ClientConnInterface, func(), error) {
	r := manual.NewBuilderWithScheme("servers")
	var s grpcresolver.State
	for _, a := range addresses {
		s.Endpoints = append(s.Endpoints, grpcresolver.Endpoint{Addresses: []grpcresolver.Address{{Addr: a}}})
	}
	r.InitialState(s)
	c, err := grpc.NewClient("servers:///x", grpc.WithResolvers(r), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[`+config+`]}`))
	if err != nil {
		return nil, nil, err
	}
	return c, func() { _ = c.Close() }, nil
}

// ours returns one of our policies.
func ours(name string, ejects bool) (picker.Policy, error) {
	p, err := bare(name)
	if err != nil || !ejects {
		return p, err
	}
	return outlier.New(outlier.Config{Policy: p})
}

func bare(name string) (picker.Policy, error) {
	switch name {
	case "random":
		return picker.Random{}, nil
	case "round_robin":
		return picker.RoundRobin{}, nil
	case "least_request":
		return picker.NewLeastRequest(picker.LeastRequestConfig{})
	case "peak_ewma":
		return picker.NewPeakEWMA(picker.PeakEWMAConfig{})
	case "adaptive":
		return picker.NewAdaptive(picker.AdaptiveConfig{})
	case "adaptive_linear":
		return picker.NewAdaptive(picker.AdaptiveConfig{SlownessPower: 1})
	default:
		return nil, fmt.Errorf("policy is %q; it must be one of ours or one of grpc-go's, such as %q", name, usualPolicies)
	}
}
