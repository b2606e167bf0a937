package server

import (
	"context"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
)

// How it was is remembered in tens of seconds for an hour, and in minutes for a
// day. It is in memory: it begins anew with the process.
const (
	lookEvery     = 10 * time.Second
	momentsAnHour = int(time.Hour / lookEvery)
	lookRatio     = int(time.Minute / lookEvery)
	minutesADay   = 24 * 60
)

// moment is how it was at one: counters since the start, and gauges.
type moment struct {
	at                                                 tomo.Time
	documents, bytes                                   int64
	refused, dropped, truncated, superseded            int64
	settled, droppedTraces, openTraces, stored, memory int64
}

// history is the latest moments in two widths.
type history struct {
	hour, day ring
	taken     int
}

// ring is the latest moments, one more than there are spaces between them.
type ring struct {
	moments []moment
	most    int
	oldest  int // its index, once there are most
}

func (r *ring) add(s moment) {
	if len(r.moments) < r.most {
		r.moments = append(r.moments, s)
		return
	}
	r.moments[r.oldest] = s
	r.oldest = (r.oldest + 1) % r.most
}

func (h *history) init() {
	h.hour.most, h.day.most = momentsAnHour+1, minutesADay+1
}

func (h *history) add(s moment) {
	h.hour.add(s)
	if h.taken%lookRatio == 0 {
		h.day.add(s)
	}
	h.taken++
}

// shape tells the spaces between the moments, and from the last one to now.
func (r *ring) shape(now moment) api.StatusHistory {
	n := len(r.moments)
	shape := api.StatusHistory{
		ByteCount: make([]int64, 0, n), DocumentCount: make([]int64, 0, n), DroppedCount: make([]int64, 0, n), DroppedTraces: make([]int64, 0, n),
		MemoryBytes: make([]int64, 0, n), OpenCount: make([]int64, 0, n), RefusedCount: make([]int64, 0, n), Seconds: make([]api.Double, 0, n),
		SettledCount: make([]int64, 0, n), StoredBytes: make([]int64, 0, n), SupersededCount: make([]int64, 0, n), Time: make([]api.Time, 0, n),
		TruncatedCount: make([]int64, 0, n),
	}
	var before moment
	for i := range n + 1 {
		is := now
		if i < n {
			is = r.moments[(r.oldest+i)%n]
		}
		passed := is.at.Sub(before.at)
		if i > 0 && passed > 0 {
			shape.Time = append(shape.Time, api.Time(is.at.Seconds()))
			shape.Seconds = append(shape.Seconds, api.Double(passed.Seconds()))
			shape.DocumentCount = append(shape.DocumentCount, is.documents-before.documents)
			shape.ByteCount = append(shape.ByteCount, is.bytes-before.bytes)
			shape.RefusedCount = append(shape.RefusedCount, is.refused-before.refused)
			shape.DroppedCount = append(shape.DroppedCount, is.dropped-before.dropped)
			shape.TruncatedCount = append(shape.TruncatedCount, is.truncated-before.truncated)
			shape.SupersededCount = append(shape.SupersededCount, is.superseded-before.superseded)
			shape.SettledCount = append(shape.SettledCount, is.settled-before.settled)
			shape.DroppedTraces = append(shape.DroppedTraces, is.droppedTraces-before.droppedTraces)
			shape.OpenCount = append(shape.OpenCount, is.openTraces)
			shape.StoredBytes = append(shape.StoredBytes, is.stored)
			shape.MemoryBytes = append(shape.MemoryBytes, is.memory)
		}
		before = is
	}
	return shape
}

// Run remembers how it was, every ten seconds, until ctx ends. Without it the
// page of the server's state has no history.
func (s *Services) Run(ctx context.Context) error {
	s.remember()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.remember()
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *Services) remember() {
	now := s.look()
	s.historyMu.Lock()
	defer s.historyMu.Unlock()
	s.history.add(now)
}

// look sees everything that is remembered.
func (s *Services) look() moment {
	is := moment{at: s.now(), memory: memoryInUse()}
	for _, door := range s.pipeline.Doors() {
		is.documents += door.Documents
		is.bytes += door.Bytes
	}
	losses := s.pipeline.Losses().Counts()
	is.refused, is.dropped = losses[tomo.LossRefused], losses[tomo.LossDropped]
	is.truncated, is.superseded = losses[tomo.LossTruncated], losses[tomo.LossSuperseded]
	for _, count := range s.pipeline.KeepCounts() {
		is.droppedTraces += count.Dropped
	}
	if s.storage != nil {
		storage := s.storage()
		is.settled, is.openTraces, is.stored = storage.SettledCount, int64(storage.OpenCount), storage.BlockBytes+storage.LogBytes
	}
	return is
}
