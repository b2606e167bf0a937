package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the door's own figures.
type metrics struct {
	requests *prometheus.CounterVec
	bytes    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	work     work // the same, for the page of the server's state
}

func (m *metrics) init(registry *prometheus.Registry, b *bodies) {
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tomo_http_requests_total", Help: "Requests answered, by operation and HTTP status; 499 are those whose client was gone before."}, []string{"operation", "status"})
	m.bytes = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tomo_http_request_body_bytes_total", Help: "Bytes of the bodies of requests, unpacked."}, []string{"operation"})
	m.duration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "tomo_http_request_duration_seconds", Help: "From the header of a request to the end of its answer.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"operation"})
	held := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tomo_http_body_memory_bytes", Help: "Memory held by bodies being read or worked on."},
		func() float64 { return float64(b.held.Load()) })
	registry.MustRegister(m.requests, m.bytes, m.duration, held)
}

// received counts a body.
func (m *metrics) received(operation string, bytes int) {
	m.bytes.WithLabelValues(operation).Add(float64(bytes))
}

// statusLeft is the status under which a request is counted whose client was
// gone before its answer, which nobody got: nginx's number.
const statusLeft = 499

// errStopping is the cause of the end of requests that the server cuts off.
var errStopping = errors.New("the server is stopping")

// left reports whether the client of a request is gone.
func left(r *http.Request) bool {
	return r.Context().Err() != nil && context.Cause(r.Context()) != errStopping
}

// observe counts a request that was answered, or left.
func (m *metrics) observe(operation string, status int, took time.Duration) {
	m.requests.WithLabelValues(operation, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(operation).Observe(took.Seconds())
	m.work.observe(operation, status, took)
}
