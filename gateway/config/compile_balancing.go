// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

// percent returns a number of hundredths as a share; 0 for 0, which means the default.
func percent(n uint32) float64 { return float64(n) / 100 }

func (k *compiler) loadBalancing(m *configv1.LoadBalancing, path string) backend.LoadBalancing {
	l := backend.LoadBalancing{
		Policy:             backend.PolicyName(m.GetPolicy()),
		Adaptive:           adaptive(m.GetAdaptive()),
		LeastRequest:       picker.LeastRequestConfig{FullScan: int(m.GetLeastRequest().GetFullScan()), Choices: int(m.GetLeastRequest().GetChoices())},
		PeakEWMA:           peakEWMA(m.GetPeakEwma()),
		WeightedRoundRobin: k.weighted(m.GetWeightedRoundRobin(), path+".weighted_round_robin"),
		RingHash: picker.RingHashConfig{
			Points: int(m.GetRingHash().GetPoints()), Bound: k.bound(m.GetRingHash(), path+".ring_hash"),
		},
		Maglev:           picker.MaglevConfig{Table: int(m.GetMaglev().GetTable()), Bound: k.bound(m.GetMaglev(), path+".maglev")},
		HashKeys:         k.hashKeys(m.GetHashKey(), path+".hash_key"),
		Sticky:           k.sticky(m.GetSticky(), path+".sticky"),
		PriorityHeadroom: percent(m.GetPriorityHeadroomPercent()),
		PanicThreshold:   percent(m.GetPanicPercent()),
	}
	if s := m.GetSlowStart(); s != nil {
		l.SlowStart = &picker.SlowStartConfig{
			Window: s.GetWindow().AsDuration(), LeastWeight: percent(s.GetLeastPercent()), Aggression: percent(s.GetAggressionPercent()),
		}
	}
	if z := m.GetZone(); z != nil {
		l.Zone = &picker.ZoneConfig{Local: z.GetPrefer(), Share: percent(z.GetSharePercent()), Headroom: percent(z.GetHeadroomPercent())}
	}
	k.fitsPolicy(m, &l, path)
	return l
}

// fitsPolicy refuses what does not go with the policy.
func (k *compiler) fitsPolicy(m *configv1.LoadBalancing, l *backend.LoadBalancing, path string) {
	policy := cmp.Or(l.Policy, backend.Adaptive)
	here := fmt.Sprintf("the policy here is %s", policy)
	if l.Policy == "" {
		here += ", the default"
	}
	if m == nil || k.isRefused(path+".policy") {
		return
	}
	for _, own := range []backend.PolicyName{
		backend.Adaptive, backend.LeastRequest, backend.PeakEWMA, backend.WeightedRoundRobin, backend.RingHash, backend.Maglev,
	} {
		if field := m.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(own)); m.ProtoReflect().Has(field) && own != policy {
			k.on(path+"."+string(own), "", "are parameters of the policy %s; %s", own, here)
		}
	}
	switch hashes := policy.Hashes(); {
	case hashes && len(l.HashKeys) == 0:
		k.missing(path, path+".hash_key", "", "is missing; it says what the policy %s goes by", policy)
	case !hashes && len(l.HashKeys) > 0:
		k.on(path+".hash_key", "sticky keeps sessions on one server with any policy", "is for the policies ring_hash and maglev; %s", here)
	case hashes && l.Sticky != nil:
		k.on(path+".sticky", "put its header or cookie into hash_key", "is for policies that go by no key; %s", here)
	}
	if l.SlowStart != nil && !policy.Weighs() {
		k.on(path+".slow_start", "", "needs a policy that looks at weights; %s", here)
	}
}

func adaptive(m *configv1.AdaptivePolicy) picker.AdaptiveConfig {
	return picker.AdaptiveConfig{
		Memory: m.GetMemory().AsDuration(), Forgive: m.GetForgive().AsDuration(), QualityMemory: m.GetQualityMemory().AsDuration(),
		Resolution: m.GetResolution().AsDuration(), Prior: float64(m.GetPrior()),
		SlownessPower: int(m.GetSlownessPower()), QualityPower: int(m.GetQualityPower()),
		FullScan: int(m.GetFullScan()), Choices: int(m.GetChoices()),
	}
}

func peakEWMA(m *configv1.PeakEwmaPolicy) picker.PeakEWMAConfig {
	return picker.PeakEWMAConfig{Decay: m.GetDecay().AsDuration(), FullScan: int(m.GetFullScan()), Choices: int(m.GetChoices())}
}

func (k *compiler) weighted(m *configv1.WeightedRoundRobinPolicy, path string) picker.WeightedRoundRobinConfig {
	if m != nil && !m.GetReports() {
		for setting, set := range map[string]bool{
			"blackout": m.GetBlackout() != nil, "expiry": m.GetExpiry() != nil, "update": m.GetUpdate() != nil,
			"error_penalty_percent": m.ErrorPenaltyPercent != nil,
		} {
			if set {
				k.missing(path, path+"."+setting, "", "is about load reports; it needs reports: true")
			}
		}
	}
	return picker.WeightedRoundRobinConfig{
		Reports: m.GetReports(), Blackout: m.GetBlackout().AsDuration(), Expiry: m.GetExpiry().AsDuration(),
		Update: m.GetUpdate().AsDuration(), ErrorPenalty: percent(m.GetErrorPenaltyPercent()),
	}
}

// bound is how many times its share a server may have, of the policies that hash.
func (k *compiler) bound(m interface {
	GetBoundPercent() uint32
	GetUnbounded() bool
}, path string,
) float64 {
	if !m.GetUnbounded() {
		return percent(m.GetBoundPercent())
	}
	if m.GetBoundPercent() > 0 {
		k.on(path+".unbounded", "keep one of them", "excludes bound_percent")
	}
	return picker.Unbounded
}

func (k *compiler) hashKeys(list []*configv1.HashKey, path string) []backend.HashKey {
	var keys []backend.HashKey
	seen := map[backend.HashKey]string{}
	for i, m := range list {
		at := item(path, i)
		key := backend.HashKey{ClientAddress: m.GetClientAddress(), Header: m.GetHeader(), Cookie: m.GetCookie(), Field: m.GetField()}
		if before, ok := seen[key]; ok {
			k.on(at, "remove one of them", "is the same as %s", before)
		}
		if key.ClientAddress && i < len(list)-1 {
			k.on(at+".client_address", "put it last", "leaves nothing to the entries behind it: every call has an address")
		}
		seen[key] = at
		keys = append(keys, key)
	}
	return keys
}

func (k *compiler) sticky(m *configv1.StickySession, path string) *backend.Sticky {
	if m == nil {
		return nil
	}
	if m.GetSetCookie() && m.GetCookie() == "" {
		k.missing(path, path+".set_cookie", "", "needs cookie, its name")
	}
	if m.GetMaxAge() != nil && !m.GetSetCookie() {
		k.missing(path, path+".max_age", "", "is about a cookie that the gateway sets; it needs set_cookie: true")
	}
	return &backend.Sticky{
		Key: backend.HashKey{Header: m.GetHeader(), Cookie: m.GetCookie()}, SetCookie: m.GetSetCookie(), MaxAge: m.GetMaxAge().AsDuration(),
	}
}
