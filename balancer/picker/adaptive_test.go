package picker_test

import (
	"testing"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/balancer/picker/pickertest"
)

func adaptive(tb testing.TB, cfg picker.AdaptiveConfig) picker.Policy {
	tb.Helper()
	return must[*picker.Adaptive](tb)(picker.NewAdaptive(cfg))
}

//nolint:paralleltest // the contract counts allocations
func TestAdaptive(t *testing.T) {
	pickertest.Run(t, adaptive(t, picker.AdaptiveConfig{}), pickertest.Traits{Spread: 0.15})
}

func BenchmarkAdaptive(b *testing.B) { pickertest.Bench(b, adaptive(b, picker.AdaptiveConfig{})) }
