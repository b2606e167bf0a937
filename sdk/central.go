package sdk

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// X-Ray: how often clients ask, and for how long answers are good.
const (
	rulesEvery      = 5 * time.Minute
	targetsEvery    = 10 * time.Second
	rulesGoodFor    = time.Hour
	reportAfter     = 10 * time.Second // until a target says otherwise
	callTimeout     = 10 * time.Second
	maxSamplingBody = 8 << 20
)

// CentralOptions say where the rules come from.
type CentralOptions struct {
	Daemon   string  // host:port of the daemon's TCP side; "" is 127.0.0.1:2000
	Fallback Sampler // while there are no rules; nil is DefaultRules
	Log      *slog.Logger
}

// Central samples by the rules of the server, which it asks for through the
// daemon every 5 minutes. Every 10 seconds it reports how many requests matched
// each rule and learns what part of the rule's reservoir is its own; until then
// it borrows one request a second. It starts to ask with the first decision.
type Central struct {
	url      string
	client   *http.Client
	fallback Sampler
	log      *slog.Logger
	clientID string

	rules   atomic.Pointer[manifest]
	start   sync.Once
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// manifest is an answer of GetSamplingRules, in the order in which rules apply.
type manifest struct {
	rules   []*centralRule
	fetched time.Time
}

// centralRule is a rule and what this process has of it.
type centralRule struct {
	name                                    string
	service, serviceType, host, method, url string
	priority                                int64
	borrows                                 bool // the reservoir is not empty
	rate                                    float64

	requests, sampled, borrowed atomic.Int64
	reservoir, loan             reservoir
	target                      atomic.Pointer[target]
	reported                    time.Time     // the poller's
	interval                    time.Duration // the poller's
}

// target is an answer of GetSamplingTargets.
type target struct {
	rate  float64
	quota uint32
	until int64 // second until which quota is good
}

// NewCentral makes a sampler. Close ends its polling.
func NewCentral(o CentralOptions) *Central {
	var id [12]byte
	rand.Read(id[:]) // never fails
	ctx, cancel := context.WithCancel(context.Background())
	c := &Central{
		url: "http://" + cmp.Or(o.Daemon, "127.0.0.1:2000"), fallback: o.Fallback, log: o.Log,
		clientID: hex.EncodeToString(id[:]), ctx: ctx, cancel: cancel,
		// A transport of its own: what instruments the default one must not
		// record these calls, and no proxy stands before the daemon.
		client: &http.Client{Transport: &http.Transport{MaxIdleConns: 1, IdleConnTimeout: time.Minute}, Timeout: callTimeout},
	}
	if c.fallback == nil {
		c.fallback = DefaultRules()
	}
	if c.log == nil {
		c.log = slog.Default()
	}
	return c
}

// Close ends the polling and waits for it. The last rules stay good for an hour.
func (c *Central) Close() {
	c.start.Do(func() {}) // nothing starts later
	c.cancel()
	c.running.Wait()
	c.client.CloseIdleConnections()
}

// Sample implements Sampler.
func (c *Central) Sample(now time.Time, q Request) Verdict {
	c.start.Do(func() {
		c.running.Go(c.poll)
	})
	m := c.rules.Load()
	if m == nil || now.Sub(m.fetched) > rulesGoodFor {
		return c.fallback.Sample(now, q)
	}
	for _, r := range m.rules {
		if r.matches(q) {
			return Verdict{Sampled: r.sample(now.Unix()), Rule: r.name}
		}
	}
	return c.fallback.Sample(now, q)
}

func (r *centralRule) matches(q Request) bool {
	return r.name == "Default" || matches(r.service, q.Service) && matches(r.serviceType, q.ServiceType) &&
		matches(r.host, q.Host) && matches(r.method, q.Method) && matches(r.url, q.Path)
}

func (r *centralRule) sample(second int64) bool {
	r.requests.Add(1)
	t := r.target.Load()
	rate := r.rate
	if t != nil {
		rate = t.rate
	}
	if t != nil && second <= t.until {
		if r.reservoir.take(second, t.quota) {
			r.sampled.Add(1)
			return true
		}
	} else if r.borrows && r.loan.take(second, 1) {
		// X-Ray's SDKs: what is borrowed is not counted as sampled.
		r.borrowed.Add(1)
		return true
	}
	if chance(rate) {
		r.sampled.Add(1)
		return true
	}
	return false
}

// poll asks for rules and targets until Close.
func (c *Central) poll() {
	var nextRules time.Time
	for {
		now := time.Now()
		if !now.Before(nextRules) {
			if err := c.fetchRules(now); err != nil {
				c.grumble("fetching the sampling rules", err)
				// Until there are rules at all, they are asked for more often.
				nextRules = now.Add(targetsEvery)
				if c.rules.Load() != nil {
					nextRules = now.Add(rulesEvery)
				}
			} else {
				nextRules = now.Add(rulesEvery - mathrand.N(5*time.Second))
			}
		}
		wait := time.NewTimer(targetsEvery + 100*time.Millisecond - mathrand.N(100*time.Millisecond))
		select {
		case <-c.ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
		}
		stale, err := c.report(time.Now())
		if err != nil {
			c.grumble("reporting to the sampling rules", err)
		}
		if stale {
			nextRules = time.Time{}
		}
	}
}

func (c *Central) grumble(doing string, err error) {
	if c.ctx.Err() == nil {
		c.log.Debug(doing, "daemon", c.url, "error", err)
	}
}

// fetchRules replaces the rules. Counters and targets of a rule that was there
// before stay.
func (c *Central) fetchRules(now time.Time) error {
	var answer struct {
		SamplingRuleRecords []struct {
			SamplingRule struct {
				RuleName, ServiceName, ServiceType, Host, HTTPMethod, URLPath, ResourceARN string
				Priority, ReservoirSize, Version                                           int64
				FixedRate                                                                  float64
				Attributes                                                                 map[string]string
			}
		}
	}
	if err := c.call("/GetSamplingRules", struct{}{}, &answer); err != nil {
		return err
	}
	had := map[string]*centralRule{}
	if m := c.rules.Load(); m != nil {
		for _, r := range m.rules {
			had[r.name] = r
		}
	}
	m := &manifest{fetched: now}
	for _, record := range answer.SamplingRuleRecords {
		s := record.SamplingRule
		// X-Ray's SDKs take no part in rules of other versions, with attributes
		// or for one resource.
		if s.RuleName == "" || s.Version != 1 || len(s.Attributes) > 0 || s.ResourceARN != "*" {
			continue
		}
		r := &centralRule{
			name: s.RuleName, service: s.ServiceName, serviceType: s.ServiceType, host: s.Host, method: s.HTTPMethod, url: s.URLPath,
			priority: s.Priority, borrows: s.ReservoirSize > 0, rate: s.FixedRate, reported: now, interval: reportAfter,
		}
		if old := had[r.name]; old != nil {
			r.inherit(old)
		}
		m.rules = append(m.rules, r)
	}
	slices.SortStableFunc(m.rules, func(a, b *centralRule) int {
		// X-Ray: Default comes last whatever its priority.
		if last := compareBool(a.name == "Default", b.name == "Default"); last != 0 {
			return last
		}
		return cmp.Or(cmp.Compare(a.priority, b.priority), strings.Compare(a.name, b.name))
	})
	c.rules.Store(m)
	return nil
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// inherit goes on from where an older version of the rule is. Requests that are
// being counted there at this very moment go unreported.
func (r *centralRule) inherit(old *centralRule) {
	r.requests.Store(old.requests.Load())
	r.sampled.Store(old.sampled.Load())
	r.borrowed.Store(old.borrowed.Load())
	r.reservoir.state.Store(old.reservoir.state.Load())
	r.loan.state.Store(old.loan.state.Load())
	if t := old.target.Load(); t != nil {
		// The rate of the new rule holds until the next target.
		r.target.Store(&target{rate: r.rate, quota: t.quota, until: t.until})
	}
	r.reported, r.interval = old.reported, old.interval
}

type statistics struct {
	RuleName     string
	ClientID     string
	Timestamp    float64
	RequestCount int64
	SampledCount int64
	BorrowCount  int64
}

// report tells what was counted and takes the targets. It reports whether the
// rules have changed since they were fetched.
func (c *Central) report(now time.Time) (stale bool, err error) {
	m := c.rules.Load()
	if m == nil {
		return false, nil
	}
	var ask struct{ SamplingStatisticsDocuments []statistics }
	by := map[string]*centralRule{}
	for _, r := range m.rules {
		if r.requests.Load() == 0 || now.Sub(r.reported) < r.interval {
			continue
		}
		by[r.name] = r
		r.reported = now
		ask.SamplingStatisticsDocuments = append(ask.SamplingStatisticsDocuments, statistics{
			RuleName: r.name, ClientID: c.clientID, Timestamp: float64(now.Unix()),
			RequestCount: r.requests.Swap(0), SampledCount: r.sampled.Swap(0), BorrowCount: r.borrowed.Swap(0),
		})
	}
	if len(by) == 0 {
		return false, nil
	}
	var answer struct {
		SamplingTargetDocuments []struct {
			RuleName          string
			FixedRate         *float64
			ReservoirQuota    *int64
			ReservoirQuotaTTL *float64
			Interval          *int64
		}
		LastRuleModification  *float64
		UnprocessedStatistics []struct{ RuleName, ErrorCode, Message string }
	}
	if err := c.call("/SamplingTargets", ask, &answer); err != nil {
		for _, d := range ask.SamplingStatisticsDocuments { // for the next report
			r := by[d.RuleName]
			r.requests.Add(d.RequestCount)
			r.sampled.Add(d.SampledCount)
			r.borrowed.Add(d.BorrowCount)
		}
		return false, err
	}
	for _, d := range answer.SamplingTargetDocuments {
		r := by[d.RuleName]
		if r == nil || d.FixedRate == nil {
			continue
		}
		t := target{rate: *d.FixedRate}
		if old := r.target.Load(); old != nil {
			t.quota, t.until = old.quota, old.until
		}
		if d.ReservoirQuota != nil {
			t.quota = uint32(min(max(*d.ReservoirQuota, 0), 1<<reservoirBits-1))
		}
		if d.ReservoirQuotaTTL != nil {
			t.until = int64(*d.ReservoirQuotaTTL)
		}
		if d.Interval != nil && *d.Interval > 0 {
			r.interval = time.Duration(*d.Interval) * time.Second
		}
		r.target.Store(&t)
	}
	stale = answer.LastRuleModification != nil && int64(*answer.LastRuleModification) >= m.fetched.Unix()
	for _, u := range answer.UnprocessedStatistics {
		// X-Ray's SDKs: a code that begins with 4 means that the rule is gone.
		stale = stale || strings.HasPrefix(u.ErrorCode, "4")
		c.log.Debug("a sampling report was not taken", "rule", u.RuleName, "code", u.ErrorCode, "message", u.Message)
	}
	return stale, nil
}

// call posts to the daemon.
func (c *Central) call(path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(c.ctx, http.MethodPost, c.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxSamplingBody))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", path, response.Status)
	}
	return json.Unmarshal(text, out)
}
