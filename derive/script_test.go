package derive_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
	"github.com/tomotrace/tomo/internal/testkit"
)

// TestScripts runs testdata/*.txt. A file is blocks with an empty line between
// them. A block that begins with "trace" gives documents, see script.add; the
// blocks after it ask about that trace, with the answer below "----":
//
//	summary   what derive.Summary says
//	detail    what derive.Detail adds to that, without the causes
//	causes    the root causes of derive.Detail
//	graph     derive.Graph of that summary
//	shown     the segments of derive.Trace, as an outline
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, string(text))
			if testkit.Rewrite() {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(strings.Split(string(text), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", file, diff)
			}
		})
	}
}

// runScript returns the script with the answers that it gets.
func runScript(t *testing.T, text string) string {
	blocks := strings.Split(strings.TrimSpace(text), "\n\n")
	var s script
	for i, block := range blocks {
		lines := strings.Split(block, "\n")
		var answer string
		switch word, _, _ := strings.Cut(lines[0], " "); word {
		case "#":
			continue
		case "trace":
			s = script{received: second(2)}
			for _, line := range lines[1:] {
				s.add(t, line)
			}
			s.finish()
			continue
		case "summary":
			answer = summaryText(derive.Summary(s.id(), s.documents))
		case "detail":
			answer = detailText(derive.Detail(s.id(), s.documents))
		case "causes":
			answer = causesText(derive.Detail(s.id(), s.documents).RootCauses)
		case "graph":
			answer = graphText(derive.Graph(derive.Summary(s.id(), s.documents)))
		case "shown":
			answer = shownText(t, derive.Trace(s.id(), s.documents))
		default:
			t.Fatalf("unknown question %q", lines[0])
		}
		blocks[i] = lines[0] + "\n----\n" + strings.TrimSpace(answer)
	}
	return strings.Join(blocks, "\n\n") + "\n"
}

// epoch is 0 in the scripts.
const epoch = tomo.Time(1700000000e6)

func second(n int) tomo.Time { return epoch + tomo.Time(n)*1e6 }

// script is a trace that is being written down.
type script struct {
	documents []tomo.RawDocument
	received  tomo.Time
	open      []map[string]any // the entities that the next line may be embedded in
}

func (s *script) id() tomo.TraceID {
	id, _ := tomo.ParseTraceID(scriptTrace)
	return id
}

const scriptTrace = "1-6553f100-0123456789abcdef01234567"

