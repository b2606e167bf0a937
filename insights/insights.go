// Package insights watches the groups for which operators enabled it. Every
// minute it reads the minute's service graph of each from the store, lets
// package anomaly judge it, keeps the insights that come of it, and tells a
// webhook about them.
//
// In come groups and service graphs, out go insights. They and what was learned
// survive a restart: minutes that were missed are judged when the server is back.
package insights

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/anomaly"
)

// Store is what insights ask of a backend.
type Store interface {
	// Series gives each the service graphs of a group of the whole minutes that r
	// touches, by receipt, in parts that merged are the graph. The group is told
	// by its Group.ID, "" is all traces. A part is good until each returns.
	Series(ctx context.Context, r tomo.TimeRange, group string, each func(minute tomo.Time, part *tomo.ServiceGraph)) error
	// LoadSettings gives the text that was last saved under the name, nil if none
	// ever was, and SaveSettings replaces it as a whole.
	LoadSettings(ctx context.Context, name string) ([]byte, error)
	SaveSettings(ctx context.Context, name string, text []byte) error
}

// Options configure insights. The zero value is a good default.
type Options struct {
	// Retention is how long insights are kept after their end. 0: 30 days, X-Ray's.
	Retention time.Duration
	// Webhook is told of insights of groups with notifications enabled. nil: nobody.
	Webhook *Webhook
	// Now is the clock. nil: the real one.
	Now    func() time.Time
	Logger *slog.Logger
}

const (
	// settle is how long after its end a minute is judged: until then its
	// documents come.
	settle = 15 * time.Second
	// learned is how far back minutes are judged that nobody looked at, also when
	// insights are enabled for a group.
	learned = 24 * 60 * tomo.Minute
	// chunk is how many minutes are read at once then.
	chunk = 30 * tomo.Minute
	// saveEvery is how often what was learned is saved when nothing happens.
	saveEvery = 10 * tomo.Minute
	// fresh is how old an event may be to tell of it.
	fresh = 15 * tomo.Minute
	// maxKept is how many insights are kept, of all groups together.
	maxKept = 2000
)

// Insight is an insight of a group.
type Insight struct {
	tomo.Insight
	GroupARN, GroupName string
}

// Insights are the insights of one store. Its methods may be called
// concurrently.
type Insights struct {
	store  Store
	groups func() []*tomo.Group
	o      Options

	rounds  sync.Mutex // one round at a time; comes before mu
	watches map[string]*watch
	saved   tomo.Time // up to which minute

	mu   sync.RWMutex // guards what follows
	kept []*Insight   // newest start first; values that are replaced, never changed
	done tomo.Time    // the end of the latest minute that was judged; 0: none

	opened *prometheus.CounterVec
	failed prometheus.Counter
	lag    prometheus.Gauge
}

// watch is a group that is watched.
type watch struct {
	Group   string         `json:"group"` // its ID
	ARN     string         `json:"arn"`
	Name    string         `json:"name"`
	Version tomo.Time      `json:"version"` // when its filter became what it is
	Watch   *anomaly.Watch `json:"watch"`
}

// Open reads what the store holds. Groups gives the groups as they are.
func Open(ctx context.Context, store Store, groups func() []*tomo.Group, o Options) (*Insights, error) {
	if o.Retention == 0 {
		o.Retention = 30 * 24 * time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Insights{
		store: store, groups: groups, o: o, watches: map[string]*watch{},
		opened: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tomo_insights_opened_total", Help: "Insights opened, by the name of the group."}, []string{"group"}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tomo_insights_failed_rounds_total", Help: "Minutes in which a group could not be judged, or what came of it could not be saved."}),
		lag: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tomo_insights_lag_seconds", Help: "How long after the end of the latest minute all groups were judged."}),
	}
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Collectors are the metrics of the insights, and of the webhook.
func (s *Insights) Collectors() []prometheus.Collector {
	list := []prometheus.Collector{s.opened, s.failed, s.lag}
	if s.o.Webhook != nil {
		list = append(list, s.o.Webhook.Collectors()...)
	}
	return list
}

// Run judges each minute until ctx ends, and saves what was learned.
func (s *Insights) Run(ctx context.Context) error {
	var telling sync.WaitGroup
	if s.o.Webhook != nil {
		telling.Go(func() { s.o.Webhook.run(ctx) })
	}
	defer telling.Wait()
	for {
		if err := s.Round(ctx); err != nil && ctx.Err() == nil {
			s.o.Logger.Error("looking for insights", "error", err)
		}
		now := s.o.Now()
		next := now.Add(-settle).Truncate(time.Minute).Add(time.Minute + settle)
		timer := time.NewTimer(next.Sub(now))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return s.Save(context.WithoutCancel(ctx))
		}
	}
}

