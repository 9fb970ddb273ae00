// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

const (
	minTimestamp = -62135596800 // 0001-01-01T00:00:00Z
	maxTimestamp = 253402300799 // 9999-12-31T23:59:59Z
	maxDuration  = 315576000000 // seconds, 10,000 years
	maxNanos     = 999999999
	daySeconds   = 86400
)

// appendTimestamp appends a time as a JSON string, in UTC, with 0, 3, 6 or 9 decimals; false if it is out of range.
func appendTimestamp(dst []byte, seconds int64, nanos int32) ([]byte, bool) {
	if seconds < minTimestamp || seconds > maxTimestamp || nanos < 0 || nanos > maxNanos {
		return dst, false
	}
	sinceYearOne := uint64(seconds - minTimestamp)
	y, m, d := civil(sinceYearOne / daySeconds)
	rest := uint32(sinceYearOne % daySeconds)
	h, min, s := rest/3600, rest/60%60, rest%60
	dst = append(dst, '"',
		byte('0'+y/1000), byte('0'+y/100%10), byte('0'+y/10%10), byte('0'+y%10), '-',
		byte('0'+m/10), byte('0'+m%10), '-', byte('0'+d/10), byte('0'+d%10), 'T',
		byte('0'+h/10), byte('0'+h%10), ':', byte('0'+min/10), byte('0'+min%10), ':', byte('0'+s/10), byte('0'+s%10))
	dst = appendNanos(dst, uint32(nanos))
	return append(dst, 'Z', '"'), true
}

const (
	daysPer400Years = 146097
	daysBeforeYear1 = 306 // from 0000-03-01, where the reckoning below starts
)

// civil gives the date of a day counted from 0001-01-01. Years are reckoned from March, so that the leap day is the
// last of its year.
func civil(day uint64) (year, month, dayOfMonth uint32) {
	z := uint32(day) + daysBeforeYear1
	era := z / daysPer400Years
	ofEra := z % daysPer400Years
	yearOfEra := (ofEra - ofEra/1460 + ofEra/36524 - ofEra/146096) / 365
	ofYear := ofEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	mp := (5*ofYear + 2) / 153
	dayOfMonth = ofYear - (153*mp+2)/5 + 1
	month = mp + 3
	year = era*400 + yearOfEra
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, dayOfMonth
}

// dayOf is the inverse of civil.
func dayOf(year, month, dayOfMonth int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	ofYear := (153*(month-3)+2)/5 + dayOfMonth - 1
	era := year / 400
	if year < 0 {
		era = -1
	}
	yearOfEra := year - era*400
	return era*daysPer400Years + yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + ofYear - daysBeforeYear1
}

// appendNanos appends a fraction of a second in groups of three digits; nothing if it is zero.
func appendNanos(dst []byte, n uint32) []byte {
	if n == 0 {
		return dst
	}
	digits := 9
	for n%1000 == 0 {
		n /= 1000
		digits -= 3
	}
	at := len(dst) + 1
	dst = append(dst, ".000000000"[:digits+1]...)
	for i := digits - 1; i >= 0; i-- {
		dst[at+i] = byte('0' + n%10)
		n /= 10
	}
	return dst
}

// appendDuration appends a duration as a JSON string; false if it is out of range or its signs differ.
func appendDuration(dst []byte, seconds int64, nanos int32) ([]byte, bool) {
	if seconds < -maxDuration || seconds > maxDuration || nanos < -maxNanos || nanos > maxNanos ||
		seconds > 0 && nanos < 0 || seconds < 0 && nanos > 0 {
		return dst, false
	}
	dst = append(dst, '"')
	if seconds < 0 || nanos < 0 {
		dst = append(dst, '-')
		seconds, nanos = -seconds, -nanos
	}
	dst = appendUint(dst, uint64(seconds))
	dst = appendNanos(dst, uint32(nanos))
	return append(dst, 's', '"'), true
}

// parseTimestamp reads RFC 3339: an upper case T and Z, any offset, up to nine decimals.
func parseTimestamp(s []byte) (seconds int64, nanos int32, ok bool) {
	const form = "0000-00-00T00:00:00"
	if len(s) < len(form)+1 {
		return 0, 0, false
	}
	for i := range len(form) {
		if form[i] == '0' {
			if !isDigit(s[i]) {
				return 0, 0, false
			}
		} else if s[i] != form[i] {
			return 0, 0, false
		}
	}
	two := func(i int) int64 { return int64(s[i]-'0')*10 + int64(s[i+1]-'0') }
	year, month, day := two(0)*100+two(2), two(5), two(8)
	hour, min, sec := two(11), two(14), two(17)
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || min > 59 || sec > 59 {
		return 0, 0, false
	}
	seconds = minTimestamp + dayOf(year, month, day)*daySeconds + hour*3600 + min*60 + sec
	s = s[len(form):]
	if s[0] == '.' {
		n := 0
		if nanos, n = parseNanos(s[1:]); n == 0 {
			return 0, 0, false
		}
		s = s[1+n:]
	}
	offset, ok := parseOffset(s)
	seconds -= offset
	return seconds, nanos, ok
}

// parseNanos reads up to nine digits as a fraction and gives how many it read; 0 if there are none or too many.
func parseNanos(s []byte) (nanos int32, n int) {
	for n < len(s) && isDigit(s[n]) {
		if n == 9 {
			return 0, 0
		}
		nanos = nanos*10 + int32(s[n]-'0')
		n++
	}
	for k := n; k < 9; k++ {
		nanos *= 10
	}
	return nanos, n
}

func parseOffset(s []byte) (seconds int64, ok bool) {
	if len(s) == 1 && s[0] == 'Z' {
		return 0, true
	}
	if len(s) != len("+00:00") || s[0] != '+' && s[0] != '-' || s[3] != ':' ||
		!isDigit(s[1]) || !isDigit(s[2]) || !isDigit(s[4]) || !isDigit(s[5]) {
		return 0, false
	}
	h, m := int64(s[1]-'0')*10+int64(s[2]-'0'), int64(s[4]-'0')*10+int64(s[5]-'0')
	if h > 23 || m > 59 {
		return 0, false
	}
	seconds = h*3600 + m*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

func daysIn(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	default:
		return 31
	}
}

// parseDuration reads seconds with up to nine decimals and an s: a sign, digits before or after the point.
func parseDuration(s []byte) (seconds int64, nanos int32, ok bool) {
	if len(s) < 2 || s[len(s)-1] != 's' {
		return 0, 0, false
	}
	s = s[:len(s)-1]
	neg := s[0] == '-'
	if neg || s[0] == '+' {
		s = s[1:]
	}
	digits := 0
	for digits < len(s) && isDigit(s[digits]) {
		if digits == 18 {
			return 0, 0, false
		}
		seconds = seconds*10 + int64(s[digits]-'0')
		digits++
	}
	if digits > 1 && s[0] == '0' {
		return 0, 0, false
	}
	if s = s[digits:]; len(s) > 0 {
		n := 0
		if s[0] != '.' {
			return 0, 0, false
		}
		if len(s) > 1 {
			if nanos, n = parseNanos(s[1:]); n != len(s)-1 {
				return 0, 0, false
			}
		}
		digits += n
	}
	if digits == 0 {
		return 0, 0, false
	}
	if neg {
		seconds, nanos = -seconds, -nanos
	}
	return seconds, nanos, true
}
