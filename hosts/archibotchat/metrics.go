package main

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics counts requests by surface and status. Labels are from fixed sets:
// no path, account or key is one.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight *prometheus.GaugeVec
	surfaces sync.Map // of *surface, by name
	// unavailable counts what is refused for a fault of the service's own.
	unavailable *prometheus.CounterVec
}

// surface is what is counted of one, found once: to look it up by its labels
// takes longer than to count.
type surface struct {
	inFlight prometheus.Gauge
	answered [600]atomic.Pointer[answered] // by status
}

type answered struct {
	requests prometheus.Counter
	seconds  prometheus.Observer
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "archibot_http_requests_total", Help: "Answered requests."}, []string{"surface", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "archibot_http_request_duration_seconds", Help: "Time from a request's head to the end of its answer, streams included.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300},
		}, []string{"surface", "status"}),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "archibot_http_requests_in_flight", Help: "Requests being answered."}, []string{"surface"}),
	}
	m.unavailable = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "archibot_unavailable_total", Help: "Requests to /v1 refused with 503, by what they were told and the part of the service that was at fault.",
	}, []string{"code", "part"})
	m.registry.MustRegister(m.requests, m.unavailable, m.seconds, m.inFlight, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// refused counts a refusal for which a part of the service is to blame.
func (m *metrics) refused(code, part string) { m.unavailable.WithLabelValues(code, part).Inc() }

// handler answers a scrape.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *metrics) surface(name string) *surface {
	if s, ok := m.surfaces.Load(name); ok {
		return s.(*surface)
	}
	s, _ := m.surfaces.LoadOrStore(name, &surface{inFlight: m.inFlight.WithLabelValues(name)})
	return s.(*surface)
}

func (m *metrics) answered(name, code string) *answered {
	return &answered{m.requests.WithLabelValues(name, code), m.seconds.WithLabelValues(name, code)}
}

// serve lets h answer and counts the answer.
func (m *metrics) serve(name string, h http.Handler, w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	s := m.surface(name)
	s.inFlight.Inc()
	out := &recorder{ResponseWriter: w}
	defer func() {
		s.inFlight.Dec()
		code := out.code()
		if p := recover(); p != nil {
			m.answered(name, "aborted").count(start) // the answer was cut: no status tells of it
			panic(p)
		}
		if code >= len(s.answered) {
			m.answered(name, strconv.Itoa(code)).count(start)
			return
		}
		a := s.answered[code].Load()
		if a == nil {
			a = m.answered(name, strconv.Itoa(code))
			s.answered[code].Store(a)
		}
		a.count(start)
	}()
	h.ServeHTTP(out, r)
}

func (a *answered) count(start time.Time) {
	a.requests.Inc()
	a.seconds.Observe(time.Since(start).Seconds())
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the first status that is not merely informational.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write passes on; without a WriteHeader before it, the status is 200.
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) code() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}
