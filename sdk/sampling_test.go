package sdk_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tomotrace/tomo/sdk"
)

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "abc", true}, {"?", "", false}, {"?", "é", true}, {"a?c", "abc", true},
		{"a*c", "abbbc", true}, {"a*c", "abbbd", false}, {"*a*b*", "xxaxxbxx", true}, {"*.Example", "SHOP.example", true}, {"a*a", "a", false},
		{"/api/move/*", "/api/move/", true}, {"/api/move/*", "/api/mov", false}, {"**a", "ba", true}, {"a*b?c", "axxbxbyc", true}, {"[", "[", true}, {"K", "k", true},
	} {
		if got := sdk.Match(tt.pattern, tt.text); got != tt.want {
			t.Errorf("%q and %q: %v", tt.pattern, tt.text, got)
		}
	}
	if sdk.MatchCase("A", "a") || !sdk.MatchCase("A*", "Ab") {
		t.Error("the case of letters does not matter")
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("a*?b", "axyb")
	f.Add("\x80", "\x80")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if sdk.Match(pattern, text) && !sdk.Match("*"+pattern+"*", "x"+text+"x") {
			t.Errorf("%q matches %q, but not within stars", pattern, text)
		}
	})
}

const twoRules = `{"version": 2, "default": {"fixed_target": 1, "rate": 0}, "rules": [
	{"description": "never", "host": "*.example", "http_method": "GET", "url_path": "/never*", "fixed_target": 0, "rate": 0},
	{"description": "always", "host": "*", "http_method": "*", "url_path": "/always", "fixed_target": 0, "rate": 1}]}`

func TestRules(t *testing.T) {
	rules, err := sdk.ParseRules([]byte(twoRules))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_700_000_000, 0)
	sample := func(q sdk.Request) bool { return rules.Sample(now, q).Sampled }
	if sample(sdk.Request{Host: "shop.example", Method: "GET", Path: "/never/x"}) {
		t.Error("never is sampled")
	}
	for range 10 {
		if !sample(sdk.Request{Host: "shop.example", Method: "GET", Path: "/always"}) {
			t.Error("always is not sampled")
		}
	}
	other := sdk.Request{Host: "shop.example", Method: "GET", Path: "/other"}
	for range 3 { // one a second
		if !sample(other) || sample(other) || sample(other) {
			t.Error("the default rule is not for one a second")
		}
		now = now.Add(time.Second)
	}
	// What a request lacks matches everything.
	if sample(sdk.Request{}) {
		t.Error("the first rule does not match a request without a path")
	}
}

