package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/server"
)

func TestSamplingTest(t *testing.T) {
	d := open(t, server.Options{})
	d.post("/CreateSamplingRule", create("pay", `"Priority":10,"HTTPMethod":"POST","URLPath":"/pay/*","Host":"*.example.com"`))
	d.post("/CreateSamplingRule", create("gold", `"Priority":20,"Attributes":{"tenant":"gold*"}`))
	const path = "/console/api/sampling/test"
	clients := func(rule ...string) string {
		var list []string
		for i, name := range []string{"X-Ray SDKs for Python and Node", "X-Ray SDK for Go", "X-Ray SDK for Java", "OpenTelemetry for Java", "ADOT for Python", "OpenTelemetry for Go"} {
			list = append(list, fmt.Sprintf(`{"Name":"%s","RuleName":"%s"}`, name, rule[min(i, len(rule)-1)]))
		}
		return `{"Clients":[` + strings.Join(list, ",") + `],`
	}
	obstacle := func(key, member, pattern, reason, value string) string {
		return fmt.Sprintf(`{"Key":"%s","Member":"%s","Pattern":"%s","Reason":"%s","Value":"%s"}`, key, member, pattern, reason, value)
	}
	rules := func(pay, gold string) string {
		one := func(name, obstacles string) string {
			return fmt.Sprintf(`{"Matches":%v,"Obstacles":[%s],"RuleName":"%s"}`, obstacles == "", obstacles, name)
		}
		return `"Rules":[` + one("pay", pay) + "," + one("gold", gold) + "," + one("Default", "") + `]}`
	}
	ignored := obstacle("tenant", "Attributes", "gold*", "Ignored", "")
	for _, tt := range []struct{ body, want string }{
		{`{"HTTPMethod":"POST","URLPath":"/pay/7","Host":"www.example.com"}`, clients("pay") + `"RuleName":"pay",` + rules("", ignored)},
		{`{"HTTPMethod":"POST","URLPath":"/pay","Host":"example.com"}`, clients("Default") + `"RuleName":"Default",` +
			rules(obstacle("", "Host", "*.example.com", "Differs", "example.com")+","+obstacle("", "URLPath", "/pay/*", "Differs", "/pay"), ignored)},
		{`{"Client":"OpenTelemetry for Go","HTTPMethod":"GET","Attributes":{"tenant":"gold-7"}}`, clients("Default", "Default", "Default", "gold") + `"RuleName":"gold",` +
			rules(obstacle("", "Host", "*.example.com", "Missing", "")+","+obstacle("", "HTTPMethod", "POST", "Differs", "GET")+","+obstacle("", "URLPath", "/pay/*", "Missing", ""), "")},
		{`{}`, clients("pay", "pay", "Default") + `"RuleName":"pay",` + rules("", ignored)}, // some SDKs let what is missing match
		{`{"Client":"curl"}`, `InvalidRequestException: There is no family of clients "curl"`},
		{`{"Path":"/"}`, `InvalidRequestException: the request has no member "Path"`},
		{`{"Host":1}`, "SerializationException: NUMBER_VALUE can not be converted to a String"},
	} {
		d.ask(path, tt.body).want(t, tt.body, tt.want)
	}
	d.do("GET", api.SamplingPath, "").want(t, "the states",
		`{"States":[{"ClientCount":0,"LeasedCount":0,"Rate":0.5,"RuleName":"pay"},{"ClientCount":0,"LeasedCount":0,"Rate":0.5,"RuleName":"gold"},{"ClientCount":0,"LeasedCount":0,"Rate":0.05,"RuleName":"Default"}]}`)
	d.post("/SamplingTargets", fmt.Sprintf(`{"SamplingStatisticsDocuments":[{"RuleName":"pay","ClientID":"0123456789abcdef01234567","Timestamp":%d,"RequestCount":100,"SampledCount":10,"BorrowCount":1}]}`, now.Unix()))
	d.do("GET", api.SamplingPath, "").want(t, "the states with a client",
		`{"States":[{"ClientCount":1,"LeasedCount":10,"Rate":0.5,"RuleName":"pay"},{"ClientCount":0,"LeasedCount":0,"Rate":0.5,"RuleName":"gold"},{"ClientCount":0,"LeasedCount":0,"Rate":0.05,"RuleName":"Default"}]}`)
}

