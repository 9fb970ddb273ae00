// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package jwks_test

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwks"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt/jwttest"
)

// issuer answers with its set as it is when it is asked, and takes its time for that.
type issuer struct {
	takes time.Duration

	mu      sync.Mutex
	keys    []*jwttest.Key // guarded by mu
	fetches []time.Time    // guarded by mu
}

func (i *issuer) get(ctx context.Context) ([]byte, error) {
	i.mu.Lock()
	i.fetches = append(i.fetches, time.Now())
	set := jwttest.Set(i.keys...)
	i.mu.Unlock()
	select {
	case <-time.After(i.takes):
	case <-ctx.Done():
	}
	return set, ctx.Err()
}

// rotate puts a key in.
func (i *issuer) rotate(key *jwttest.Key) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append(i.keys, key)
}

// count tells how often the set was fetched, and the shortest time between two fetches.
func (i *issuer) count() (n int, spacing time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	spacing = time.Hour
	for j := 1; j < len(i.fetches); j++ {
		spacing = min(spacing, i.fetches[j].Sub(i.fetches[j-1]))
	}
	return len(i.fetches), spacing
}

// address is one of many.
func address(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
}

// Fault 27, threat C6: names of keys that are made up do not delay a key that is new for clients whose tokens were good before, from however many
// addresses they come, and whenever the key is put in; and they make the gateway fetch once in ten seconds, however many there are.
func TestFault27FloodsDelayNoRotation(t *testing.T) {
	t.Parallel()
	old, fresh := jwttest.NewKey(t, "old", "ES256"), jwttest.NewKey(t, "new", "ES256")
	for _, tt := range []struct {
		name  string
		from  func(n int) netip.Addr // where the flood comes from
		most  int                    // fetches in the ten seconds of the flood, the first one and that of the new key among them
		takes time.Duration
	}{
		{"no flood", nil, 2, 20 * time.Millisecond},
		{"one address", func(int) netip.Addr { return address(1) }, 4, 20 * time.Millisecond},
		{"one network of IPv6", func(n int) netip.Addr {
			return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 8: byte(n >> 8), 9: byte(n), 15: 1})
		}, 4, 20 * time.Millisecond},
		{"ten addresses", func(n int) netip.Addr { return address(n % 10) }, 4, 20 * time.Millisecond},
		{"a new address each time", address, 4, 20 * time.Millisecond},
		{"a new address each time, and the issuer is slow", address, 4, 400 * time.Millisecond},
		{"one address, and the issuer is slow", func(int) netip.Addr { return address(1) }, 4, 400 * time.Millisecond},
	} {
		for _, at := range []time.Duration{0, time.Millisecond, 300 * time.Millisecond, 999 * time.Millisecond, 4567 * time.Millisecond, 9 * time.Second} {
			t.Run(tt.name+", at "+at.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					i := &issuer{takes: tt.takes, keys: []*jwttest.Key{old}}
					k, err := jwks.New(jwks.Config{URL: "https://login.example/keys"})
					if err != nil {
						t.Fatal(err)
					}
					k.FetchBy(i.get)
					ctx, cancel := context.WithCancel(t.Context())
					var running sync.WaitGroup
					running.Go(func() { k.Run(ctx) })
					time.Sleep(tt.takes + time.Millisecond) // the set is there
					if tt.from != nil {
						running.Go(func() {
							for n := 0; ctx.Err() == nil; n++ {
								from := tt.from(n)
								if k.Missing(from) {
									running.Go(func() { k.Wait(ctx, from) })
								}
								time.Sleep(2 * time.Millisecond) // 5,000 in ten seconds
							}
						})
					}
					time.Sleep(at)
					i.rotate(fresh)
					client := netip.MustParseAddr("192.0.2.7")
					k.Verified(client)
					began := time.Now()
					if !k.Missing(client) {
						t.Error("a client with the new key is refused without a look")
					}
					k.Wait(ctx, client)
					took := time.Since(began)
					if !has(k, fresh) || took > jwks.Spacing+tt.takes {
						t.Errorf("after %s the new key is there: %t; want it within %s", took, has(k, fresh), jwks.Spacing+tt.takes)
					}
					time.Sleep(10*time.Second - at - took - 2*tt.takes)
					cancel()
					running.Wait()
					if n, spacing := i.count(); n > tt.most || spacing < jwks.Spacing {
						t.Errorf("the set was fetched %d times, the closest %s apart; want at most %d", n, spacing, tt.most)
					}
				})
			})
		}
	}
}

