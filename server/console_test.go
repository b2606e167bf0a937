package server_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/client"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/identity"
	"github.com/tomotrace/tomo/server"
)

// ask asks the console's API.
func (d *door) ask(path, body string, header ...string) answer {
	d.t.Helper()
	return d.do("POST", path, body, append([]string{"Content-Type", "application/json"}, header...)...)
}

// putSales stores traces of a shop: one of four fails, by the new version.
func (d *door) putSales(n int) {
	var docs []string
	for i := range n {
		version, rest := 1, `"http":{"request":{"method":"GET","url":"https://shop.example.com/"},"response":{"status":200}}`
		if i%4 == 0 {
			version, rest = 2, `"fault":true,"cause":{"exceptions":[{"id":"e000000000000001","type":"Timeout","message":"too slow"}]},"http":{"request":{"method":"POST","url":"https://shop.example.com/pay"},"response":{"status":503}}`
		}
		docs = append(docs, fmt.Sprintf(`{"trace_id":"1-6553f100-%024x","id":"%016x","name":"shop","start_time":%d,"end_time":%d.%d,"annotations":{"version":%d},%s}`,
			i+1, i+1, 1700000000+i, 1700000000+i, 100+i, version, rest))
	}
	d.put(docs...)
}

func TestAnalysis(t *testing.T) {
	d := open(t, server.Options{})
	d.putSales(8)
	d.post("/CreateGroup", `{"GroupName":"paying","FilterExpression":"http.method = \"POST\""}`)
	const window = `{"StartTime":1700000000,"EndTime":1700000010`
	t.Run("whole", func(t *testing.T) {
		body := window + `,"FilterExpression":"duration > 0","Compare":"fault","Attributes":["http.status","annotation.version","rootcause.fault.service"],"Top":1,"Buckets":2,"Dots":250,"Differences":3}`
		got := d.ask(api.AskAnalysis.Path, body)
		var a, want api.Analysis
		if err := json.Unmarshal([]byte(got.body), &a); err != nil || got.status != 200 || got.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %s: %v", got.status, got.body, err)
		}
		if err := json.Unmarshal([]byte(salesAnalysis), &want); err != nil {
			t.Fatal(err)
		}
		for i := range a.Sets { // their figures are checked below
			if len(a.Sets[i].Dots) != int(a.Sets[i].TotalCount) || len(a.Sets[i].ResponseTime.Histogram) != int(a.Sets[i].TotalCount) {
				t.Errorf("set %d has the dots %v and bars %v", i, a.Sets[i].Dots, a.Sets[i].ResponseTime.Histogram)
			}
			a.Sets[i].Duration, a.Sets[i].ResponseTime.Histogram = api.AnalysisTimes{}, nil
			if i > 0 {
				a.Sets[i].Dots = nil
			} else {
				a.Sets[i].Dots = a.Sets[i].Dots[:1]
			}
		}
		if diff := cmp.Diff(want, a); diff != "" {
			text, _ := json.MarshalIndent(a, "", "\t")
			t.Errorf("%s\n(-want +got):\n%s\ngot %s", body, diff, text)
		}
	})
	t.Run("group", func(t *testing.T) {
		for body, want := range map[string][2]int64{
			window + `,"GroupName":"paying"}`: {2, 8}, window + `,"GroupName":"Default"}`: {8, 8},
			window + `,"GroupName":"paying","FilterExpression":"ok"}`:                           {0, 8},
			window + `,"GroupName":"paying","FilterExpression":"fault AND http.status = 503"}`:  {2, 8},
			`{"StartTime":1700000001,"EndTime":1700000006,"FilterExpression":"fault OR error"}`: {1, 5},
			window + `,"TimeRangeType":"Event","Measure":"Duration"}`:                           {8, 8},
		} {
			var a api.Analysis
			if got := d.ask(api.AskAnalysis.Path, body); json.Unmarshal([]byte(got.body), &a) != nil || len(a.Sets) != 1 || a.Sets[0].TotalCount != want[0] || a.TotalCount != want[1] {
				t.Errorf("%s: %d %s; want %d of %d", body, got.status, got.body, want[0], want[1])
			}
		}
	})
	t.Run("two times", func(t *testing.T) {
		body := `{"StartTime":1700000005,"EndTime":1700000010,"Compare":"ok","CompareStartTime":1700000000,"CompareEndTime":1700000006,"Buckets":10}`
		var a api.Analysis
		if got := d.ask(api.AskAnalysis.Path, body); json.Unmarshal([]byte(got.body), &a) != nil || len(a.Sets) != 2 {
			t.Fatalf("%d %s", got.status, got.body)
		}
		// Traces begin each second from 1700000000 on; the first and the fifth are faults.
		if a.TotalCount != 3 || a.Sets[0].TotalCount != 3 || a.Sets[0].WindowCount != 3 || a.Sets[1].TotalCount != 4 || a.Sets[1].WindowCount != 6 || a.BothCount != 1 {
			t.Errorf("%+v", a)
		}
		if *a.BucketWidth != 1 || len(a.Sets[0].Series) != 5 || len(a.Sets[1].Series) != 6 || a.Sets[1].Series[0].Time != 1700000000 {
			t.Errorf("series of %v s: %v and %v", *a.BucketWidth, a.Sets[0].Series, a.Sets[1].Series)
		}
	})
	t.Run("traces", func(t *testing.T) {
		for body, want := range map[string]string{
			`,"Traces":3`: "8 7 6", `,"Traces":2,"Order":"Oldest","FilterExpression":"fault"`: "1 5",
			`,"Traces":3,"Order":"Slowest","Measure":"Duration"`: "8 7 6", `,"Traces":2,"Order":"Fastest"`: "1 2",
			`,"Traces":2,"Order":"Fastest","FilterExpression":"ok","Compare":"fault"`: "2 3 | 1 5",
		} {
			var a api.Analysis
			got := d.ask(api.AskAnalysis.Path, window+body+"}")
			if err := json.Unmarshal([]byte(got.body), &a); err != nil || got.status != 200 {
				t.Fatalf("%s: %d %s", body, got.status, got.body)
			}
			var sets []string
			for _, set := range a.Sets {
				var ids []string
				for _, trace := range set.Traces {
					ids = append(ids, strings.TrimLeft(trace.ID[11:], "0-"))
					if trace.ResponseTime == nil || trace.HTTP.HTTPMethod == nil {
						t.Errorf("%s: %s is told without its times or request", body, trace.ID)
					}
				}
				sets = append(sets, strings.Join(ids, " "))
			}
			if got := strings.Join(sets, " | "); got != want {
				t.Errorf("%s lists %s, want %s", body, got, want)
			}
		}
	})
	t.Run("thousands of years", func(t *testing.T) { // a bucket is longer than a time.Duration can be
		var a api.Analysis
		if got := d.ask(api.AskAnalysis.Path, `{"StartTime":0,"EndTime":1e11,"Buckets":4}`); json.Unmarshal([]byte(got.body), &a) != nil || len(a.Sets) != 1 {
			t.Fatalf("%d %s", got.status, got.body)
		}
		if w := a.BucketWidth; w == nil || *w*4 < 1e11 || *w > 1e11 || a.Sets[0].Series[0].TotalCount != a.TotalCount || a.TotalCount == 0 {
			t.Errorf("series of %v s: %v", w, a.Sets[0].Series)
		}
	})
	t.Run("refused", func(t *testing.T) {
		for _, tt := range []struct{ body, want string }{
			{window + `,"Order":"Best"}`, "ValidationException: 1 validation error detected: Value 'Best' at 'order' failed to satisfy constraint: Member must satisfy enum value set: [Newest, Oldest, Slowest, Fastest]"},
			{window + `,"Traces":1001}`, "ValidationException: 1 validation error detected: Value '1001' at 'traces' failed to satisfy constraint: Member must have value less than or equal to 1000"},

			{`[]`, "SerializationException: START_ARRAY can not be converted to a Structure"},
			{window, "SerializationException: the body ends inside its JSON"},
			{window + `} {}`, "SerializationException: the body is not JSON: invalid character '{' after top-level value"},
			{window + `,"Filter":"fault"}`, `InvalidRequestException: the request has no member "Filter"`},
			{`{}`, "ValidationException: 2 validation errors detected: Value null at 'startTime' failed to satisfy constraint: Member must not be null; Value null at 'endTime' failed to satisfy constraint: Member must not be null"},
			{window + `,"Measure":"Length"}`, "ValidationException: 1 validation error detected: Value 'Length' at 'measure' failed to satisfy constraint: Member must satisfy enum value set: [ResponseTime, Duration]"},
			{window + `,"Compare":"falt"}`, "InvalidRequestException: Compare: Error Location: line 1, position 1 : Invalid input symbol: 'falt'. It is not a keyword; the nearest is fault."},
			{window + `,"GroupName":"nobody"}`, "InvalidRequestException: Group not found."},
			{window + `,"Top":1001}`, "ValidationException: 1 validation error detected: Value '1001' at 'top' failed to satisfy constraint: Member must have value less than or equal to 1000"},
			{window + `,"Dots":100}`, "InvalidRequestException: Dots is 100; a scatter plot has 250 at least"},
			{window + `,"Dots":"1"}`, "SerializationException: STRING_VALUE can not be converted to an Integer"},
			{window + `,"Compare":"","CompareStartTime":1}`, "InvalidRequestException: CompareStartTime and CompareEndTime come together"},
			{window + `,"CompareStartTime":1,"CompareEndTime":2}`, "InvalidRequestException: CompareStartTime and CompareEndTime are the time of a second set: give Compare, too"},
			{window + `,"Compare":"","CompareStartTime":2,"CompareEndTime":1}`, "InvalidRequestException: CompareEndTime cannot be earlier than CompareStartTime"},
			{`{"StartTime":2,"EndTime":1}`, "InvalidRequestException: End time cannot be earlier than start time"},
		} {
			d.ask(api.AskAnalysis.Path, tt.body).want(t, tt.body, tt.want)
		}
		if a := d.ask(api.AskAnalysis.Path, window+`,"Attributes":["color"]}`); a.status != 400 || !strings.Contains(a.body, `\"color\" is not an attribute; there are outcome, `) {
			t.Errorf("an unknown attribute: %d %s", a.status, a.body)
		}
		if a := d.do("GET", api.AskAnalysis.Path, ""); a.status != 405 || a.header.Get("Allow") != "POST" {
			t.Errorf("GET: %d %s", a.status, a.body)
		}
		// Pages of other sites can send forms and texts, but not this type.
		if a := d.do("POST", api.AskAnalysis.Path, window+"}", "Content-Type", "text/plain"); a.status != 415 {
			t.Errorf("as text: %d %s", a.status, a.body)
		}
		if a := d.ask(api.AskAnalysis.Path, strings.Repeat(" ", 70_000)); a.status != 413 {
			t.Errorf("70,000 bytes: %d %s", a.status, a.body)
		}
	})
}

