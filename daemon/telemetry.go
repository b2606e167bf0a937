package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tomotrace/tomo/api"
)

// What X-Ray's daemon does: a record a minute, of which 30 are kept while they
// cannot be sent, and ten go into a request.
const (
	telemetryInterval = time.Minute
	mostRecords       = 30
	recordsARequest   = 10

	// lastTelemetry is how long the record at the end is tried to be sent.
	lastTelemetry = 2 * time.Second
)

// telemetry tells an upstream what became of what was received.
type telemetry struct {
	u       *upstream
	request *request
	before  totals
	records []*api.TelemetryRecord // not sent yet, oldest first
}

// totals are what a record counts, since the start.
type totals struct {
	received, rejected, sent, spillover                         int64
	refused, status4xx, status5xx, other, timeouts, unknownHost int64
}

func newTelemetry(u *upstream) *telemetry { return &telemetry{u: u, request: newRequest(u)} }

func (t *telemetry) totals() totals {
	u := t.u
	return totals{
		received: u.received.Received.Load(), rejected: u.received.Rejected.Load() + u.refused.Load(),
		sent: u.sent.Load() + u.refused.Load(), spillover: u.dropped.Load(),
		refused: u.errors.refused.Load(), status4xx: u.errors.status4xx.Load(), status5xx: u.errors.status5xx.Load(),
		other: u.errors.other.Load(), timeouts: u.errors.timeout.Load(), unknownHost: u.errors.unknownHost.Load(),
	}
}

// run makes a record a minute and sends what there is, until ctx ends.
func (t *telemetry) run(ctx context.Context) {
	t.u.o.Logger.Debug("Telemetry initiated")
	tick := time.NewTicker(telemetryInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			t.record()
			t.send(ctx, t.u.o.Attempt)
		case <-ctx.Done():
			return
		}
	}
}

// last sends what happened since the last record. All uploads are over.
func (t *telemetry) last() {
	t.record()
	ctx, cancel := context.WithTimeout(context.Background(), lastTelemetry)
	defer cancel()
	t.send(ctx, lastTelemetry)
	t.u.o.Logger.Debug("telemetry: done!")
}

// record makes the record of the time since the last one. There is none until
// the first datagram came.
func (t *telemetry) record() {
	now := t.totals()
	if now.received == 0 {
		t.u.o.Logger.Debug("Skipped telemetry data as no segments found")
		return
	}
	count := func(now, before int64) *api.Count { c := api.Count(now - before); return &c }
	at, was := api.TimeOf(time.Now()), t.before
	record := &api.TelemetryRecord{
		Timestamp:              &at,
		SegmentsReceivedCount:  count(now.received, was.received),
		SegmentsRejectedCount:  count(now.rejected, was.rejected),
		SegmentsSentCount:      count(now.sent, was.sent),
		SegmentsSpilloverCount: count(now.spillover, was.spillover),
		BackendConnectionErrors: &api.BackendConnectionErrors{
			ConnectionRefusedCount: count(now.refused, was.refused),
			HTTPCode4XXCount:       count(now.status4xx, was.status4xx),
			HTTPCode5XXCount:       count(now.status5xx, was.status5xx),
			OtherCount:             count(now.other, was.other),
			TimeoutCount:           count(now.timeouts, was.timeouts),
			UnknownHostCount:       count(now.unknownHost, was.unknownHost),
		},
	}
	t.before = now
	t.records = append(t.records, record)
	t.records = t.records[max(0, len(t.records)-mostRecords):]
}

// send sends records until one request fails.
func (t *telemetry) send(ctx context.Context, timeout time.Duration) {
	for len(t.records) > 0 {
		some := t.records[:min(len(t.records), recordsARequest)]
		t.u.o.Logger.Debug(fmt.Sprintf("Send %d telemetry record(s)", len(some)))
		body, err := json.Marshal(struct {
			api.Sender
			TelemetryRecords []*api.TelemetryRecord
		}{t.u.o.Sender, some})
		if err != nil {
			panic(err) // numbers and strings
		}
		t.request.body = append(t.request.body[:0], body...)
		if answer := t.request.do(ctx, "/TelemetryRecords", timeout); answer.err != nil && !answer.final {
			t.u.o.Logger.Debug(fmt.Sprintf("Failed to send telemetry %d record(s). Re-queue records. %v", len(some), answer.err))
			return
		}
		t.records = t.records[len(some):]
	}
}
