package sampling

import (
	"time"

	"github.com/tomotrace/tomo"
)

// A boost is told for boostStep at a time and ends boostLength after it began.
// X-Ray documents that a boost lasts at most a minute, and was seen to answer
// 20 seconds.
const (
	boostLength = time.Minute
	boostStep   = 20 * time.Second
)

// wanted is how many anomalies should be traced each second.
const wanted = 1

// booster decides when the rate of one rule rises, and how far.
//
// The anomalies of the window before and of this one so far are held against
// what is wanted, one traced anomaly a second. If fewer were traced a boost
// begins: to the rate that should bring as many, and at least to twice the
// fixed rate, since that one brought too few. It is computed again for each
// answer, so it falls as more anomalies become known, and it is gone when there
// are none any more, or after a minute. The next begins a cooldown after this
// one began.
//
// That a boost is only as high as needed, never above the rule's greatest rate,
// and one in a cooldown is documented; the formula is ours. The service was
// seen to answer 0.1 to 900 anomalies in ten seconds, none traced, at a fixed
// rate of 0.05; so does this.
type booster struct {
	before, now anomalies
	began       tomo.Time // of the latest boost; 0: there was none
	given       float64   // the latest rate that was answered
	until       tomo.Time // when that one ends
}

// anomalies is what was reported in one window.
type anomalies struct {
	start          tomo.Time
	total, sampled int64
}

// count adds a document. X-Ray: counts that contradict each other are no error.
func (b *booster) count(now tomo.Time, s *BoostStatistics) {
	b.advance(now)
	n := min(s.Anomalies, s.Total)
	b.now.total += n
	b.now.sampled += min(s.Sampled, n)
}

// advance begins a window when one is over.
func (b *booster) advance(now tomo.Time) {
	switch start := windowOf(now); {
	case b.now.start == start:
	case b.now.start == start.Add(-Window):
		b.before, b.now = b.now, anomalies{start: start}
	default:
		b.before, b.now = anomalies{}, anomalies{start: start}
	}
}

// rate is the boost at the moment, nil if there is none.
func (b *booster) rate(rule *tomo.SamplingRule, now tomo.Time) *Boost {
	if rule.Boost == nil {
		return nil
	}
	b.advance(now)
	total, sampled := b.before.total+b.now.total, b.before.sampled+b.now.sampled
	if total == 0 {
		return nil
	}
	want := wanted * now.Sub(b.now.start.Add(-Window)).Seconds()
	tooFew := float64(sampled) < want
	running := b.began != 0 && now < b.began.Add(boostLength)
	cooldown := time.Duration(rule.Boost.CooldownMinutes)
	if !running && (!tooFew || b.began != 0 && now.Sub(b.began)/time.Minute < max(1, cooldown)) {
		return nil
	}
	rate := want / float64(total)
	if tooFew {
		rate = max(rate, 2*rule.FixedRate)
	}
	if rate = min(rate, rule.Boost.MaxRate); rate <= rule.FixedRate {
		return nil
	}
	if !running {
		b.began = now
	}
	until := min(now.Add(boostStep), b.began.Add(boostLength)).Second()
	if until <= now {
		return nil
	}
	b.given, b.until = rate, until
	return &Boost{rate, until}
}