// add adds a line:
//
//	{"id": …}                  a document as it is
//	at 3                       what follows was received in second 3 (the first is 2)
//	a1 shop 0-900 word …       a segment a1 named shop, from 0 to 900 ms, then words
//	  a2 pay 80- word …        indented: a subsegment embedded in a1, open
//	b1 < a2 shop 0-900 …       a segment whose parent is a2; with the word sub an independent subsegment
//
// A start of @-1 is in seconds since 1970. The words are remote, aws, local, sql, sub, fault,
// error, throttle, inferred, traced, a status, throws=id:type:message for an exception, cause=id
// for a reference to one, or a=b, where a may be a path and ~ in b is a space.
func (s *script) add(t *testing.T, line string) {
	trimmed := strings.TrimLeft(line, " ")
	if strings.HasPrefix(trimmed, "#") {
		return
	}
	if strings.HasPrefix(trimmed, "{") {
		s.finish()
		s.documents = append(s.documents, tomo.RawDocument{Text: []byte(trimmed), Received: s.received})
		return
	}
	words := strings.Fields(trimmed)
	if words[0] == "at" {
		s.finish()
		n, err := strconv.Atoi(words[1])
		if err != nil {
			t.Fatal(line, err)
		}
		s.received = second(n)
		return
	}
	e := map[string]any{"id": longID(words[0])}
	if words = words[1:]; words[0] == "<" {
		e["parent_id"] = longID(words[1])
		words = words[2:]
	}
	e["name"] = strings.ReplaceAll(words[0], "~", " ")
	at := strings.LastIndexByte(words[1], '-')
	e["start_time"] = scriptTime(words[1][:at])
	if end := words[1][at+1:]; end != "" {
		e["end_time"] = scriptTime(end)
	} else {
		e["in_progress"] = true
	}
	for _, word := range words[2:] {
		switch word {
		case "remote", "aws", "local":
			e["namespace"] = word
		case "sql":
			e["sql"] = map[string]any{"sanitized_query": "select 1"}
		case "sub":
			e["type"] = "subsegment"
		case "fault", "error", "throttle", "inferred":
			e[word] = true
		case "traced":
			set(e, "http.request.traced", true)
		default:
			key, value, found := strings.Cut(word, "=")
			if !found {
				status, err := strconv.Atoi(word)
				if err != nil {
					t.Fatalf("%s: unknown word %q", line, word)
				}
				set(e, "http.response.status", status)
				continue
			}
			switch key {
			case "throws":
				throw(e, value)
				continue
			case "cause":
				value = longID(value)
			}
			var v any = strings.ReplaceAll(value, "~", " ")
			if json.Unmarshal([]byte(value), new(any)) == nil && strings.HasPrefix(key, "annotations.") {
				v = json.RawMessage(value)
			}
			set(e, key, v)
		}
	}
	if depth := (len(line) - len(trimmed)) / 2; depth > 0 {
		s.open = s.open[:depth]
		parent := s.open[depth-1]
		list, _ := parent["subsegments"].([]any)
		parent["subsegments"] = append(list, e)
		s.open = append(s.open, e)
		return
	}
	s.finish()
	e["trace_id"] = scriptTrace
	s.open = []map[string]any{e}
}

// finish turns the open document into its text.
func (s *script) finish() {
	if len(s.open) == 0 {
		return
	}
	text, err := json.Marshal(s.open[0])
	if err != nil {
		panic(err)
	}
	s.documents = append(s.documents, tomo.RawDocument{Text: text, Received: s.received})
	s.open = nil
}

// throw adds the exception id:type:message to e.
func throw(e map[string]any, exception string) {
	id, rest, _ := strings.Cut(strings.ReplaceAll(exception, "~", " "), ":")
	kind, message, _ := strings.Cut(rest, ":")
	cause, _ := e["cause"].(map[string]any)
	list, _ := cause["exceptions"].([]any)
	e["cause"] = map[string]any{"exceptions": append(list, map[string]any{"id": longID(id), "type": kind, "message": message})}
}

func set(e map[string]any, path string, v any) {
	head, tail, nested := strings.Cut(path, ".")
	if !nested {
		e[head] = v
		return
	}
	inner, _ := e[head].(map[string]any)
	if inner == nil {
		inner = map[string]any{}
		e[head] = inner
	}
	set(inner, tail, v)
}

func scriptTime(s string) json.Number {
	if absolute, found := strings.CutPrefix(s, "@"); found {
		return json.Number(absolute)
	}
	ms, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return json.Number(strconv.FormatFloat(epoch.Seconds()+ms/1e3, 'f', 6, 64))
}

func longID(short string) string { return strings.Repeat("0", 16-len(short)) + short }

// The answers as text. Times are milliseconds since the epoch of the scripts,
// unless a unit is there.

func timeText(t tomo.Time) string {
	if t < epoch-1e6*3600 {
		return fmt.Sprintf("@%g", t.Seconds())
	}
	return strconv.FormatFloat(float64(t-epoch)/1e3, 'f', -1, 64)
}

func durationText(d time.Duration) string {
	if d == tomo.Absent {
		return "absent"
	}
	return strconv.FormatFloat(float64(d)/1e6, 'f', -1, 64)
}

func receiptText(t tomo.Time) string { return fmt.Sprintf("%gs", float64(t-epoch)/1e6) }

func outcomeText(o tomo.Outcome) string {
	return []string{"ok", "error", "throttle", "fault"}[o]
}