// Round judges every minute that is over and was not judged yet. A group that
// cannot be read is tried again in the next round; the error tells of it.
func (s *Insights) Round(ctx context.Context) error {
	s.rounds.Lock()
	defer s.rounds.Unlock()
	now := tomo.TimeOf(s.o.Now())
	last := now.Add(-settle).StartOfMinute() - tomo.Minute
	var failure error
	var news []notice
	changed := s.forget(now)
	enabled := map[string]bool{}
	for _, g := range s.groups() {
		if !g.InsightsEnabled {
			continue
		}
		enabled[g.ARN] = true
		found, err := s.judge(ctx, g, last)
		if err != nil {
			failure = cmp.Or(failure, fmt.Errorf("watching group %s: %w", g.Name, err))
			s.failed.Inc()
		}
		for _, n := range s.keep(found) {
			changed = true
			if g.NotificationsEnabled && n.event.Time > now-fresh {
				news = append(news, n)
			}
		}
	}
	for arn, w := range s.watches {
		if !enabled[arn] {
			s.keep(w.end())
			delete(s.watches, arn)
			changed = true
		}
	}
	if changed || last >= s.saved+saveEvery {
		if err := s.save(ctx); err != nil {
			s.failed.Inc()
			return cmp.Or(failure, err)
		}
		s.saved = last
	}
	if s.o.Webhook != nil {
		for _, n := range news { // what was told is on disk
			s.o.Webhook.send(n)
		}
	}
	if failure == nil {
		s.mu.Lock()
		s.done = last + tomo.Minute
		s.mu.Unlock()
	}
	s.lag.Set(tomo.TimeOf(s.o.Now()).Sub(last + tomo.Minute).Seconds())
	return failure
}

// judge lets the watch of a group judge the minutes up to last. What was found
// before an error counts.
func (s *Insights) judge(ctx context.Context, g *tomo.Group, last tomo.Time) (found []*Insight, err error) {
	version := g.Created
	if n := len(g.FilterChanges); n > 0 {
		version = g.FilterChanges[n-1]
	}
	w := s.watches[g.ARN]
	if w != nil && w.Version != version { // another filter, other traces: nothing of it is usual
		found = w.end()
		w = nil
	}
	if w == nil {
		w = &watch{Group: g.ID(), ARN: g.ARN, Name: g.Name, Version: version, Watch: anomaly.New(g.ARN)}
		s.watches[g.ARN] = w
	}
	id := w.Group
	if g.IsDefault() {
		id = ""
	}
	const late = (anomaly.LateMinutes - 1) * tomo.Minute
	// What the group was before it had this filter says nothing.
	for from := max(w.Watch.Last()+tomo.Minute, last-learned, version.StartOfMinute()); from <= last; {
		until := min(last, from+chunk-tomo.Minute)
		graphs := map[tomo.Time]*tomo.ServiceGraph{}
		err := s.store.Series(ctx, tomo.TimeRange{Start: from - late, End: until + tomo.Minute}, id, func(minute tomo.Time, part *tomo.ServiceGraph) {
			if graphs[minute] == nil {
				graphs[minute] = &tomo.ServiceGraph{}
			}
			graphs[minute].Merge(part)
		})
		if err != nil {
			return found, fmt.Errorf("reading its minutes: %w", err)
		}
		for ; from <= until; from += tomo.Minute {
			for _, in := range w.Watch.Step(from, graphs) {
				found = append(found, &Insight{in, w.ARN, w.Name})
			}
		}
	}
	return found, nil
}

// end closes what is open in a group that is not watched any more.
func (w *watch) end() (list []*Insight) {
	for _, in := range w.Watch.End() {
		list = append(list, &Insight{in, w.ARN, w.Name})
	}
	return list
}

// keep takes insights as they are now and tells the events that are new.
func (s *Insights) keep(found []*Insight) (news []notice) {
	if len(found) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.Clone(s.kept)
	for _, in := range found {
		told := 0
		at := slices.IndexFunc(list, func(known *Insight) bool { return known.ID == in.ID })
		if at < 0 {
			list = append(list, in)
			s.opened.WithLabelValues(in.GroupName).Inc()
		} else {
			told = len(list[at].Events)
			list[at] = in
		}
		for i := told; i < len(in.Events); i++ {
			news = append(news, notice{in, in.Events[i]})
		}
	}
	slices.SortStableFunc(list, order)
	s.kept = list
	return news
}

// order is newest start first, then by id.
func order(a, b *Insight) int {
	return cmp.Or(cmp.Compare(b.Start, a.Start), cmp.Compare(a.ID, b.ID))
}

// forget drops insights that ended long ago, and the oldest of too many, and
// says whether there were any.
func (s *Insights) forget(now tomo.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.DeleteFunc(slices.Clone(s.kept), func(in *Insight) bool { return !in.Active() && in.End < now.Add(-s.o.Retention) })
	for i := len(list) - 1; i >= 0 && len(list) > maxKept; i-- {
		if !list[i].Active() {
			list = slices.Delete(list, i, i+1)
		}
	}
	dropped := len(list) < len(s.kept)
	s.kept = list
	return dropped
}

// State tells how many insights are active, and the end of the latest minute in
// which all groups were judged; 0: none yet.
func (s *Insights) State() (active int, judged tomo.Time) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, in := range s.kept {
		if in.Active() {
			active++
		}
	}
	return active, s.done
}

// Insight gives an insight by its id; nil if there is none. It must not be
// changed.
func (s *Insights) Insight(id string) *Insight {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, in := range s.kept {
		if in.ID == id {
			return in
		}
	}
	return nil
}

