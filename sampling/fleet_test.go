package sampling_test

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/sampling"
)

// fleet is a fleet with rules and a clock.
type fleet struct {
	sampling.Fleet
	t     testing.TB
	rules *tomo.SamplingRules
	now   tomo.Time
}

// newFleet has the rule shop, with reservoir 10 and rate 0.05, and Default.
func newFleet(t testing.TB) *fleet {
	shop := rule("shop", 1, func(r *tomo.SamplingRule) { r.ReservoirSize, r.Created = 10, 1_600_000_000e6 })
	return &fleet{t: t, rules: &tomo.SamplingRules{List: []*tomo.SamplingRule{shop, defaultRule()}}, now: 1_700_000_000.25e6}
}

func (f *fleet) wait(d time.Duration) { f.now = f.now.Add(d) }

// shop is the rule.
func (f *fleet) shop() *tomo.SamplingRule { return f.rules.List[0] }

// report reports of one client.
func (f *fleet) report(client string, requests, sampled, borrowed int64) sampling.Target {
	f.t.Helper()
	answer := f.Report(f.rules, f.now, &sampling.Report{Statistics: []sampling.Statistics{
		{Rule: "shop", Client: client, Time: f.now, Requests: requests, Sampled: sampled, Borrowed: borrowed}}})
	if len(answer.Targets) != 1 || len(answer.Unprocessed) != 0 {
		f.t.Fatalf("the answer is %+v", answer)
	}
	return answer.Targets[0]
}

// quota reports 200 requests in ten seconds.
func (f *fleet) quota(client string) int { return f.report(client, 200, 10, 0).Quota }

func (f *fleet) wantQuotas(why string, want ...int) {
	f.t.Helper()
	var got []int
	for i := range want {
		got = append(got, f.quota(fmt.Sprint(i)))
	}
	if !slices.Equal(got, want) {
		f.t.Errorf("%s: quotas %v, want %v", why, got, want)
	}
}

func TestTarget(t *testing.T) {
	f := newFleet(t)
	want := sampling.Target{Rule: "shop", FixedRate: 0.05, Quota: 10, QuotaTTL: 1_700_000_300e6, Interval: 10 * time.Second}
	if diff := cmp.Diff(want, f.report("a", 200, 10, 10)); diff != "" {
		t.Errorf("the target of a lone client (-want +got)\n%s", diff)
	}
}

func TestQuotas(t *testing.T) {
	f := newFleet(t)
	f.wantQuotas("the first comes", 10)
	f.wantQuotas("two more come: the first gives when it reports", 10, 0, 0)
	f.wait(10 * time.Second)
	f.wantQuotas("and now it does", 4, 3, 3)
	f.wait(10 * time.Second)
	f.wantQuotas("and so it stays", 4, 3, 3)

	// The first is silent. For three intervals it keeps its claim.
	for range 3 {
		f.wait(10 * time.Second)
		if a, b := f.quota("1"), f.quota("2"); a != 3 || b != 3 {
			t.Errorf("while another is silent: %d and %d", a, b)
		}
	}
	f.wait(10 * time.Second)
	if a, b := f.quota("1"), f.quota("2"); a != 5 || b != 5 {
		t.Errorf("when it was silent for long: %d and %d", a, b)
	}
	f.wantQuotas("it wakes up and finds nothing", 0, 4, 4)
	f.wait(10 * time.Second)
	f.wantQuotas("an interval later what they gave", 2, 4, 3)
	f.wait(10 * time.Second)
	f.wantQuotas("and then its part", 3, 4, 3)

	f.shop().ReservoirSize = 2
	f.wait(10 * time.Second)
	f.wantQuotas("the reservoir shrinks: the last has reported, so there is room", 0, 0, 1)
	f.wait(10 * time.Second)
	f.wantQuotas("two of three", 1, 0, 1)
	f.shop().ReservoirSize = 0
	f.wait(10 * time.Second)
	f.wantQuotas("no reservoir", 0, 0, 0)
}

// TestDemand: who needs less gets less, if others need more.
func TestDemand(t *testing.T) {
	f := newFleet(t)
	f.report("quiet", 11, 0, 0) // 2 a second
	f.report("busy", 1000, 0, 0)
	f.wait(10 * time.Second)
	if quiet, busy := f.report("quiet", 11, 0, 0).Quota, f.report("busy", 1000, 0, 0).Quota; quiet != 2 || busy != 8 {
		t.Errorf("quiet has %d, busy %d", quiet, busy)
	}
	// Reports that come late tell of a longer time, up to a minute.
	f.wait(30 * time.Second)
	f.report("busy", 3000, 0, 0)
	if quiet := f.report("quiet", 31, 0, 0).Quota; quiet != 2 {
		t.Errorf("31 requests in 30 s: %d", quiet)
	}
}

