package upstream

import (
	"strconv"
	"strings"
	"time"
)

type usageMode int

const (
	usageNormal usageMode = iota
	usageNone
	usageNegative
	usageHuge
)

// script is what a model name asks for.
type script struct {
	delay, gap      time.Duration
	chunks          int
	in, out, cached int64
	usage           usageMode
	status          int // 0: succeed
	object          int // status of later calls on the response, 0: succeed
	bigLine         int // MiB, 0: none
	gate            int // number of the turnstile, 0: none

	leakKey, redirect, html, cookie bool
	cut, reset, drip, hang, drop    bool
	noDone, malformed, endless      bool
}

// maxNumber bounds every figure in a model name.
const maxNumber = 1_000_000_000

// parseScript reads the directives in a model name.
func parseScript(model string) script {
	s := script{chunks: 10, in: 100, out: 100}
	for part := range strings.SplitSeq(model, "-") {
		s.apply(part)
	}
	return s
}

func (s *script) apply(part string) {
	if s.flag(part) {
		return
	}
	word := strings.TrimRight(part, "0123456789")
	n, err := strconv.Atoi(part[len(word):])
	if err != nil || n > maxNumber {
		return
	}
	switch word {
	case "delay":
		s.delay = time.Duration(n) * time.Millisecond
	case "gap":
		s.gap = time.Duration(n) * time.Millisecond
	case "chunks":
		s.chunks = n
	case "in":
		s.in = int64(n)
	case "out":
		s.out = int64(n)
	case "cached":
		s.cached = int64(n)
	case "bigline":
		s.bigLine = n
	case "gate":
		s.gate = n
	case "err":
		if n >= 400 && n <= 599 {
			s.status = n
		}
	case "obj":
		if n >= 400 && n <= 599 {
			s.object = n
		}
	}
}

// flag sets the directive without a figure that part names, if it names one.
func (s *script) flag(part string) bool {
	switch part {
	case "nousage":
		s.usage = usageNone
	case "negusage":
		s.usage = usageNegative
	case "hugeusage":
		s.usage = usageHuge
	case "leakkey":
		s.leakKey = true
	case "redirect":
		s.redirect = true
	case "html":
		s.html = true
	case "cookie":
		s.cookie = true
	case "cut":
		s.cut = true
	case "reset":
		s.reset = true
	case "drip":
		s.drip = true
	case "hang":
		s.hang = true
	case "drop":
		s.drop = true
	case "nodone":
		s.noDone = true
	case "malformed":
		s.malformed = true
	case "bigline":
		s.bigLine = 2
	case "endless":
		s.endless = true
	default:
		return false
	}
	return true
}

// hugeFigure is the figure behind hugeusage: two of them overflow an int64.
const hugeFigure = 9_000_000_000_000_000_000

// figures returns the usage to report: input, cached, output, total. The total
// is text because a huge one does not fit an int64.
func (s *script) figures() (in, cached, out int64, total string) {
	switch s.usage {
	case usageNegative:
		return -100, -10, -100, "-200"
	case usageHuge:
		return hugeFigure, 0, hugeFigure, "18000000000000000000"
	default:
		return s.in, s.cached, s.out, strconv.FormatInt(s.in+s.out, 10)
	}
}