// Question asks for insights of a group.
type Question struct {
	GroupARN string
	Range    tomo.TimeRange // a moment of the insight has to lie in it
	Active   *bool          // nil: whether they are or not
	Limit    int            // insights in a page; 0: 100
	Token    string         // of the page before
}

// List gives a page of insights, newest start first, and the token of the next,
// "" after the last. They must not be changed. A bad token is a *tomo.Error
// with the code Invalid.
func (s *Insights) List(q Question) (page []*Insight, token string, err error) {
	after, err := parseToken(q.Token)
	if err != nil {
		return nil, "", err
	}
	if q.Limit <= 0 {
		q.Limit = 100
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, in := range s.kept {
		if in.GroupARN != q.GroupARN || !in.Overlaps(q.Range) || q.Active != nil && *q.Active != in.Active() || after != nil && order(in, after) <= 0 {
			continue
		}
		if len(page) == q.Limit {
			return page, makeToken(page[len(page)-1]), nil
		}
		page = append(page, in)
	}
	return page, "", nil
}

// tokenMark begins the tokens of lists of insights.
const tokenMark = "i\x01"

// makeToken names the place behind an insight.
func makeToken(in *Insight) string {
	b := binary.BigEndian.AppendUint64([]byte(tokenMark), uint64(in.Start))
	return base64.RawURLEncoding.EncodeToString(append(b, in.ID...))
}

func parseToken(text string) (*Insight, error) {
	if text == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	rest, ours := bytes.CutPrefix(b, []byte(tokenMark))
	if err != nil || !ours || len(rest) < 8 {
		return nil, &tomo.Error{Code: tomo.Invalid, Message: "Invalid token " + text}
	}
	return &Insight{Insight: tomo.Insight{Start: tomo.Time(binary.BigEndian.Uint64(rest)), ID: string(rest[8:])}}, nil
}

// What is saved: two texts, JSON. docs/storage-format.md describes them.
const (
	insightsName = "insights"
	watchesName  = "insight-watches"
	fileVersion  = 1
)

type insightsFile struct {
	Version  int        `json:"version"`
	Insights []*Insight `json:"insights"`
}

type watchesFile struct {
	Version int      `json:"version"`
	Watches []*watch `json:"watches"`
}

// Save makes durable what was learned and found.
func (s *Insights) Save(ctx context.Context) error {
	s.rounds.Lock()
	defer s.rounds.Unlock()
	return s.save(ctx)
}

func (s *Insights) save(ctx context.Context) error {
	file := watchesFile{Version: fileVersion}
	for _, w := range s.watches {
		file.Watches = append(file.Watches, w)
	}
	slices.SortFunc(file.Watches, func(a, b *watch) int { return cmp.Compare(a.ARN, b.ARN) })
	s.mu.RLock()
	kept := insightsFile{fileVersion, s.kept}
	s.mu.RUnlock()
	// The insights first: a watch that is behind finds them again.
	for _, f := range []struct {
		name string
		file any
	}{{insightsName, kept}, {watchesName, file}} {
		text, err := json.Marshal(f.file)
		if err != nil {
			return fmt.Errorf("writing %s: %w", f.name, err)
		}
		if err := s.store.SaveSettings(ctx, f.name, text); err != nil {
			return fmt.Errorf("saving %s: %w", f.name, err)
		}
	}
	return nil
}

func (s *Insights) load(ctx context.Context) error {
	var kept insightsFile
	var file watchesFile
	if err := s.loadFile(ctx, insightsName, &kept, &kept.Version); err != nil {
		return err
	}
	// What was learned can be learned again, so damage to it stops nobody.
	if err := s.loadFile(ctx, watchesName, &file, &file.Version); err != nil {
		s.o.Logger.Warn("what was learned for insights is lost", "error", err)
		file = watchesFile{}
	}
	s.kept = slices.DeleteFunc(kept.Insights, func(in *Insight) bool { return in == nil })
	slices.SortStableFunc(s.kept, order)
	for _, w := range file.Watches {
		if w != nil && w.Watch != nil {
			s.watches[w.ARN] = w
			s.saved = max(s.saved, w.Watch.Last())
		}
	}
	s.closeOrphans()
	return nil
}

func (s *Insights) loadFile(ctx context.Context, name string, file any, version *int) error {
	text, err := s.store.LoadSettings(ctx, name)
	if err != nil {
		return fmt.Errorf("loading %s: %w", name, err)
	}
	if text == nil {
		return nil
	}
	if err := json.Unmarshal(text, file); err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if *version != fileVersion {
		return fmt.Errorf("%s is of version %d, this program reads version %d", name, *version, fileVersion)
	}
	return nil
}

// closeOrphans closes insights that no watch holds open, because what was
// learned is lost.
func (s *Insights) closeOrphans() {
	for i, in := range s.kept {
		if in.Active() && s.watches[in.GroupARN] == nil {
			closed := *in
			closed.End = max(in.Updated, in.Start+tomo.Minute)
			s.kept[i] = &closed
		}
	}
}