// TestBorrowers: a client that borrows although it has a quota is left what it
// borrows, and the others get the rest.
func TestBorrowers(t *testing.T) {
	f := newFleet(t)
	for range 3 {
		f.report("node", 200, 10, 10)
		f.quota("go")
		f.wait(10 * time.Second)
	}
	if node, other := f.report("node", 200, 10, 10).Quota, f.quota("go"); node != 1 || other != 9 {
		t.Errorf("node has %d, the other %d", node, other)
	}
	// A borrowed one that was decided while the quota was under way says nothing.
	f.wait(10 * time.Second)
	f.report("node", 200, 10, 1)
	f.quota("go")
	f.wait(10 * time.Second)
	if node, other := f.quota("node"), f.quota("go"); node != 5 || other != 5 {
		t.Errorf("after it stopped borrowing: %d and %d", node, other)
	}
}

// TestNeverMore: whoever reports whatever and whenever, the quotas of the active
// clients never add up to more than the reservoir.
func TestNeverMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newFleet(nil)
		f.shop().ReservoirSize = rapid.IntRange(0, 30).Draw(t, "reservoir")
		type lease struct {
			quota int
			at    tomo.Time
		}
		leases := map[string]lease{}
		for range rapid.IntRange(1, 60).Draw(t, "reports") {
			f.wait(time.Duration(rapid.IntRange(0, 12_000).Draw(t, "ms")) * time.Millisecond)
			client := rapid.StringMatching(`[a-h]`).Draw(t, "client")
			n := rapid.Int64Range(0, 500).Draw(t, "requests")
			answer := f.Report(f.rules, f.now, &sampling.Report{Statistics: []sampling.Statistics{
				{Rule: "shop", Client: client, Time: f.now, Requests: n, Borrowed: rapid.Int64Range(0, 10).Draw(t, "borrowed")}}})
			leases[client] = lease{answer.Targets[0].Quota, f.now}
			sum := 0
			for _, l := range leases {
				if f.now.Sub(l.at) <= 30*time.Second {
					sum += l.quota
				}
			}
			if sum > f.shop().ReservoirSize {
				t.Fatalf("%d of %d: %v", sum, f.shop().ReservoirSize, leases)
			}
		}
	})
}

// TestManyClients: what a report costs does not grow with the fleet, and beyond
// the limit clients are counted and get nothing.
func TestManyClients(t *testing.T) {
	f := newFleet(t)
	f.shop().ReservoirSize = 2 * sampling.MaxClients
	const extra = 50
	for round := range 2 {
		for i := range sampling.MaxClients + extra {
			quota := f.report(fmt.Sprint(i), 50, 0, 0).Quota
			if i >= sampling.MaxClients && quota != 0 {
				t.Fatalf("round %d: client %d has a quota of %d", round, i, quota)
			}
			f.wait(10 * time.Second / (sampling.MaxClients + extra))
		}
	}
	state := f.States(f.rules, f.now)[0]
	if state.Clients != sampling.MaxClients || state.Leased < 18_000 || state.Leased > 20_000 {
		t.Errorf("%+v", state)
	}
	f.wait(sampling.QuotaTTL)
	if quota := f.quota("new"); quota == 0 {
		t.Error("there is no room when all are gone")
	}
}

func TestUnprocessed(t *testing.T) {
	f := newFleet(t)
	at := func(d time.Duration) tomo.Time { return f.now.Add(d) }
	answer := f.Report(f.rules, f.now, &sampling.Report{
		Statistics: []sampling.Statistics{
			{Rule: "gone", Client: "a", Time: f.now, Requests: 1},
			{Rule: "shop", Client: "a", Time: at(-5*time.Minute - time.Second), Requests: 1},
			{Rule: "shop", Client: "a", Time: at(-5 * time.Minute), Requests: 1},
			{Rule: "Default", Client: "a", Time: at(24 * time.Hour), Requests: 1},
			{Rule: "SHOP", Client: "a", Time: f.now, Requests: 1},
		},
		Boost: []sampling.BoostStatistics{
			{Rule: "gone", Service: "s", Time: f.now},
			{Rule: "shop", Service: "s", Time: at(-time.Hour)},
			{Rule: "shop", Service: "s", Time: f.now, Total: 1, Anomalies: 2, Sampled: 3},
		},
	})
	const unknown, old = "Unknown rule", "Statistics are more than 5 minutes old"
	if want := []sampling.Unprocessed{{"gone", "400", unknown}, {"shop", "400", old}, {"SHOP", "400", unknown}}; !slices.Equal(answer.Unprocessed, want) {
		t.Errorf("unprocessed %v, want %v", answer.Unprocessed, want)
	}
	if want := []sampling.Unprocessed{{"gone", "400", unknown}, {"shop", "400", old}}; !slices.Equal(answer.UnprocessedBoost, want) {
		t.Errorf("unprocessed boosts %v, want %v", answer.UnprocessedBoost, want)
	}
	var rules []string
	for _, target := range answer.Targets {
		rules = append(rules, target.Rule)
	}
	if !slices.Equal(rules, []string{"shop", "Default"}) {
		t.Errorf("targets of %v", rules)
	}
}