func idText(id tomo.NodeID) string {
	text := id.Name
	if id.Type != "" {
		text += " (" + id.Type + ")"
	}
	if id.Account != "" {
		text += " of " + id.Account
	}
	return text
}

func stateText(s tomo.State) string { return []string{"active", "unknown", "passive"}[s] }

func nodeText(n *tomo.Node) string {
	text := idText(n.NodeID) + " " + stateText(n.State)
	if n.Root {
		text += " root"
	}
	if n.Region != "" {
		text += " in " + n.Region
	}
	return text
}

func summaryText(s *tomo.Summary) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "start %s, began %s, duration %s, response %s", timeText(s.Start), timeText(s.Began), durationText(s.Duration), durationText(s.ResponseTime))
	writeIf(&b, s.HasFault, " fault")
	writeIf(&b, s.HasError, " error")
	writeIf(&b, s.HasThrottle, " throttle")
	writeIf(&b, s.IsPartial, " partial")
	fmt.Fprintf(&b, "\nreceived %s, revision %d, documents %d\n", receiptText(s.Received), s.Revision, s.Documents)
	if s.HTTP != (tomo.HTTP{}) {
		fmt.Fprintln(&b, "http", strings.Join(strings.Fields(fmt.Sprintf("%s %s %d %s %s", s.HTTP.Method, s.HTTP.URL, s.HTTP.Status, s.HTTP.ClientIP, s.HTTP.UserAgent)), " "))
	}
	if s.EntryPoint >= 0 {
		fmt.Fprintln(&b, "entry", idText(s.Nodes[s.EntryPoint].NodeID))
	}
	for i := range s.Nodes {
		fmt.Fprintln(&b, "node", nodeText(&s.Nodes[i]))
	}
	for _, u := range s.Units {
		fmt.Fprintf(&b, "unit %s: %s %s", idText(s.Nodes[u.Node].NodeID), timeText(u.Start), durationText(u.ResponseTime))
		if u.Duration != u.ResponseTime {
			fmt.Fprintf(&b, " of %s", durationText(u.Duration))
		}
		fmt.Fprintf(&b, " %s", outcomeText(u.Outcome))
		if u.Status != 0 {
			fmt.Fprintf(&b, " %d", u.Status)
		}
		fmt.Fprintf(&b, " at %s", receiptText(u.Received))
		writeIf(&b, u.Inferred, " inferred")
		writeIf(&b, u.Open, " open")
		b.WriteByte('\n')
	}
	for _, c := range s.Calls {
		fmt.Fprintf(&b, "call %s -> %s: %s %s", idText(s.Nodes[c.From].NodeID), idText(s.Nodes[c.To].NodeID), durationText(c.ResponseTime), outcomeText(c.Outcome))
		if c.Status != 0 {
			fmt.Fprintf(&b, " %d", c.Status)
		}
		fmt.Fprintf(&b, " at %s", receiptText(c.Received))
		if c.AliasName != "" || c.AliasType != "" {
			fmt.Fprintf(&b, " as %s", idText(tomo.NodeID{Name: c.AliasName, Type: c.AliasType}))
		}
		writeIf(&b, c.Open, " open")
		b.WriteByte('\n')
	}
	names := func(nodes []int) string {
		var list []string
		for _, i := range nodes {
			list = append(list, idText(s.Nodes[i].NodeID))
		}
		return strings.Join(list, ", ")
	}
	for _, a := range s.Annotations {
		fmt.Fprintf(&b, "annotation %s = %s of %s\n", a.Key, valueText(a.Value), names(a.Nodes))
	}
	for _, u := range s.Users {
		fmt.Fprintf(&b, "user %s of %s\n", u.Name, names(u.Nodes))
	}
	writeIf(&b, len(s.ResourceARNs) > 0, "arn "+strings.Join(s.ResourceARNs, " ")+"\n")
	writeIf(&b, len(s.InstanceIDs) > 0, "instance "+strings.Join(s.InstanceIDs, " ")+"\n")
	writeIf(&b, len(s.AvailabilityZones) > 0, "zone "+strings.Join(s.AvailabilityZones, " ")+"\n")
	return b.String()
}

