package insights_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/insights"
	"github.com/tomotrace/tomo/internal/testkit"
)

// posted is a notification that came.
type posted struct {
	header http.Header
	body   string
}

// hook is a server that notifications are posted to.
type hook struct {
	*httptest.Server
	came   chan posted
	answer func(try int) int
}

func newHook(t *testing.T, answer func(try int) int) *hook {
	h := &hook{came: make(chan posted, 100), answer: answer}
	tries := 0
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		tries++ // one connection, one request after the other
		status := h.answer(tries)
		if status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
		h.came <- posted{r.Header, string(body)}
	}))
	t.Cleanup(h.Close)
	return h
}

// next waits for a notification.
func (h *hook) next(t *testing.T) posted {
	t.Helper()
	select {
	case p := <-h.came:
		return p
	case <-time.After(20 * time.Second):
		t.Fatal("no notification came")
		return posted{}
	}
}

// troubled is insights of a group with an incident of four minutes that begins
// now, and the means to go on by a minute.
func troubled(t *testing.T, w *insights.Webhook, groups ...*tomo.Group) (start func(), minute func()) {
	now := time.Date(2026, 1, 5, 10, 0, 20, 0, time.UTC)
	began := tomo.TimeOf(now).StartOfMinute()
	f := &fake{texts: map[string][]byte{}, faults: func(m tomo.Time) int64 {
		if m >= began && m < began+4*tomo.Minute {
			return 25
		}
		return 0
	}}
	s, err := insights.Open(t.Context(), f, groupsOf(groups...), insights.Options{Webhook: w, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	round := func() {
		if err := s.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	round()
	start = func() {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	return start, func() {
		now = now.Add(time.Minute)
		round()
	}
}

func notifiedGroup(name string, notified bool) *tomo.Group {
	return &tomo.Group{Name: name, ARN: "arn:aws:xray:us-east-1:123456789012:group/" + name + "/AAAA", InsightsEnabled: true, NotificationsEnabled: notified}
}

const opened = `{"version":1,"event":"opened","time":"2026-01-05T10:02:00Z","tenant":"shop","group":{"name":"told","arn":"arn:aws:xray:us-east-1:123456789012:group/told/AAAA"},` +
	`"insight":{"id":"ID","state":"ACTIVE","start":"2026-01-05T10:00:00Z","end":null,"faults":true,"slow":false,` +
	`"summary":"Faults have been frequent for 2 minutes. Clients made 0 requests in this time, of which 0 failed, and 1 service is affected. The root cause seems to be api, where 50 of 200 requests failed.",` +
	`"rootCause":{"name":"api"},"topAnomalousServices":[{"name":"api"}],"affectedServices":1,` +
	`"clientImpact":{"faultCount":0,"okCount":0,"totalCount":0},"rootCauseImpact":{"faultCount":50,"okCount":150,"totalCount":200}}}`

// TestNotifications: the groups that want it are told, in order, signed; trouble
// is tried again.
func TestNotifications(t *testing.T) {
	h := newHook(t, func(try int) int {
		return []int{503, 429, 200}[min(try, 3)-1]
	})
	at := time.Unix(1767607200, 0)
	w, err := insights.NewWebhook(h.URL+"/hook?x=1", insights.WebhookOptions{Tenant: "shop", Secret: "secret", Backoff: time.Millisecond, Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	start, minute := troubled(t, w, notifiedGroup("quiet", false), notifiedGroup("told", true))
	for range 15 {
		minute()
	}
	start()
	for try := range 3 { // the first, until it is taken
		p := h.next(t)
		var body struct{ Insight struct{ ID string } }
		if err := json.Unmarshal([]byte(p.body), &body); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Replace(opened, "ID", body.Insight.ID, 1), p.body); diff != "" {
			t.Errorf("try %d:\n%s", try, diff)
		}
		mac := hmac.New(sha256.New, []byte("secret"))
		fmt.Fprintf(mac, "1767607200.%s", p.body)
		want := "t=1767607200,v1=" + hex.EncodeToString(mac.Sum(nil))
		if got := p.header.Get(insights.SignatureHeader); got != want || p.header.Get("Content-Type") != "application/json" {
			t.Errorf("signature %q, want %q", got, want)
		}
	}
	last := h.next(t)
	if !strings.Contains(last.body, `"event":"closed"`) || !strings.Contains(last.body, `"state":"CLOSED","start":"2026-01-05T10:00:00Z","end":"2026-01-05T10:04:00Z"`) {
		t.Errorf("the last is %s", last.body)
	}
	outcomes(t, w, 2, 0, 0)
}

// outcomes waits until so many notifications have had each outcome.
func outcomes(t *testing.T, w *insights.Webhook, sent, failed, dropped int) {
	t.Helper()
	want := map[string]int{"sent": sent, "failed": failed, "dropped": dropped}
	r := prometheus.NewRegistry()
	r.MustRegister(w.Collectors()...)
	testkit.Until(t, fmt.Sprint("counted as ", want), func() bool {
		families, err := r.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for _, m := range families[0].GetMetric() {
			got[m.GetLabel()[0].GetValue()] = int(m.GetCounter().GetValue())
		}
		return cmp.Equal(want, got)
	})
}

// TestRefusedNotifications: what another try would not change is not tried again,
// and what is never taken is given up.
func TestRefusedNotifications(t *testing.T) {
	for _, tt := range []struct {
		status, tries int
	}{{400, 1}, {404, 1}, {302, 1}, {500, 3}} {
		t.Run(fmt.Sprint(tt.status), func(t *testing.T) {
			h := newHook(t, func(int) int { return tt.status })
			w, err := insights.NewWebhook(h.URL, insights.WebhookOptions{Tries: 3, Backoff: time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			start, minute := troubled(t, w, notifiedGroup("told", true))
			minute()
			minute()
			start()
			outcomes(t, w, 0, 1, 0)
			if len(h.came) != tt.tries {
				t.Errorf("tried %d times, want %d", len(h.came), tt.tries)
			}
			if p := h.next(t); p.header.Get(insights.SignatureHeader) != "" {
				t.Error("signed without a secret")
			}
		})
	}
}

// TestFullQueue: what is too much is dropped and counted.
func TestFullQueue(t *testing.T) {
	h := newHook(t, func(int) int { return 200 })
	w, err := insights.NewWebhook(h.URL, insights.WebhookOptions{Queue: 2})
	if err != nil {
		t.Fatal(err)
	}
	start, minute := troubled(t, w, notifiedGroup("a", true), notifiedGroup("b", true), notifiedGroup("c", true))
	minute()
	minute()
	start()
	outcomes(t, w, 2, 0, 1)
}

func TestBadWebhooks(t *testing.T) {
	for _, bad := range []string{"", "example.com/hook", "ftp://example.com", "http://", "http://%zz"} {
		if _, err := insights.NewWebhook(bad, insights.WebhookOptions{}); err == nil || !strings.Contains(err.Error(), "is not the URL of a webhook") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
