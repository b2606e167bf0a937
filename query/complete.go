package query

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
)

// CompletionQuestion asks how a filter expression may go on.
type CompletionQuestion struct {
	Text   string
	Cursor int         // bytes of Text before the cursor
	Window tomo.Window // whose traces the values are taken from
	Groups []tomo.Group
	Limit  int // suggestions; 0: 50
}

// Completion is the answer: what may take the place of some bytes of the text.
type Completion struct {
	From, To    int
	Suggestions []Suggestion
}

// Suggestion is a way to go on.
type Suggestion struct {
	Text  string // to put there
	Label string // to show
	Kind  SuggestionKind
	Doc   string // what it means; "" if the label says it
	Count int64  // traces that have it, of those looked at; 0: not known
}

// SuggestionKind says what is suggested.
type SuggestionKind string

const (
	SuggestKeyword  SuggestionKind = "keyword"
	SuggestOperator SuggestionKind = "operator" // also AND, OR and punctuation
	SuggestService  SuggestionKind = "service"
	SuggestKey      SuggestionKind = "key"
	SuggestValue    SuggestionKind = "value"
	SuggestGroup    SuggestionKind = "group"
)

// What a completion takes, at the most. Words are taken from the newest traces
// of the window. If none of them goes on as what was typed, all traces are
// searched for a while: that finds rare values, but no keys.
const (
	wordTraces    = 10_000
	wordTime      = 50 * time.Millisecond
	wordAge       = 15 * time.Second // how old words may be
	wordWindows   = 8                // for so many windows
	searchTime    = 40 * time.Millisecond
	searchTraces  = 200
	maxSuggested  = 200
	fewSuggestion = 50
)

