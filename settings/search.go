package settings

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"sort"

	"github.com/tomotrace/tomo"
)

// Destination is where segments go. Tomo keeps all of them in its store either
// way; the names are the service's.
type Destination string

const (
	// DestinationXRay indexes every trace: each is found by a search.
	DestinationXRay Destination = "XRay"
	// DestinationLogs is what the service calls transaction search. Every trace is
	// kept and can be retrieved by its id, and counts in graphs; searches find the
	// share of them that the indexing rule names.
	DestinationLogs Destination = "CloudWatchLogs"
)

// DefaultIndexingRule is the name of the only indexing rule there is.
const DefaultIndexingRule = "Default"

// defaultIndexed is the share that is indexed if nobody says otherwise, in
// percent. Documented default of the service.
const defaultIndexed = 1

// Indexing says which traces searches find. It is a value that never changes.
type Indexing struct {
	Destination Destination
	Percentage  float64   // that the rule names, 0 to 100; it counts for DestinationLogs
	RuleChanged tomo.Time // 0: never
	// changes are the shares in force, in order of time. Before the first, all is
	// indexed.
	changes []indexingChange
}

type indexingChange struct {
	From       tomo.Time `json:"from"`
	Percentage float64   `json:"percentage"`
}

// maxIndexingChanges is how many changes are remembered; of traces older than
// all of them the oldest share known is said.
const maxIndexingChanges = 1000

// All reports whether every trace is and was indexed.
func (x *Indexing) All() bool { return len(x.changes) == 0 }

// Has reports whether the trace is found by searches. It is decided by the rule
// that was in force when the trace started, and by a hash of its id: of two shares
// the smaller is part of the larger.
func (x *Indexing) Has(trace tomo.Position) bool {
	at := sort.Search(len(x.changes), func(i int) bool { return x.changes[i].From > trace.Start })
	if at == 0 {
		return true
	}
	h := fnv.New64a()
	h.Write([]byte("indexing"))
	h.Write(trace.ID[:])
	// FNV's high bits are poor for short inputs; mix them.
	sum := h.Sum64()
	sum ^= sum >> 33
	sum *= 0xff51afd7ed558ccd
	sum ^= sum >> 33
	return float64(sum>>11)/(1<<53)*100 < x.changes[at-1].Percentage
}

// Indexing is what is in force. It must not be changed.
func (s *Settings) Indexing() *Indexing {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.indexing
}

// SetDestination chooses where segments go. X-Ray: choosing what is chosen
// already is refused.
func (s *Settings) SetDestination(ctx context.Context, d Destination) error {
	return s.changeIndexing(ctx, func(x *Indexing) error {
		if x.Destination == d {
			return invalid(fmt.Sprintf("The trace segment destination is %s already", d))
		}
		x.Destination = d
		return nil
	})
}

// SetIndexedPercentage changes the rule of that name. The error is NotFound if
// there is none, Invalid if the percentage is not from 0 to 100.
func (s *Settings) SetIndexedPercentage(ctx context.Context, rule string, percentage float64) error {
	if rule != DefaultIndexingRule {
		return &tomo.Error{Code: tomo.NotFound, Message: fmt.Sprintf("There is no indexing rule %q; the only one is %s", rule, DefaultIndexingRule)}
	}
	if math.IsNaN(percentage) || percentage < 0 || percentage > 100 {
		return invalid(fmt.Sprintf("DesiredSamplingPercentage is %v, not from 0 to 100", percentage))
	}
	return s.changeIndexing(ctx, func(x *Indexing) error {
		x.Percentage, x.RuleChanged = percentage, tomo.TimeOf(s.now())
		return nil
	})
}

// changeIndexing lets f change a copy of what is in force, and saves it.
func (s *Settings) changeIndexing(ctx context.Context, f func(*Indexing) error) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	x := *s.Indexing()
	if err := f(&x); err != nil {
		return err
	}
	before, now := 100.0, 100.0
	if n := len(x.changes); n > 0 {
		before = x.changes[n-1].Percentage
	}
	if x.Destination == DestinationLogs {
		now = x.Percentage
	}
	if now != before {
		x.changes = append(slices.Clone(x.changes), indexingChange{tomo.TimeOf(s.now()), now})
		x.changes = x.changes[max(0, len(x.changes)-maxIndexingChanges):]
	}
	if err := s.write(ctx, indexingName, indexingFile{indexingVersion, x.Destination, x.Percentage, x.RuleChanged, x.changes}); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.indexing = &x
	return nil
}

// The file of the indexing is JSON; docs/storage-format.md describes it.
const (
	indexingName    = "indexing"
	indexingVersion = 1
)

type indexingFile struct {
	Version     int              `json:"version"`
	Destination Destination      `json:"destination"`
	Percentage  float64          `json:"percentage"`
	RuleChanged tomo.Time        `json:"ruleChanged,omitempty"`
	Changes     []indexingChange `json:"changes,omitempty"`
}

func (s *Settings) loadIndexing(ctx context.Context) error {
	file := indexingFile{Destination: DestinationXRay, Percentage: defaultIndexed}
	if err := s.load(ctx, indexingName, &file, &file.Version, indexingVersion); err != nil {
		return err
	}
	s.indexing = &Indexing{file.Destination, file.Percentage, file.RuleChanged, file.Changes}
	return nil
}