func detailText(d *tomo.Detail) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "root unit %d", d.RootUnit)
	writeIf(&b, d.Incomplete, ", incomplete")
	b.WriteByte('\n')
	for i, u := range d.UnitDetails {
		fmt.Fprintf(&b, "unit %d %s:%s", i, idText(d.Nodes[d.Units[i].Node].NodeID), httpText(u.HTTP))
		for _, a := range u.Annotations {
			fmt.Fprintf(&b, " %s=%s", a.Key, valueText(a.Value))
		}
		for _, list := range []struct {
			of     string
			values []string
		}{{"user", u.Users}, {"arn", u.ResourceARNs}, {"instance", u.InstanceIDs}, {"zone", u.AvailabilityZones}} {
			if len(list.values) > 0 {
				fmt.Fprintf(&b, " %s %s", list.of, strings.Join(list.values, ","))
			}
		}
		b.WriteByte('\n')
	}
	for i, c := range d.CallDetails {
		to := d.Calls[i]
		fmt.Fprintf(&b, "call %s -> %s: unit %d to unit %d,", idText(d.Nodes[to.From].NodeID), idText(d.Nodes[to.To].NodeID), c.Caller, c.Callee)
		fmt.Fprintf(&b, " %s of %s%s", durationText(to.ResponseTime), durationText(c.Duration), httpText(c.HTTP))
		writeIf(&b, c.InProgress, " in progress")
		b.WriteByte('\n')
	}
	return b.String()
}

func httpText(h tomo.HTTP) string {
	text := ""
	for _, word := range []string{h.Method, h.URL, h.ClientIP, h.UserAgent} {
		if word != "" {
			text += " " + word
		}
	}
	if h.Status != 0 {
		text += fmt.Sprintf(" %d", h.Status)
	}
	return text
}

func causesText(c tomo.RootCauses) string {
	var b bytes.Buffer
	for _, kind := range []struct {
		name   string
		causes []tomo.RootCause
	}{{"fault", c.Fault}, {"error", c.Error}, {"response time", c.ResponseTime}} {
		for _, cause := range kind.causes {
			b.WriteString(kind.name)
			writeIf(&b, cause.ClientImpacting, ", the client felt it")
			b.WriteByte('\n')
			for _, service := range cause.Services {
				b.WriteString("  " + idText(service.NodeID))
				writeIf(&b, service.Inferred, " inferred")
				for i, e := range service.EntityPath {
					b.WriteString([]string{": ", " > "}[min(i, 1)] + e.Name)
					writeIf(&b, e.Remote, " remote")
					writeIf(&b, e.Coverage != 0, fmt.Sprintf(" %g", e.Coverage))
					for _, x := range e.Exceptions {
						fmt.Fprintf(&b, " [%s: %s]", x.Name, x.Message)
					}
				}
				b.WriteByte('\n')
			}
		}
	}
	if b.Len() == 0 {
		return "none"
	}
	return b.String()
}

func valueText(v tomo.Value) string {
	switch v.Kind {
	case tomo.StringValue:
		return strconv.Quote(v.String)
	case tomo.NumberValue:
		return strconv.FormatFloat(v.Number, 'g', -1, 64)
	default:
		return strconv.FormatBool(v.Bool)
	}
}

func statisticsText(s *tomo.Statistics) string {
	return fmt.Sprintf("%d requests: ok %d, error %d, throttle %d, fault %d, time %s", s.Total(), s.OK, s.Error, s.Throttle, s.Fault, durationText(s.TotalResponseTime))
}