// Complete answers q. Words of traces come from the newest 10,000 of the
// window, or as many as 50 ms allow, and are kept for 15 seconds. They come the
// most frequent first, after those keywords that begin with what was typed come
// those that contain it.
func (e *Engine) Complete(ctx context.Context, q CompletionQuestion) (*Completion, error) {
	if q.Limit == 0 {
		q.Limit = fewSuggestion
	}
	if q.Limit < 1 || q.Limit > maxSuggested {
		return nil, invalid("a completion has 1 to %d suggestions, not %d", maxSuggested, q.Limit)
	}
	place := filter.Complete(q.Text, q.Cursor)
	c := completing{CompletionQuestion: &q, engine: e, typed: place.Typed, seen: map[string]bool{}}
	for _, w := range place.Wants {
		if err := c.suggest(ctx, &w); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(c.list, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	answer := &Completion{From: place.From, To: place.To}
	for _, s := range c.list[:min(len(c.list), q.Limit)] {
		answer.Suggestions = append(answer.Suggestions, s.Suggestion)
	}
	return answer, nil
}

// completing gathers suggestions.
type completing struct {
	*CompletionQuestion
	engine *Engine
	typed  string
	list   []ranked
	seen   map[string]bool // texts of the list
}

// ranked is a suggestion with how well it goes on as what was typed.
type ranked struct {
	Suggestion
	rank int
}

// add adds a suggestion if it has what was typed in it, in any case.
func (c *completing) add(s Suggestion) {
	label, typed := strings.ToLower(s.Label), strings.ToLower(c.typed)
	r := ranked{Suggestion: s}
	switch at := strings.Index(label, typed); {
	case at < 0 || c.seen[s.Text]:
		return
	case at > 0 && label[at-1] == '.':
		r.rank = 1 // status, of http.status
	case at > 0:
		r.rank = 2
	}
	c.seen[s.Text] = true
	c.list = append(c.list, r)
}

func (c *completing) suggest(ctx context.Context, w *filter.Want) error {
	switch w.Kind {
	case filter.KeywordWanted:
		c.keywords(w.Scope)
	case filter.ConnectiveWanted:
		c.operators("AND", "OR")
		if c.typed != "" {
			c.keywords(w.Scope)
		}
	case filter.OperatorWanted:
		for _, op := range w.Operators() {
			c.operators(op.String())
		}
	case filter.MarkWanted:
		c.operators(w.Mark)
	case filter.IDFieldWanted:
		for field, name := range map[filter.IDFields]string{filter.ByName: "name", filter.ByType: "type", filter.ByAccount: "account.id"} {
			if w.Given&field == 0 {
				c.add(Suggestion{Text: name + ": ", Label: name, Kind: SuggestKeyword})
			}
		}
		slices.SortFunc(c.list, func(a, b ranked) int { return cmp.Compare(a.Label, b.Label) })
	default:
		return c.data(ctx, w)
	}
	return nil
}

// keywords suggests those that may stand in a scope, written so far that only
// what is the user's is missing.
func (c *completing) keywords(in filter.Scope) {
	words := filter.Keywords()
	for i := range words {
		k := &words[i]
		if !k.Allowed(in) {
			continue
		}
		text := k.Name
		switch k.Type {
		case filter.Number, filter.String:
			text += " "
		case filter.Annotation:
			text += "."
		case filter.ServiceTest, filter.EdgeTest:
			text += "("
		case filter.CauseTest:
			text += " { "
		case filter.CauseMatch:
			text += " = #["
		case filter.GroupTest:
			text += " = "
		}
		c.add(Suggestion{Text: text, Label: k.Name, Kind: SuggestKeyword, Doc: k.Doc})
	}
}

func (c *completing) operators(list ...string) {
	for _, op := range list {
		text := op
		if op != "(" && op != ")" && op != "#" {
			text += " "
		}
		c.add(Suggestion{Text: text, Label: op, Kind: SuggestOperator})
	}
}

// data suggests what is in the traces.
func (c *completing) data(ctx context.Context, w *filter.Want) error {
	if c.groups(w) || c.booleans(w) {
		return nil
	}
	of, kind, ok := wantedWords(w)
	if !ok {
		return nil
	}
	words, err := c.engine.vocabulary(ctx, c.Window)
	if err != nil {
		return err
	}
	before := len(c.list)
	for _, word := range words[of] {
		c.word(of, kind, word.value, word.count)
	}
	if len(c.list) == before && len(c.typed) > 1 {
		err = c.search(ctx, w, of, kind)
	}
	if w.Kind == filter.NodeWanted {
		c.add(Suggestion{Text: "id(", Label: "id(", Kind: SuggestKeyword, Doc: "A service by its name, type and account."})
	}
	return err
}

func (c *completing) groups(w *filter.Want) bool {
	byARN := w.Field.Keyword == "group.arn"
	if w.Kind != filter.ValueWanted || !byARN && w.Field.Keyword != "group.name" {
		return false
	}
	for i := range c.Groups {
		name, doc := c.Groups[i].Name, c.Groups[i].Filter
		if byARN {
			name, doc = c.Groups[i].ARN, c.Groups[i].Name
		}
		c.add(Suggestion{Text: filter.Quote(tomo.Value{String: name}), Label: name, Kind: SuggestGroup, Doc: doc})
	}
	return true
}

func (c *completing) booleans(w *filter.Want) bool {
	if w.Kind != filter.ValueWanted || w.Field.Key != "" || typeOf(w.Field.Keyword) != filter.Boolean {
		return false
	}
	c.add(Suggestion{Text: "true", Label: "true", Kind: SuggestValue})
	c.add(Suggestion{Text: "false", Label: "false", Kind: SuggestValue})
	return true
}

func typeOf(keyword string) filter.Type {
	words := filter.Keywords()
	i := slices.IndexFunc(words, func(k filter.Keyword) bool { return k.Name == keyword })
	return words[i].Type
}

// wantedWords says whose values are wanted.
func wantedWords(w *filter.Want) (of Attribute, kind SuggestionKind, ok bool) {
	switch w.Kind {
	case filter.NodeWanted:
		return Attribute{Name: "service"}, SuggestService, true
	case filter.KeyWanted:
		return Attribute{Name: "annotations"}, SuggestKey, true
	case filter.IDValueWanted:
		name := map[filter.IDFields]string{filter.ByName: "service", filter.ByType: "type", filter.ByAccount: "account.id"}[w.Given]
		return Attribute{Name: name}, SuggestValue, true
	}
	switch {
	case w.Field.Key != "":
		return Attribute{keyed, w.Field.Key}, SuggestValue, true // of whoever's annotation
	case w.Field.Keyword == "name" && (w.Scope == filter.InTrace || w.Scope == filter.InService || w.Scope == filter.InCause):
		return Attribute{Name: "service"}, SuggestService, true
	case w.Field.Keyword == "name":
		return of, kind, false // of entities and exceptions, which only documents tell
	}
	ok = slices.ContainsFunc(attributes, func(a attribute) bool { return a.name == w.Field.Keyword })
	return Attribute{Name: w.Field.Keyword}, SuggestValue, ok
}

// word suggests a word of the traces.
func (c *completing) word(of Attribute, kind SuggestionKind, v tomo.Value, count int64) {
	s := Suggestion{Text: filter.Quote(v), Label: v.String, Kind: kind, Count: count}
	switch {
	case kind == SuggestKey:
		s.Text = filter.QuoteKey(v.String)
	case v.Kind == tomo.NumberValue:
		s.Label = strconv.FormatFloat(v.Number, 'f', -1, 64)
	case v.Kind == tomo.BoolValue:
		s.Label = s.Text
	}
	c.add(s)
}

// search looks for values that begin with what was typed in all traces of the
// window. It ends when there are enough or the time is over.
func (c *completing) search(ctx context.Context, w *filter.Want, of Attribute, kind SuggestionKind) error {
	field := filter.Field{Keyword: of.Name, Key: of.Key}
	row := attributeOf(of)
	switch {
	case of.Name == "service":
		field.Keyword = "name"
	case w.Kind == filter.KeyWanted || of.Name != keyed && typeOf(of.Name) != filter.String:
		return nil
	}
	begins := filter.Compare{Field: field, Op: filter.BeginsWith, Value: tomo.Value{String: c.typed}}
	a, err := c.engine.newAnalysis(&AnalysisQuestion{Window: c.Window, Sets: []filter.Expr{begins}, Attributes: []Attribute{of}})
	if err != nil {
		return err
	}
	g := a.newGathering(nil)
	limited, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	n := 0
	for s, err := range c.engine.store.Summaries(limited, c.Window, a.plans[0], tomo.Top) {
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			break
		}
		if err != nil {
			return fmt.Errorf("searching for %v: %w", begins, err)
		}
		g.add(s, 1)
		if n++; n == searchTraces {
			break
		}
	}
	for _, found := range g.counters[of].list() {
		if row.name == "service" || strings.HasPrefix(found.value.String, c.typed) {
			c.word(of, kind, found.value, 0)
		}
	}
	return nil
}

// vocabulary is the words of some traces, by attribute, the most frequent first.
type vocabulary map[Attribute][]frequent

// frequent is a value and how many traces have it.
type frequent struct {
	value tomo.Value
	count int64
}

// list gives the values of a counter, the most frequent first.
func (c *counter) list() (list []frequent) {
	c.each(func(v tomo.Value, t *tally) { list = append(list, frequent{v, t.sets[0].Total()}) })
	slices.SortFunc(list, func(a, b frequent) int { return cmp.Or(cmp.Compare(b.count, a.count), compareValues(a.value, b.value)) })
	return list
}

// vocabularies keeps the words of the windows that were asked about last.
type vocabularies struct {
	mu     sync.Mutex // guards recent
	recent []*keptWords
}

// keptWords is the words of one window. Whoever makes them holds the lock; the
// others wait, for no longer than it takes.
type keptWords struct {
	window tomo.Window
	mu     sync.Mutex // guards what follows
	made   time.Time
	words  vocabulary
}

// vocabulary gives the words of a window. A window that moves on with the clock
// is the same for a minute.
func (e *Engine) vocabulary(ctx context.Context, w tomo.Window) (vocabulary, error) {
	key := w
	if w.TimeRange != tomo.Always {
		key.Start, key.End = w.Start.StartOfMinute(), w.End.StartOfMinute()
	}
	kept := e.words.of(key)
	kept.mu.Lock()
	defer kept.mu.Unlock()
	if kept.words != nil && time.Since(kept.made) < wordAge {
		return kept.words, nil
	}
	words, err := e.readWords(ctx, w)
	if err != nil {
		return nil, err
	}
	if len(words) > 0 {
		kept.words, kept.made = words, time.Now()
	}
	return words, nil
}

func (v *vocabularies) of(w tomo.Window) *keptWords {
	v.mu.Lock()
	defer v.mu.Unlock()
	i := slices.IndexFunc(v.recent, func(k *keptWords) bool { return k.window == w })
	kept := &keptWords{window: w}
	if i >= 0 {
		kept = v.recent[i]
		v.recent = slices.Delete(v.recent, i, i+1)
	}
	v.recent = append([]*keptWords{kept}, v.recent...)
	v.recent = v.recent[:min(len(v.recent), wordWindows)]
	return kept
}

// readWords reads the words of the newest traces.
func (e *Engine) readWords(ctx context.Context, w tomo.Window) (vocabulary, error) {
	// Two sets of which differences are wanted: that reads every attribute.
	a, err := e.newAnalysis(&AnalysisQuestion{Window: w, Sets: []filter.Expr{nil, nil}, Differences: 1})
	if err != nil {
		return nil, err
	}
	g := a.newGathering(nil)
	until, n := time.Now().Add(wordTime), 0
	for s, err := range e.store.Summaries(ctx, w, filter.Plan{}, tomo.Top) {
		if err != nil {
			return nil, fmt.Errorf("reading words of traces: %w", err)
		}
		g.add(s, 1)
		if n++; n == wordTraces || n%64 == 0 && time.Now().After(until) {
			break
		}
	}
	words := vocabulary{}
	for of, c := range g.counters {
		if list := c.list(); len(list) > 0 {
			words[of] = list[:min(len(list), wordsKept)]
		}
	}
	return words, nil
}

// wordsKept is how many words of each attribute are kept.
const wordsKept = 2000