const salesAnalysis = `{
	"Attributes": [
		{"Complete": true, "Name": "http.status",
			"Sets": [{"DistinctCount": 2, "LeftCount": 1, "LeftValueCount": 6, "ValueCount": 8, "WithCount": 8}, {"DistinctCount": 1, "LeftCount": 0, "LeftValueCount": 0, "ValueCount": 2, "WithCount": 2}],
			"Values": [{"FilterExpression": "http.status = 503", "Value": 503, "Sets": [{"FaultCount": 2, "TotalCount": 2, "Share": 0.25, "P50": 0.1, "P95": 0.104}, {"FaultCount": 2, "TotalCount": 2, "Share": 1, "P50": 0.1, "P95": 0.104}]}]},
		{"Complete": true, "Name": "annotation[version]",
			"Sets": [{"DistinctCount": 2, "LeftCount": 1, "LeftValueCount": 6, "ValueCount": 8, "WithCount": 8}, {"DistinctCount": 1, "LeftCount": 0, "LeftValueCount": 0, "ValueCount": 2, "WithCount": 2}],
			"Values": [{"FilterExpression": "annotation.version = 2", "Value": 2, "Sets": [{"FaultCount": 2, "TotalCount": 2, "Share": 0.25, "P50": 0.1, "P95": 0.104}, {"FaultCount": 2, "TotalCount": 2, "Share": 1, "P50": 0.1, "P95": 0.104}]}]},
		{"Complete": true, "Name": "rootcause.fault.service", "Eligible": 2, "Examined": 2,
			"Sets": [{"DistinctCount": 1, "LeftCount": 0, "LeftValueCount": 0, "ValueCount": 2, "WithCount": 2}, {"DistinctCount": 1, "LeftCount": 0, "LeftValueCount": 0, "ValueCount": 2, "WithCount": 2}],
			"Values": [{"FilterExpression": "rootcause.fault.service { name = \"shop\" AND last }", "Value": "shop", "Sets": [{"FaultCount": 2, "TotalCount": 2, "Share": 0.25, "P50": 0.1, "P95": 0.104}, {"FaultCount": 2, "TotalCount": 2, "Share": 1, "P50": 0.1, "P95": 0.104}]}]}
	],
	"BothCount": 2, "BucketWidth": 5, "Compared": 17, "Differences": [],
	"Sets": [
		{"AllDots": true, "FaultCount": 2, "OkCount": 6, "TotalCount": 8, "WindowCount": 8,
			"Dots": [{"Count": 1, "Id": "1-6553f100-000000000000000000000001", "Outcome": "fault", "Seconds": 0.1, "Time": 1700000000}],
			"ResponseTime": {"Count": 8, "P50": 0.103, "P90": 0.107, "P95": 0.107, "P99": 0.107},
			"Series": [{"FaultCount": 2, "OkCount": 3, "TotalCount": 5, "Time": 1700000000}, {"OkCount": 3, "TotalCount": 3, "Time": 1700000005}]},
		{"AllDots": true, "FaultCount": 2, "TotalCount": 2, "WindowCount": 8, "ResponseTime": {"Count": 2, "P50": 0.1, "P90": 0.104, "P95": 0.104, "P99": 0.104},
			"Series": [{"FaultCount": 2, "TotalCount": 2, "Time": 1700000000}, {"Time": 1700000005}]}
	],
	"TotalCount": 8
}`