// TestStatus: the page has what came, what was lost and how it was, in tens of
// seconds and in minutes.
func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parts, _ := newParts(t)
		parts.Now = nil // that of the bubble
		var settled atomic.Int64
		parts.Storage = func() api.StatusStorage {
			return api.StatusStorage{BlockBytes: 1000, LogBytes: 24, OpenCount: 2, SettledCount: settled.Add(1), RetentionSeconds: 60}
		}
		parts.Disk = func() *api.StatusDisk { return &api.StatusDisk{FreeBytes: 5, TotalBytes: 10} }
		services := server.NewServices(parts)
		s := server.New(alone(services), server.Options{Version: "v1.2.3"})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- services.Run(ctx) }()
		synctest.Wait()
		ask := func(method, path, body string, into any) {
			t.Helper()
			w := httptest.NewRecorder()
			s.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
			if w.Code != 200 {
				t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
			}
			if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
				t.Fatal(err)
			}
		}
		put := func(docs ...string) { t.Helper(); ask("POST", "/TraceSegments", segments(docs...), new(any)) }
		const one = `{"trace_id":"1-6553f100-000000000000000000000001","id":"0000000000000001","name":"a","start_time":1700000000,"end_time":1700000001}`
		time.Sleep(4 * time.Second)
		put(one, `{"id":"x"}`)
		time.Sleep(10 * time.Second)
		put(strings.ReplaceAll(one, "00001\"", "00002\""))
		time.Sleep(time.Second)

		var got api.Status
		ask("GET", api.StatusPath, "", &got)
		if got.Version != "v1.2.3" || got.Tenant != "default" || got.Disk.FreeBytes != 5 || got.Storage.OpenCount != 2 || got.Groups.Count != 1 {
			t.Errorf("the status is %+v", got)
		}
		if diff := cmp.Diff([]api.StatusDoor{{ByteCount: 2 * int64(len(one)), DocumentCount: 2, RefusedCount: 1, Source: "http"}}, got.Doors); diff != "" {
			t.Error(diff)
		}
		if got.Losses["refused"] != 1 || got.Losses["dropped"] != 0 {
			t.Errorf("the losses are %v", got.Losses)
		}
		h := &got.History
		if h.Seconds = roundAll(h.Seconds); !cmp.Equal(h.Seconds, []api.Double{10, 5}) {
			t.Errorf("the spaces are %v", h.Seconds)
		}
		if !cmp.Equal(h.DocumentCount, []int64{1, 1}) || !cmp.Equal(h.RefusedCount, []int64{1, 0}) || !cmp.Equal(h.ByteCount, []int64{int64(len(one)), int64(len(one))}) ||
			!cmp.Equal(h.SettledCount, []int64{1, 1}) || !cmp.Equal(h.OpenCount, []int64{2, 2}) || !cmp.Equal(h.StoredBytes, []int64{1024, 1024}) || len(h.MemoryBytes) != 2 || h.MemoryBytes[0] <= 0 {
			t.Errorf("the history is %+v", h)
		}
		if got.Process == nil || got.Process.MemoryBytes <= 0 || got.Process.Goroutines < 2 || got.Process.HasCredentials {
			t.Errorf("the process is %+v", got.Process)
		}
		if len(got.Operations) != 1 || got.Operations[0].Name != "PutTraceSegments" || got.Operations[0].RequestCount != 2 || got.Operations[0].FailureCount != 0 {
			t.Errorf("the operations are %+v", got.Operations)
		}

		// An hour later the first moments are forgotten, but not those of the day.
		time.Sleep(70 * time.Minute)
		ask("GET", api.StatusPath, "", &got)
		if n := len(got.History.Time); n < 360 || n > 361 || sum(got.History.DocumentCount) != 0 {
			t.Errorf("of the last hour there are %d points with %d documents", n, sum(got.History.DocumentCount))
		}
		ask("GET", api.StatusPath+"?history=day", "", &got)
		if n := len(got.History.Time); n != 71 || sum(got.History.DocumentCount) != 2 || got.History.Seconds[1] != 60 {
			t.Errorf("of the day there are %d points with %d documents, %v", n, sum(got.History.DocumentCount), got.History.Seconds)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func sum(list []int64) (n int64) {
	for _, i := range list {
		n += i
	}
	return n
}

func roundAll(list []api.Double) []api.Double {
	for i := range list {
		list[i] = api.Double(int(list[i] + 0.5))
	}
	return list
}

// TestStatusOfOthers: a tenant other than the default one is not told of the
// process, which is all tenants'.
func TestStatusOfOthers(t *testing.T) {
	parts, _ := newParts(t)
	parts.Tenant = "shop"
	parts.Limits = []api.Limit{{Name: "groups", Value: new(api.Double(25))}, {Name: "sampling-rules"}, {Name: "tags", Value: new(api.Double(50))}}
	s := server.New(alone(server.NewServices(parts)), server.Options{})
	get := func(path string) string {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Body.String()
	}
	for _, want := range []string{`"Process":null`, `"Operations":[]`, `"Storage":null`, `"Disk":null`, `"Tenant":"shop"`, `"JudgedTime":null`} {
		if got := get(api.StatusPath); !strings.Contains(got, want) {
			t.Errorf("the status lacks %s: %s", want, got)
		}
	}
	want := `{"Limits":[{"About":"","Flag":"","Name":"groups","Unit":"","Used":1,"Value":25.0,"Variable":""},` +
		`{"About":"","Flag":"","Name":"sampling-rules","Unit":"","Used":0,"Value":null,"Variable":""},{"About":"","Flag":"","Name":"tags","Unit":"","Used":null,"Value":50.0,"Variable":""}]}`
	if got := get(api.LimitsPath); got != want {
		t.Errorf("the limits are %s, want %s", got, want)
	}
	if got, want := get(api.EncryptionPath), `{"BehindCount":0,"KeyId":null,"Status":"ACTIVE","Type":"NONE","Keys":[]}`; got != want {
		t.Errorf("the encryption is %s, want %s", got, want)
	}
}
