// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"math"
	"strconv"
)

// numberEnd gives the index after the JSON number that starts at i; negative if there is none, or if what follows it
// would belong to a word.
func numberEnd(s []byte, i int) int {
	if i < len(s) && s[i] == '-' {
		i++
	}
	start := i
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	if i == start || s[start] == '0' && i > start+1 {
		return failed
	}
	if i < len(s) && s[i] == '.' {
		i++
		start = i
		for i < len(s) && isDigit(s[i]) {
			i++
		}
		if i == start {
			return failed
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		start = i
		for i < len(s) && isDigit(s[i]) {
			i++
		}
		if i == start {
			return failed
		}
	}
	if i < len(s) && isWordByte(s[i]) {
		return failed
	}
	return i
}

// numeral reads the number at p, bare or as a string, and gives its text and the position after it.
func (d *decoder) numeral(p int, want string) ([]byte, int) {
	c := d.at(p)
	if c == '-' || isDigit(c) {
		end := numberEnd(d.in, p)
		if end < 0 {
			return nil, d.syntax(p, "a JSON value")
		}
		return d.in[p:end], end
	}
	if c != '"' {
		return nil, d.wrongType(p, want)
	}
	s, end := d.str(p)
	if end < 0 {
		return nil, end
	}
	return s, end
}

// maxIntegerDigits is how many digits an integer may have once its exponent is applied: those of the largest uint64.
const maxIntegerDigits = 20

// integerOf gives the value of a JSON number that is an integer, whatever way it is written. The exponent is looked at
// before anything is expanded.
func integerOf(s []byte) (neg bool, v uint64, ok bool) {
	if numberEnd(s, 0) != len(s) {
		return false, 0, false
	}
	i := 0
	if s[0] == '-' {
		neg = true
		i++
	}
	whole := s[i:]
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	whole = whole[:len(whole)-(len(s)-i)]
	if whole[0] == '0' {
		whole = nil
	}
	var fraction []byte
	if i < len(s) && s[i] == '.' {
		start := i + 1
		for i++; i < len(s) && isDigit(s[i]); i++ {
		}
		fraction = s[start:i]
		for len(fraction) > 0 && fraction[len(fraction)-1] == '0' {
			fraction = fraction[:len(fraction)-1]
		}
	}
	if len(whole) == 0 && len(fraction) == 0 {
		return false, 0, true
	}
	exp, ok := 0, true
	if i < len(s) {
		exp, ok = exponent(s[i+1:])
	}
	switch {
	case !ok:
		return false, 0, false
	case exp >= 0:
		if len(fraction) > exp || len(whole)+exp > maxIntegerDigits {
			return false, 0, false
		}
		if v, ok = addDigits(0, whole); ok {
			v, ok = addDigits(v, fraction)
		}
		for k := len(fraction); k < exp && ok; k++ {
			v, ok = addDigit(v, '0')
		}
		return neg, v, ok
	default:
		if len(fraction) > 0 || len(whole)+exp < 0 {
			return false, 0, false
		}
		for _, c := range whole[len(whole)+exp:] {
			if c != '0' {
				return false, 0, false
			}
		}
		v, ok = addDigits(0, whole[:len(whole)+exp])
		return neg, v, ok
	}
}

// exponent reads a signed number of at most nine significant digits.
func exponent(s []byte) (int, bool) {
	neg := s[0] == '-'
	if neg || s[0] == '+' {
		s = s[1:]
	}
	v := 0
	for _, c := range s {
		if v = v*10 + int(c-'0'); v > math.MaxInt32 {
			return 0, false
		}
	}
	if neg {
		v = -v
	}
	return v, true
}

func addDigits(v uint64, s []byte) (uint64, bool) {
	for _, c := range s {
		next, ok := addDigit(v, c)
		if !ok {
			return 0, false
		}
		v = next
	}
	return v, true
}

func addDigit(v uint64, c byte) (uint64, bool) {
	const limit = math.MaxUint64 / 10
	n := uint64(c - '0')
	if v > limit || v == limit && n > math.MaxUint64%10 {
		return 0, false
	}
	return v*10 + n, true
}

// integer reads the integer at p, bare or as a string.
func (d *decoder) integer(p int, f *Field) (neg bool, v uint64, after int) {
	// Nearly all integers are a few digits; this reads them with or without quotes.
	i := p
	quoted := d.at(i) == '"'
	if quoted {
		i++
	}
	if d.at(i) == '-' {
		neg = true
		i++
	}
	start := i
	for i < len(d.in) && isDigit(d.in[i]) {
		v = v*10 + uint64(d.in[i]-'0')
		i++
	}
	if n := i - start; n > 0 && n < 19 && (n == 1 || d.in[start] != '0') {
		if c := d.at(i); quoted && c == '"' {
			return neg, v, i + 1
		} else if !quoted && !isWordByte(c) {
			return neg, v, i
		}
	}
	s, after := d.numeral(p, kindName(f))
	if after < 0 {
		return false, 0, after
	}
	neg, v, ok := integerOf(s)
	if !ok {
		return false, 0, d.notNumber(p, s, f)
	}
	return neg, v, after
}

// notNumber tells that s is not a value of the field, which is numeric.
func (d *decoder) notNumber(p int, s []byte, f *Field) int {
	if numberEnd(s, 0) == len(s) {
		return d.fail(KindRange, p, show(s)+" is not a value of "+kindName(f))
	}
	return d.fail(KindType, p, show(s)+" is not a number, and so no value of "+kindName(f))
}

// float reads the floating point number at p, bare or as a string.
func (d *decoder) float(p int, f *Field, bits int) (float64, int) {
	s, after := d.numeral(p, kindName(f))
	if after < 0 {
		return 0, after
	}
	if d.in[p] == '"' {
		switch string(s) {
		case "NaN":
			return math.NaN(), after
		case "Infinity":
			return math.Inf(1), after
		case "-Infinity":
			return math.Inf(-1), after
		}
		if len(s) == 0 || numberEnd(s, 0) != len(s) {
			return 0, d.notNumber(p, s, f)
		}
	}
	v, ok := floatOf(s, bits)
	if !ok {
		return 0, d.fail(KindRange, p, show(s)+" is out of the range of "+kindName(f))
	}
	return v, after
}

// floatOf gives the value of a JSON number; false if it is out of range.
func floatOf(s []byte, bits int) (float64, bool) {
	if v, ok := exactFloat(s, bits); ok {
		return v, true
	}
	v, err := strconv.ParseFloat(string(s), bits)
	return v, err == nil
}

var (
	tens64 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}
	tens32 = [...]float32{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10}
)

// exactFloat reads numbers without exponent whose digits and power of ten are both exact, so that one division rounds
// them correctly.
func exactFloat(s []byte, bits int) (float64, bool) {
	i := 0
	neg := s[0] == '-'
	if neg {
		i++
	}
	v, digits, decimals := uint64(0), 0, 0
	point := false
	for ; i < len(s); i++ {
		c := s[i]
		switch {
		case isDigit(c):
			v = v*10 + uint64(c-'0')
			digits++
			if point {
				decimals++
			}
		case c == '.':
			point = true
		default:
			return 0, false
		}
	}
	if bits == 64 {
		if digits > 15 {
			return 0, false
		}
		r := float64(v) / tens64[decimals]
		if neg {
			r = -r
		}
		return r, true
	}
	if digits > 10 || v > 1<<24 {
		return 0, false
	}
	r := float32(v) / tens32[decimals]
	if neg {
		r = -r
	}
	return float64(r), true
}

// kindName names a field's type as the .proto file does.
func kindName(f *Field) string {
	switch {
	case f.enum != nil:
		return string(f.enum.desc.FullName())
	case f.message != nil:
		return string(f.message.desc.FullName())
	default:
		return f.kind.String()
	}
}