// TestRulesChange: targets follow the rules at once; what is known of a rule goes
// with it.
func TestRulesChange(t *testing.T) {
	f := newFleet(t)
	f.quota("a")
	before := *f.shop()
	changed := before
	changed.FixedRate, changed.ReservoirSize = 0.5, 20
	f.rules = &tomo.SamplingRules{List: []*tomo.SamplingRule{&changed, defaultRule()}}
	if target := f.report("a", 200, 10, 0); target.FixedRate != 0.5 || target.Quota != 20 {
		t.Errorf("after a change: %+v", target)
	}
	again := before
	again.Created++
	f.rules = &tomo.SamplingRules{List: []*tomo.SamplingRule{&again, defaultRule()}}
	if quota := f.quota("b"); quota != 10 {
		t.Errorf("the leases of a deleted rule are held against one of the same name: quota %d", quota)
	}
	f.wait(10 * time.Second)
	if got := f.Summaries(f.rules, f.now); len(got) != 1 || got[0].Requests != 200 {
		t.Errorf("statistics of a deleted rule: %v", got)
	}
}

func TestSummaries(t *testing.T) {
	f := newFleet(t)
	f.now = 1_700_000_001e6
	f.report("a", 100, 5, 10)
	f.wait(8 * time.Second)
	f.report("b", 50, 2, 0)
	f.Report(f.rules, f.now, &sampling.Report{Statistics: []sampling.Statistics{{Rule: "Default", Client: "a", Time: f.now, Requests: 1}}})
	if got := f.Summaries(f.rules, f.now); len(got) != 0 {
		t.Errorf("a window that is not over is told: %v", got)
	}
	f.wait(time.Second)
	f.report("b", 7, 0, 0)
	first := []sampling.Summary{
		{Rule: "Default", Start: 1_700_000_000e6, Requests: 1},
		{Rule: "shop", Start: 1_700_000_000e6, Requests: 150, Sampled: 7, Borrowed: 10},
	}
	if diff := cmp.Diff(first, f.Summaries(f.rules, f.now)); diff != "" {
		t.Error(diff)
	}
	f.wait(25 * time.Second)
	second := append([]sampling.Summary{{Rule: "shop", Start: 1_700_000_010e6, Requests: 7}}, first...)
	if diff := cmp.Diff(second, f.Summaries(f.rules, f.now)); diff != "" {
		t.Error(diff)
	}
	f.now = 1_700_000_609.9e6
	if diff := cmp.Diff(second, f.Summaries(f.rules, f.now)); diff != "" {
		t.Error(diff)
	}
	f.now = 1_700_000_610e6
	if diff := cmp.Diff(second[:1], f.Summaries(f.rules, f.now)); diff != "" {
		t.Error(diff)
	}
	f.report("b", 1, 0, 0)
	f.now = 1_700_000_600e6 // the clock goes back
	f.report("b", 1, 0, 0)
	f.now = 1_700_000_620e6
	if got := f.Summaries(f.rules, f.now); len(got) != 1 || got[0].Requests != 2 {
		t.Errorf("after the clock went back: %v", got)
	}
}

// boost reports anomalies of a service and tells what the next client hears.
func (f *fleet) boost(total, anomalies, sampled int64) *sampling.Boost {
	f.t.Helper()
	return f.Report(f.rules, f.now, &sampling.Report{
		Statistics: []sampling.Statistics{{Rule: "shop", Client: "a", Time: f.now, Requests: 1000, Sampled: 50}},
		Boost:      []sampling.BoostStatistics{{Rule: "shop", Service: "cart", Time: f.now, Total: total, Anomalies: anomalies, Sampled: sampled}},
	}).Targets[0].Boost
}

func (f *fleet) wantBoost(why string, got *sampling.Boost, rate float64, ttl float64) {
	f.t.Helper()
	switch {
	case rate == 0:
		if got != nil {
			f.t.Errorf("%s: %+v", why, *got)
		}
	case got == nil || math.Abs(got.Rate-rate) > 1e-9 || got.TTL != tomo.Seconds(ttl):
		f.t.Errorf("%s: %+v, want %v until %.0f", why, got, rate, ttl)
	}
}

