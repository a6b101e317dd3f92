//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// scenario is a sort of load.
type scenario struct {
	title  string
	model  string
	stream bool
	rate   float64 // requests a second, whatever becomes of them; 0: as fast as they are answered
}

var scenarios = map[string]scenario{
	"json":    {"JSON, saturated, upstream at once", "bench-0-0", false, 0},
	"sse":     {"20-chunk streams, saturated, upstream at once", "bench-0-0", true, 0},
	"rate":    {"JSON, 500/s, upstream 50 ms", "bench-50-0", false, 500},
	"sserate": {"20-chunk streams, 100/s, upstream 50 ms and 5 ms between chunks", "bench-50-5", true, 100},
}

// openConns is how many connections a scenario of a fixed rate may use. It is
// more than it needs unless the target stalls.
const openConns = 256

// tooLate is how late a request of a fixed rate may start. A later one is
// dropped, and counted as bad.
const tooLate = 2 * time.Second

// result is one scenario on one target in one round.
type result struct {
	scenario, target string
	good, bad        int64
	seconds          float64
	latency, first   []time.Duration // sorted
	cpu, dbCPU       time.Duration   // of target and database
	rss              int64           // bytes, of the target
	foreign          float64         // share of the machine that others used
	firstBad         string
}

func (r result) rate() float64 { return float64(r.good) / r.seconds }

// percentile returns the value below which p of the sorted list lies.
func percentile(list []time.Duration, p float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	return list[min(len(list)-1, int(p*float64(len(list))))]
}

// tally collects what the connections see.
type tally struct {
	from, until time.Time // what is measured
	all         atomic.Int64

	mu sync.Mutex
	result
}

func (t *tally) note(due time.Time, r reply) {
	now := time.Now()
	if r.whole {
		t.all.Add(1)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !r.whole: // at any time: no answer may be lost
		t.bad++
		if t.firstBad == "" {
			t.firstBad = r.what
		}
	case now.Before(t.from) || now.After(t.until):
	default:
		t.good++
		t.latency = append(t.latency, now.Sub(due))
		t.first = append(t.first, r.first.Sub(due))
	}
}

// drive runs one scenario on one target. The second result counts every whole
// answer, also those outside the measured time.
func (s *stand) drive(ctx context.Context, target *target, sc scenario, o options) (result, int64) {
	start := time.Now()
	t := &tally{from: start.Add(o.warm), until: start.Add(o.warm + o.duration)}
	conns := o.conns
	if sc.rate > 0 {
		conns = openConns
	}
	requests := target.requests(sc)
	marker := jsonMarker
	if sc.stream {
		marker = streamMarker
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range conns {
		wg.Go(func() {
			c := &conn{address: target.address}
			defer c.close()
			for ctx.Err() == nil {
				n := next.Add(1)
				due, ok := await(start, n, sc.rate, t.until)
				if !ok {
					return
				}
				if time.Since(due) > tooLate {
					t.note(due, reply{what: "not begun in time"})
					continue
				}
				t.note(due, c.call(requests[n%int64(len(requests))], marker))
			}
		})
	}
	time.Sleep(time.Until(t.from))
	before := s.sample(target)
	time.Sleep(time.Until(t.until))
	after := s.sample(target)
	wg.Wait()

	r := t.result
	r.seconds = o.duration.Seconds()
	r.cpu, r.dbCPU, r.rss = after.target-before.target, after.db-before.db, after.rss
	r.foreign = foreign(before, after)
	slices.Sort(r.latency)
	slices.Sort(r.first)
	return r, t.all.Load()
}

// await returns when request n is due, waiting until then. At a fixed rate that
// is by the clock, so that a target that stalls cannot hide its queue.
func await(start time.Time, n int64, rate float64, until time.Time) (time.Time, bool) {
	if rate == 0 {
		now := time.Now()
		return now, now.Before(until)
	}
	due := start.Add(time.Duration(float64(n) / rate * float64(time.Second)))
	if !due.Before(until) {
		return due, false
	}
	time.Sleep(time.Until(due))
	return due, true
}

// target is a server under load.
type target struct {
	name    string
	address string
	process *process
	keys    []string
}

// requests makes the scenario's requests ready, one for each key.
func (t *target) requests(sc scenario) [][]byte {
	stream := ""
	if sc.stream {
		stream = `"stream":true,"stream_options":{"include_usage":true},`
	}
	body := fmt.Sprintf(`{"model":%q,%s"max_tokens":200,"messages":[{"role":"system","content":"You are a careful assistant."},{"role":"user","content":%q}]}`,
		sc.model, stream, strings.Repeat("Summarise this paragraph for a busy reader and keep every number exact. ", 8))
	list := make([][]byte, len(t.keys))
	for i, key := range t.keys {
		list[i] = fmt.Appendf(nil, "POST /v1/chat/completions HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			t.address, key, len(body), body)
	}
	return list
}

// sample is processor time used so far, and memory.
type sample struct {
	at                       time.Time
	target, db, known, total time.Duration
	rss                      int64
}

func (s *stand) sample(t *target) sample {
	now := sample{at: time.Now(), target: cpuTree(t.process.pid()), rss: memory(t.process.pid()), total: cpuMachine()}
	if t == s.ours && s.cluster != nil {
		now.db = cpuTree(s.cluster.PID())
	}
	now.known = now.target + now.db + cpuTree(s.upstream.pid()) + cpuSelf(os.Getpid())
	return now
}

// foreign is the share of the machine's processors that was used by neither the
// bench nor what it measures.
func foreign(before, after sample) float64 {
	others := (after.total - before.total) - (after.known - before.known)
	return max(0, others.Seconds()/after.at.Sub(before.at).Seconds()/processors)
}