// TestAnalysisByClient asks as the command line does.
func TestAnalysisByClient(t *testing.T) {
	d := open(t, server.Options{})
	d.putSales(400)
	fault := "fault"
	a, err := client.New(d.url).Analyse(t.Context(), &api.AnalysisRequest{StartTime: new(api.Time(1700000000)), EndTime: new(api.Time(1700001000)), Compare: &fault, Differences: 10})
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, d := range a.Differences {
		found = append(found, fmt.Sprint(d.FilterExpression, " ", d.Counts))
	}
	if want := "annotation.version = 2 [100 100]"; !strings.Contains(strings.Join(found, "\n"), want) || a.BothCount != 100 {
		t.Errorf("differences are %q; want %q among them", found, want)
	}
}

// Scan is held up where a test wants that.
func (s *store) Scan(ctx context.Context, w tomo.Window, plans []filter.Plan, parts tomo.Parts, each func(int, []tomo.Found) error) error {
	if s.scanning != nil {
		if err := s.scanning(ctx); err != nil {
			return err
		}
	}
	return s.Store.Scan(ctx, w, plans, parts, each)
}

// TestAnalysisProgress: there are lines of progress as long as it takes, and
// nothing goes on when the client is gone.
func TestAnalysisProgress(t *testing.T) {
	d := open(t, server.Options{})
	d.putSales(4)
	goOn, begun, given := make(chan struct{}), make(chan struct{}, 1), make(chan error, 1)
	d.store.scanning = func(ctx context.Context) error {
		begun <- struct{}{}
		select {
		case <-goOn:
			return nil
		case <-ctx.Done():
			given <- ctx.Err()
			return ctx.Err()
		}
	}
	ask := func(ctx context.Context) *bufio.Scanner {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, "POST", d.url+api.AskAnalysis.Path, strings.NewReader(`{"StartTime":1700000000,"EndTime":1700000010,"Top":3}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", api.ProgressType)
		reply, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { reply.Body.Close() })
		if kind := reply.Header.Get("Content-Type"); kind != api.ProgressType || reply.StatusCode != 200 {
			t.Errorf("%s with %s", reply.Status, kind)
		}
		return bufio.NewScanner(reply.Body)
	}
	lines := ask(t.Context())
	<-begun
	var line api.AnalysisLine
	for n := 0; lines.Scan(); n++ {
		if line = (api.AnalysisLine{}); json.Unmarshal(lines.Bytes(), &line) != nil {
			t.Fatal(lines.Text())
		}
		if line.Progress == nil {
			break
		}
		if *line.Progress != (api.AnalysisProgress{Total: 4}) {
			t.Errorf("progress is %+v", line.Progress)
		}
		if n == 1 {
			close(goOn)
		}
	}
	if line.Answer == nil || line.Answer.Sets[0].TotalCount != 4 || lines.Scan() {
		t.Errorf("the last line is %s", lines.Text())
	}

	goOn = make(chan struct{})
	ctx, leave := context.WithCancel(t.Context())
	lines = ask(ctx)
	<-begun
	lines.Scan()
	leave()
	select {
	case <-given:
	case <-time.After(20 * time.Second):
		t.Error("the analysis goes on though nobody waits")
	}
	// What cannot be answered is told by the status, as long as nothing was sent.
	if a := d.ask(api.AskAnalysis.Path, `{"Top":3}`, "Accept", api.ProgressType); a.status != 400 {
		t.Errorf("a bad question: %d %s", a.status, a.body)
	}
}

// TestAnalysesWait: two run, fourteen wait, no more.
func TestAnalysesWait(t *testing.T) {
	d := open(t, server.Options{})
	goOn, begun := make(chan struct{}), make(chan struct{}, 16)
	d.store.scanning = func(context.Context) error { begun <- struct{}{}; <-goOn; return nil }
	statuses := make(chan int, 40)
	ask := func() { statuses <- d.ask(api.AskAnalysis.Path, `{"StartTime":1,"EndTime":2}`).status }
	for range 2 {
		go ask()
		<-begun
	}
	for range 38 {
		go ask()
	}
	for range 24 {
		if status := <-statuses; status != http.StatusTooManyRequests {
			t.Errorf("one too many is answered %d", status)
		}
	}
	if len(begun) > 0 {
		t.Error("more than two run")
	}
	close(goOn)
	for range 16 {
		if status := <-statuses; status != http.StatusOK {
			t.Errorf("one that had to wait is answered %d", status)
		}
	}
}

func TestCompletion(t *testing.T) {
	d := open(t, server.Options{})
	d.putSales(8)
	d.post("/CreateGroup", `{"GroupName":"paying","FilterExpression":"http.method = \"POST\""}`)
	d.put(`{"trace_id":"1-6553f100-0000000000000000000000ff","id":"00000000000000ff","name":"music","user":"𝄞-fan","start_time":1700000000,"end_time":1700000001}`)
	for _, tt := range []struct{ body, want string }{
		{`{"Text":"faul","Cursor":4}`, `{"From":0,"Problem":{"At":0,"Message":"Invalid input symbol: 'faul'. It is not a keyword; the nearest is fault."},` +
			`"Suggestions":[{"Count":null,"Doc":"The request failed by the server's fault: the fault flag, or a status 5xx.","Kind":"keyword","Label":"fault","Text":"fault"}],"To":4}`},
		{`{"Text":"annotation.ver","Cursor":14,"StartTime":1700000000,"EndTime":1700000010}`, `{"From":10,"Problem":null,` +
			`"Suggestions":[{"Count":8,"Doc":"","Kind":"key","Label":"version","Text":".version"}],"To":14}`},
		{`{"Text":"annotation.ver","Cursor":14,"StartTime":1,"EndTime":2}`, `{"From":10,"Problem":null,"Suggestions":[],"To":14}`},
		{`{"Text":"group.name = \"pay","Cursor":17}`, `{"From":13,"Problem":{"At":13,"Message":"Invalid input symbol: '\"'. The closing \" is missing."},` +
			`"Suggestions":[{"Count":null,"Doc":"http.method = \"POST\"","Kind":"group","Label":"paying","Text":"\"paying\""}],"To":17}`},
		// Beyond 65,535 a character is two units, as in browsers.
		{`{"Text":"user = \"𝄞\" AND","Cursor":10}`, `{"From":7,"Problem":{"At":15,"Message":"Invalid input symbol: '<EOF>'. Expected a keyword, ! or (."},` +
			`"Suggestions":[{"Count":1,"Doc":"","Kind":"value","Label":"𝄞-fan","Text":"\"𝄞-fan\""}],"To":11}`},
		{`{"Text":"","Cursor":0,"Limit":201}`, "ValidationException: 1 validation error detected: Value '201' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 200"},
		{`{"Text":"","EndTime":1}`, "InvalidRequestException: StartTime and EndTime go together"},
		{`{"Cursor":1}`, "ValidationException: 1 validation error detected: Value null at 'text' failed to satisfy constraint: Member must not be null"},
		{`{"Text":"","Place":1}`, `InvalidRequestException: the request has no member "Place"`},
	} {
		got := d.ask(api.AskCompletion.Path, tt.body)
		if strings.Contains(tt.want, `"Text":"fault"}`) { // the first of many
			if i := strings.Index(got.body, `,{"Count":null`); i > 0 {
				got.body = got.body[:i] + got.body[strings.LastIndex(got.body, `],"To"`):]
			}
		}
		got.want(t, tt.body, tt.want)
	}
}

// TestQuestionsAreGuarded: with credentials, questions are answered to who may
// read, by password as browsers send it.
func TestQuestionsAreGuarded(t *testing.T) {
	file := identity.NewFile(filepath.Join(t.TempDir(), "credentials"), nil)
	issue := func(actions ...string) string {
		t.Helper()
		issued, err := file.Add(identity.Wish{Name: "someone", Tenant: identity.DefaultTenant, Actions: actions}, now)
		if err != nil {
			t.Fatal(err)
		}
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(issued.AccessKeyID+":"+issued.SecretAccessKey))
	}
	reader, writer := issue("read"), issue("write")
	guard, err := identity.NewGuard(file, identity.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, server.Options{Guard: guard})
	for _, q := range []api.Question{api.AskAnalysis, api.AskCompletion} {
		body := `{"StartTime":1,"EndTime":2}`
		if q.Name == api.AskCompletion.Name {
			body = `{"Text":"fault"}`
		}
		for who, want := range map[string]int{"": 403, reader: 200, writer: 403, "Basic bm9ib2R5Om5vdGhpbmc=": 403} {
			if a := d.ask(q.Path, body, "Authorization", who); a.status != want {
				t.Errorf("%s by %q: %d %s, want %d", q.Name, who, a.status, a.body, want)
			}
		}
	}
}