func TestBadRules(t *testing.T) {
	for text, want := range map[string]string{
		`{`:                          "unexpected",
		`{"version":3,"default":{}}`: "version is 3",
		`{"version":2}`:              "default is missing",
		`{"version":2,"default":{}}`: "default: fixed_target or rate is missing",
		`{"version":2,"default":{"fixed_target":-1,"rate":0}}`:                                                                                          "fixed_target is -1",
		`{"version":2,"default":{"fixed_target":1,"rate":1.5}}`:                                                                                         "rate is 1.5",
		`{"version":2,"default":{"fixed_target":1,"rate":0,"host":"*"}}`:                                                                                "must not have host",
		`{"version":2,"default":{"fixed_target":1,"rate":0},"rules":[{"fixed_target":1,"rate":0,"host":"*"}]}`:                                          "rule 1: host",
		`{"version":2,"default":{"fixed_target":1,"rate":0},"rules":[{"fixed_target":1,"rate":0,"service_name":"*","http_method":"*","url_path":"*"}]}`: "version 1",
		`{"version":1,"default":{"fixed_target":1,"rate":0},"rules":[{"fixed_target":1,"rate":0,"host":"*","http_method":"*","url_path":"*"}]}`:         "version 2",
		`{"version":2,"default":{"fixed_target":1,"rate":0}} x`:                                                                                         "after the rules",
	} {
		if _, err := sdk.ParseRules([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if _, err := sdk.ParseRules([]byte(`{"version":1,"default":{"fixed_target":1,"rate":0},"rules":[{"fixed_target":1,"rate":0,"service_name":"*","http_method":"*","url_path":"*"}]}`)); err != nil {
		t.Error(err)
	}
}

// center answers for the daemon's TCP side, in the bubble of a test.
type center struct {
	mu      sync.Mutex
	rules   string
	targets func(documents []statistics) string
	calls   map[string]int
}

type statistics struct {
	RuleName, ClientID                      string
	RequestCount, SampledCount, BorrowCount int
	Timestamp                               float64
}

func (c *center) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls == nil {
		c.calls = map[string]int{}
	}
	c.calls[r.URL.Path]++
	switch r.URL.Path {
	case "/GetSamplingRules":
		if c.rules == "" {
			http.Error(w, "not yet", http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, c.rules)
	case "/SamplingTargets":
		var in struct{ SamplingStatisticsDocuments []statistics }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		io.WriteString(w, c.targets(in.SamplingStatisticsDocuments))
	}
}

func (c *center) count(path string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[path]
}

func rule(name, path, rate, reservoir, more string) string {
	return `{"CreatedAt":0,"ModifiedAt":0,"SamplingRule":{"RuleName":"` + name + `","Priority":` + map[bool]string{true: "10000", false: "10"}[name == "Default"] +
		`,"FixedRate":` + rate + `,"ReservoirSize":` + reservoir + `,"ServiceName":"*","ServiceType":"*","Host":"*","HTTPMethod":"*","URLPath":"` + path +
		`","ResourceARN":"*","Version":1,"Attributes":{}` + more + `}}`
}

// TestCentral follows a client of the server's rules for some minutes of its own
// time: fallback, borrowing, quota, and the rules changing.
func TestCentral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &center{}
		var reports []statistics
		c.targets = func(documents []statistics) string {
			reports = append(reports, documents...)
			return `{"SamplingTargetDocuments":[{"RuleName":"api","FixedRate":0,"ReservoirQuota":3,"ReservoirQuotaTTL":` +
				jsonTime(time.Now().Add(5*time.Minute)) + `,"Interval":10}],"LastRuleModification":0,"UnprocessedStatistics":[]}`
		}
		central := sdk.NewCentralOver(pipe(c), sdk.Never)
		defer central.Close()
		api := sdk.Request{Service: "shop", Host: "h", Method: "GET", Path: "/api"}
		many := func(q sdk.Request) (sampled int, by string) {
			for range 20 {
				v := central.Sample(time.Now(), q)
				if by = v.Rule; v.Sampled {
					sampled++
				}
			}
			return sampled, by
		}
		if n, by := many(api); n != 0 || by != "" {
			t.Errorf("without rules %d by %q", n, by)
		}
		c.mu.Lock()
		c.rules = `{"SamplingRuleRecords":[` + strings.Join([]string{
			rule("Default", "*", "1", "0", ""), rule("zebra", "/api", "1", "0", ""), rule("api", "/api", "0", "10", ""),
			rule("a1", "*", "1", "9", `,"Attributes":{"a":"b"}`), rule("a2", "*", "1", "9", `,"ResourceARN":"arn"`), rule("a3", "*", "1", "9", `,"Version":2`),
		}, ",") + `],"NextToken":null}`
		c.mu.Unlock()
		time.Sleep(11 * time.Second) // without rules they are asked for again
		if n, by := many(api); n != 1 || by != "api" {
			t.Errorf("borrowing: %d by %q, want 1 by api", n, by)
		}
		if n, by := many(sdk.Request{Path: "/other"}); n != 20 || by != "Default" {
			t.Errorf("%d by %q, want 20 by Default", n, by)
		}
		time.Sleep(21 * time.Second)
		synctest.Wait()
		if len(reports) != 2 || reports[0].RuleName != "api" || reports[0].RequestCount != 20 || reports[0].BorrowCount != 1 || reports[0].SampledCount != 0 ||
			len(reports[0].ClientID) != 24 || reports[1].RuleName != "Default" || reports[1].SampledCount != 20 {
			t.Fatalf("reports %+v", reports)
		}
		for range 3 {
			if n, _ := many(api); n != 3 {
				t.Errorf("with a quota of 3: %d", n)
			}
			time.Sleep(time.Second)
		}
		// A rule that is gone brings the rules anew.
		before := c.count("/GetSamplingRules")
		c.mu.Lock()
		c.rules = `{"SamplingRuleRecords":[` + rule("Default", "*", "1", "0", "") + `]}`
		c.targets = func([]statistics) string {
			return `{"SamplingTargetDocuments":[],"UnprocessedStatistics":[{"RuleName":"api","ErrorCode":"400","Message":"Unknown rule"}]}`
		}
		c.mu.Unlock()
		time.Sleep(21 * time.Second)
		if n, by := many(api); n != 20 || by != "Default" || c.count("/GetSamplingRules") != before+1 {
			t.Errorf("after the change %d by %q, rules were fetched %d times more", n, by, c.count("/GetSamplingRules")-before)
		}
		// Without answers the rules are good for an hour.
		c.mu.Lock()
		c.rules = ""
		c.mu.Unlock()
		time.Sleep(30 * time.Minute)
		if n, _ := many(api); n != 20 {
			t.Errorf("after half an hour %d", n)
		}
		time.Sleep(31 * time.Minute)
		if n, by := many(api); n != 0 || by != "" {
			t.Errorf("after an hour %d by %q", n, by)
		}
	})
}

func jsonTime(t time.Time) string {
	b, _ := json.Marshal(float64(t.Unix()))
	return string(b)
}

// pipe is a transport to h without a network, whose waiting a bubble understands.
func pipe(h http.Handler) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result(), nil
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestCentralDaemon is one with a real socket, as New makes it.
func TestCentralDaemon(t *testing.T) {
	c := &center{rules: `{"SamplingRuleRecords":[` + rule("Default", "*", "1", "0", "") + `]}`}
	daemon := httptest.NewServer(c)
	defer daemon.Close()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	t.Setenv("AWS_XRAY_DAEMON_ADDRESS", "udp:"+udp.LocalAddr().String()+" tcp:"+strings.TrimPrefix(daemon.URL, "http://"))
	r, err := sdk.New(sdk.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(context.Background())
	deadline := time.Now().Add(10 * time.Second)
	for {
		_, seg := r.Begin(t.Context(), "root")
		seg.Close(nil)
		if seg.Recorded() {
			r.Flush(t.Context())
			b := make([]byte, 1<<16)
			udp.SetReadDeadline(deadline)
			n, _, err := udp.ReadFrom(b)
			if err != nil {
				t.Fatal(err)
			}
			line, document, _ := strings.Cut(string(b[:n]), "\n")
			if line != `{"format": "json", "version": 1}` || parse(t, document).Name != "root" {
				t.Fatalf("datagram %q", b[:n])
			}
			if strings.Contains(document, `"sampling_rule_name":"Default"`) {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("the rule did not come")
		}
	}
}
