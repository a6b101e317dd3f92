package main

import (
	"net/http"
	"strconv"
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
	m.registry.MustRegister(m.requests, m.seconds, m.inFlight, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// handler answers a scrape.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// serve lets h answer and counts the answer.
func (m *metrics) serve(surface string, h http.Handler, w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	flying := m.inFlight.WithLabelValues(surface)
	flying.Inc()
	out := &recorder{ResponseWriter: w}
	defer func() {
		flying.Dec()
		code := strconv.Itoa(out.code())
		if p := recover(); p != nil {
			code = "aborted" // the answer was cut: no status tells of it
			defer panic(p)
		}
		m.requests.WithLabelValues(surface, code).Inc()
		m.seconds.WithLabelValues(surface, code).Observe(time.Since(start).Seconds())
	}()
	h.ServeHTTP(out, r)
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