func binsText(h *tomo.Histogram) string {
	var list []string
	for _, bin := range h.Bins() {
		list = append(list, fmt.Sprintf("%d×%d", bin.Count, bin.Value))
	}
	return strings.Join(list, " ")
}

func graphText(g *tomo.ServiceGraph) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "first %s, last %s\n", timeText(g.First), timeText(g.Last))
	for i := range g.Services {
		n := &g.Services[i]
		fmt.Fprintf(&b, "node %s, %s..%s\n", nodeText(&n.Node), timeText(n.First), timeText(n.Last))
		if n.Statistics.Total() > 0 {
			fmt.Fprintf(&b, "  %s, response times %s, durations %s\n", statisticsText(&n.Statistics), binsText(&n.ResponseTimeHistogram), binsText(&n.DurationHistogram))
		}
		for j := range g.Edges {
			e := &g.Edges[j]
			if e.From != i {
				continue
			}
			fmt.Fprintf(&b, "  -> %s: %s, response times %s", idText(g.Services[e.To].NodeID), statisticsText(&e.Statistics), binsText(&e.ResponseTimeHistogram))
			for _, a := range e.Aliases {
				fmt.Fprintf(&b, ", as %s", idText(tomo.NodeID{Name: a.Name, Type: a.Type}))
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// shown is what the outline looks at in a document.
type shown struct {
	ID         string  `json:"id"`
	Name       string  `json:"name"`
	Start      float64 `json:"start_time"`
	End        float64 `json:"end_time"`
	InProgress bool    `json:"in_progress"`
	Parent     string  `json:"parent_id"`
	TraceID    string  `json:"trace_id"`
	Type       string  `json:"type"`
	Inferred   bool    `json:"inferred"`
	Origin     string  `json:"origin"`
	Namespace  string  `json:"namespace"`
	Fault      bool    `json:"fault"`
	Error      bool    `json:"error"`
	Throttle   bool    `json:"throttle"`
	Children   []shown `json:"subsegments"`
}

func shownText(t *testing.T, trace *tomo.Trace) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "duration %s\n", durationText(trace.Duration))
	for _, segment := range trace.Segments {
		var s shown
		if err := json.Unmarshal(segment.Document, &s); err != nil {
			t.Fatalf("%s: %v", segment.Document, err)
		}
		if s.ID != segment.ID.String() || s.TraceID != trace.ID.String() {
			t.Errorf("segment %v of %v is shown as %s", segment.ID, trace.ID, segment.Document)
		}
		s.write(&b, 0)
	}
	return b.String()
}

func (s *shown) write(b *bytes.Buffer, depth int) {
	id := strings.TrimLeft(s.ID, "0")
	if s.Inferred && len(id) > 8 {
		id = "*" // made up for the callee
	}
	fmt.Fprintf(b, "%s%s", strings.Repeat("  ", depth), id)
	if s.Parent != "" {
		fmt.Fprintf(b, " < %s", strings.TrimLeft(s.Parent, "0"))
	}
	fmt.Fprintf(b, " %s %s-", s.Name, timeText(tomo.Seconds(s.Start)))
	if !s.InProgress {
		b.WriteString(timeText(tomo.Seconds(s.End)))
	}
	writeIf(b, s.Inferred, " inferred")
	for _, word := range []string{s.Type, s.Namespace} {
		if word != "" {
			b.WriteString(" " + word)
		}
	}
	writeIf(b, s.Fault, " fault")
	writeIf(b, s.Error, " error")
	writeIf(b, s.Throttle, " throttle")
	writeIf(b, s.Origin != "", " "+s.Origin)
	writeIf(b, depth > 0 && s.TraceID != "", " WITH A TRACE ID")
	b.WriteByte('\n')
	for i := range s.Children {
		child := &s.Children[i]
		if child.Name == "QueueTime" {
			child.ID = ""
		}
		child.write(b, depth+1)
	}
}

func writeIf(b *bytes.Buffer, is bool, text string) {
	if is {
		b.WriteString(text)
	}
}