// A client that shares its address with one who makes up keys has the new key with the next client's, or when its own turn comes again.
func TestFault27ClientBehindTheAddressOfAFlood(t *testing.T) {
	t.Parallel()
	old, fresh := jwttest.NewKey(t, "old", "ES256"), jwttest.NewKey(t, "new", "ES256")
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{keys: []*jwttest.Key{old}}
		k, err := jwks.New(jwks.Config{URL: "https://login.example/keys"})
		if err != nil {
			t.Fatal(err)
		}
		k.FetchBy(i.get)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { k.Run(ctx) })
		synctest.Wait()
		flood := address(1)
		if !k.Missing(flood) {
			t.Fatal("the first one does not ask")
		}
		k.Wait(ctx, flood)
		i.rotate(fresh)
		began := time.Now()
		for !k.Missing(flood) {
			time.Sleep(10 * time.Millisecond)
		}
		k.Wait(ctx, flood)
		if took := time.Since(began); !has(k, fresh) || took > jwks.MissInterval+jwks.Spacing {
			t.Errorf("after %s the new key is there: %t", took, has(k, fresh))
		}
		cancel()
		running.Wait()
	})
}

// Threat C6: 5,000 keys that are made up in ten seconds, each from another address, are one fetch beside the first, and a stranger with a new key has it
// when the strangers' turn comes; a client that is known has it at once, and so have all after it. Who was known before thousands of others is a
// stranger, and memory has its bound.
func TestThreatC6StrangersHaveOneTurnTogether(t *testing.T) {
	t.Parallel()
	old, fresh := jwttest.NewKey(t, "old", "ES256"), jwttest.NewKey(t, "new", "ES256")
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{keys: []*jwttest.Key{old}, takes: 20 * time.Millisecond}
		k, err := jwks.New(jwks.Config{URL: "https://login.example/keys"})
		if err != nil {
			t.Fatal(err)
		}
		k.FetchBy(i.get)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { k.Run(ctx) })
		time.Sleep(time.Second)
		k.Verified(client)
		stranger := netip.MustParseAddr("198.51.100.1")
		began := time.Now()
		for n := range 5000 {
			if n == 1000 {
				i.rotate(fresh)
			}
			if n > 1000 && k.Missing(stranger) && time.Since(began) < jwks.MissInterval {
				t.Fatalf("a stranger makes the gateway look after %s", time.Since(began))
			}
			if k.Missing(address(n)) {
				from := address(n)
				running.Go(func() { k.Wait(ctx, from) })
			}
			time.Sleep(2*time.Millisecond - time.Microsecond)
		}
		if n, _ := i.count(); n > 2 || has(k, fresh) {
			t.Errorf("the set was fetched %d times; want it loaded, and one time more", n)
		}
		for !k.Missing(stranger) {
			time.Sleep(10 * time.Millisecond)
		}
		k.Wait(ctx, stranger)
		if took := time.Since(began); !has(k, fresh) || took > jwks.MissInterval+jwks.Spacing {
			t.Errorf("a stranger has the new key after %s: %t", took, has(k, fresh))
		}
		for n := range 20_000 {
			k.Verified(address(n))
		}
		time.Sleep(jwks.Spacing)
		if k.Missing(client) {
			t.Error("a client is known after 20,000 others")
		}
		cancel()
		running.Wait()
	})
}