// TestBoost has what the service was seen to answer, and what is documented: as
// high as needed, up to a limit, for a minute, once in a cooldown.
func TestBoost(t *testing.T) {
	f := newFleet(t)
	f.now = 1_700_000_005e6
	f.wantBoost("a rule without boosts", f.boost(1000, 900, 0), 0, 0)
	f.wait(time.Minute)
	f.shop().Boost = &tomo.RateBoost{MaxRate: 0.5, CooldownMinutes: 2}
	f.wantBoost("no anomalies", f.boost(1000, 0, 0), 0, 0)
	f.wait(10 * time.Second) // 75
	f.wantBoost("enough of them traced", f.boost(1000, 900, 45), 0, 0)
	f.wait(20 * time.Second) // 95
	f.wantBoost("none traced", f.boost(1000, 900, 0), 0.1, 1_700_000_115)
	if target := f.report("old", 10, 0, 0); target.Boost == nil {
		t.Error("a client that reports no anomalies hears nothing of the boost")
	}
	if got := f.States(f.rules, f.now)[0].Rate; got != 0.1 {
		t.Errorf("the rate is said to be %v", got)
	}
	f.wait(10 * time.Second) // 105
	f.wantBoost("still none traced", f.boost(1000, 900, 0), 0.1, 1_700_000_125)
	f.wait(20 * time.Second) // 125
	f.wantBoost("fewer: 15 wanted of 20", f.boost(1000, 20, 5), 0.5, 1_700_000_145)
	f.wait(20 * time.Second) // 145
	f.wantBoost("15 wanted of 60: a quarter", f.boost(1000, 60, 5), 0.25, 1_700_000_155)
	f.wait(9900 * time.Millisecond) // 154.9
	f.wantBoost("14.9 wanted of 160, for the last moment", f.boost(1000, 100, 10), 14.9/160, 1_700_000_155)
	f.wait(100 * time.Millisecond) // 155
	f.wantBoost("the minute is over", f.boost(1000, 900, 0), 0, 0)
	f.wait(59 * time.Second) // 214
	f.wantBoost("the cooldown is not", f.boost(1000, 900, 0), 0, 0)
	f.wait(10 * time.Second) // 224
	f.wantBoost("now it is", f.boost(1000, 900, 0), 0.1, 1_700_000_244)
	f.wait(20 * time.Second)
	f.wantBoost("anomalies are gone", f.boost(1000, 0, 0), 0, 0)

	f.wait(time.Hour)
	f.shop().Boost = &tomo.RateBoost{MaxRate: 0.04, CooldownMinutes: 1}
	f.wantBoost("the greatest rate is less than the fixed one", f.boost(1000, 900, 0), 0, 0)
	f.wait(time.Hour)
	f.shop().Boost = &tomo.RateBoost{MaxRate: 0.06, CooldownMinutes: 1}
	f.wantBoost("up to the greatest rate", f.boost(1000, 900, 0), 0.06, float64(f.now.Second()/1e6)+20)
	f.wait(time.Hour)
	f.shop().Boost = &tomo.RateBoost{MaxRate: 0.06, CooldownMinutes: math.MaxInt32}
	f.wantBoost("the longest cooldown", f.boost(1000, 900, 0), 0, 0)
}

// TestConcurrentReports is for the race detector.
func TestConcurrentReports(t *testing.T) {
	f := newFleet(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 100 {
				now := f.now.Add(time.Duration(n) * time.Second)
				f.Report(f.rules, now, &sampling.Report{Statistics: []sampling.Statistics{{Rule: "shop", Client: fmt.Sprint(i), Time: now, Requests: 5}}})
				f.Summaries(f.rules, now)
				f.States(f.rules, now)
			}
		})
	}
	all.Wait()
	sum := int64(0)
	for _, s := range f.Summaries(f.rules, f.now.Add(150*time.Second)) {
		sum += s.Requests
	}
	if sum != 8*100*5 {
		t.Errorf("%d requests counted", sum)
	}
}

// BenchmarkReport is the cost of one document when so many clients report in
// turn every ten seconds.
func BenchmarkReport(b *testing.B) {
	for _, n := range []int{1, 100, 1_000, sampling.MaxClients} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := newFleet(b)
			clients := make([]string, n)
			for i := range clients {
				clients[i] = fmt.Sprintf("%024x", i)
			}
			i := 0
			for b.Loop() {
				f.report(clients[i%n], 200, 10, 0)
				f.wait(10 * time.Second / time.Duration(n))
				i++
			}
		})
	}
}
