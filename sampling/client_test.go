package sampling_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/sampling"
)

// sdk is one client of one rule, as the X-Ray SDK for Go decides. Times are
// seconds.
type sdk struct {
	id        string
	reservoir int
	rate      float64
	random    *rand.Rand

	hasQuota   bool
	quota      int
	ttl        int64
	neverValid bool // the SDK for Node takes every quota for expired

	second         int64 // of what follows
	used, borrowed int

	requests, sampled, borrows int64 // since the last report
}

// decide decides a request that arrives at a moment.
func (c *sdk) decide(at float64) bool {
	c.requests++
	if now := int64(math.Floor(at)); now != c.second {
		c.second, c.used, c.borrowed = now, 0, 0
	}
	if c.hasQuota && !c.neverValid && c.second <= c.ttl {
		if c.used < c.quota {
			c.used++
			c.sampled++
			return true
		}
	} else if c.reservoir > 0 && c.borrowed == 0 {
		c.borrowed++
		c.borrows++
		return true
	}
	if c.rate > 0 && c.random.Float64() < c.rate {
		c.sampled++
		return true
	}
	return false
}

// poll reports to the fleet, if there is something to tell, and takes the
// targets.
func (c *sdk) poll(f *sampling.Fleet, rules *tomo.SamplingRules, at float64) {
	if c.requests == 0 {
		return
	}
	report := &sampling.Report{Statistics: []sampling.Statistics{{
		Rule: rules.List[0].Name, Client: c.id, Time: tomo.Seconds(at),
		Requests: c.requests, Sampled: c.sampled, Borrowed: c.borrows,
	}}}
	c.requests, c.sampled, c.borrows = 0, 0, 0
	for _, t := range f.Report(rules, tomo.Seconds(at), report).Targets {
		c.hasQuota, c.quota, c.ttl, c.rate = true, t.Quota, int64(t.QuotaTTL/1e6), t.FixedRate
	}
}

// TestClientDecides holds the clients of the simulation against decisions of the
// X-Ray SDK for Go that are certain: the rate is 0 or 1.
func TestClientDecides(t *testing.T) {
	const yes, no = true, false
	type times = []float64
	tests := []struct {
		why             string
		reservoir, rate int
		quota           int
		ttl             int64 // 0: no quota yet
		at              times
		want            []bool
		counts          string // requests, sampled, borrowed
	}{
		{"no quota yet: one borrowed a second", 2, 0, 0, 0, times{100, 100.1, 100.9, 101, 101.5}, []bool{yes, no, no, yes, no}, "5 0 2"},
		{"no reservoir: nothing to borrow", 0, 0, 0, 0, times{100, 101}, []bool{no, no}, "2 0 0"},
		{"a quota of 2", 2, 0, 2, 400, times{100, 100.1, 100.2, 101, 101.1, 101.9}, []bool{yes, yes, no, yes, yes, no}, "6 4 0"},
		{"a quota of 0: no borrowing while it is valid", 2, 0, 0, 400, times{100, 101}, []bool{no, no}, "2 0 0"},
		{"the end of the quota reached, not passed", 1, 0, 1, 100, times{100, 100.5, 100.9}, []bool{yes, no, no}, "3 1 0"},
		{"the end passed: borrowing again", 5, 0, 5, 100, times{101, 101.1, 101.2}, []bool{yes, no, no}, "3 0 1"},
		{"a quota larger than the reservoir", 1, 0, 3, 400, times{100, 100.1, 100.2, 100.3}, []bool{yes, yes, yes, no}, "4 3 0"},
		{"rate 1: borrowed and sampled are counted apart", 1, 1, 0, 0, times{100, 100.1, 100.2}, []bool{yes, yes, yes}, "3 2 1"},
		{"rate 1 with a quota", 1, 1, 1, 400, times{100, 100.1, 100.2}, []bool{yes, yes, yes}, "3 3 0"},
		{"what is not used does not add up", 3, 0, 3, 400, times{100, 103, 103.1, 103.2, 103.3}, []bool{yes, yes, yes, yes, no}, "5 4 0"},
	}
	for _, tt := range tests {
		c := &sdk{reservoir: tt.reservoir, rate: float64(tt.rate), hasQuota: tt.ttl > 0, quota: tt.quota, ttl: tt.ttl, random: rand.New(rand.NewPCG(1, 1))}
		for i, at := range tt.at {
			if got := c.decide(at); got != tt.want[i] {
				t.Errorf("%s: at %v: %v", tt.why, at, got)
			}
		}
		if counts := fmt.Sprint(c.requests, c.sampled, c.borrows); counts != tt.counts {
			t.Errorf("%s: counts %s, want %s", tt.why, counts, tt.counts)
		}
	}
}
