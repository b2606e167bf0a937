package insights

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tomotrace/tomo"
)

// SignatureHeader is the header of a notification that carries its signature:
// t=UNIX,v1=HEX, where HEX is the HMAC-SHA256 of UNIX, a full stop and the body.
const SignatureHeader = "Tomo-Signature"

// WebhookOptions configure a webhook. The zero value is a good default.
type WebhookOptions struct {
	// Tenant is whose insights notifications say they are about. "": default.
	Tenant string
	// Secret signs notifications. "": they are not signed.
	Secret string
	// Queue is how many notifications wait at most; what would be more is
	// dropped and counted. 0: 256.
	Queue int
	// Tries is how often a notification is sent until it is taken. 0: 10.
	Tries int
	// Backoff is how long to wait before the second try; each further one waits
	// twice as long, up to a minute. 0: a second.
	Backoff time.Duration
	// Timeout bounds one try. 0: 10 seconds.
	Timeout time.Duration
	// Now is the clock that signatures are stamped with. nil: the real one.
	Now    func() time.Time
	Logger *slog.Logger
}

// Webhook posts notifications to a URL, one after the other, in order. It makes
// an effort and no promise: what waits when the server stops is lost.
type Webhook struct {
	url   string
	o     WebhookOptions
	queue chan notice
	http  *http.Client
	sent  *prometheus.CounterVec
}

// maxBackoff is the longest wait between two tries.
const maxBackoff = time.Minute

// NewWebhook makes a webhook for an http or https URL.
func NewWebhook(target string, o WebhookOptions) (*Webhook, error) {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is not the URL of a webhook, such as https://example.com/hook", target)
	}
	o.Tenant = cmp.Or(o.Tenant, "default")
	if o.Queue == 0 {
		o.Queue = 256
	}
	if o.Tries == 0 {
		o.Tries = 10
	}
	if o.Backoff == 0 {
		o.Backoff = time.Second
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Webhook{
		url: target, o: o, queue: make(chan notice, o.Queue),
		http: &http.Client{Timeout: o.Timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tomo_insights_notifications_total", Help: "Notifications about insights: sent, failed for good, or dropped because too many waited."}, []string{"outcome"}),
	}
	for _, outcome := range []string{"sent", "failed", "dropped"} {
		h.sent.WithLabelValues(outcome)
	}
	return h, nil
}

// Collectors are the webhook's metrics.
func (h *Webhook) Collectors() []prometheus.Collector { return []prometheus.Collector{h.sent} }

// notice is an event to tell of, with the insight as it was when it was told.
type notice struct {
	insight *Insight
	event   tomo.InsightEvent
}

// send queues a notification.
func (h *Webhook) send(n notice) {
	select {
	case h.queue <- n:
	default:
		h.sent.WithLabelValues("dropped").Inc()
		h.o.Logger.Warn("too many notifications wait, one is dropped", "insight", n.insight.ID, "event", n.event.Kind)
	}
}

// run posts what is queued until ctx ends.
func (h *Webhook) run(ctx context.Context) {
	defer h.http.CloseIdleConnections()
	for {
		select {
		case <-ctx.Done():
			return
		case n := <-h.queue:
			err := h.deliver(ctx, n)
			if err == nil {
				h.sent.WithLabelValues("sent").Inc()
				continue
			}
			h.sent.WithLabelValues("failed").Inc()
			h.o.Logger.Warn("a notification could not be sent", "insight", n.insight.ID, "event", n.event.Kind, "error", err)
		}
	}
}

// deliver posts a notification until it is taken, refused, or tried too often.
func (h *Webhook) deliver(ctx context.Context, n notice) error {
	body, err := json.Marshal(n.text(h.o.Tenant))
	if err != nil {
		return err
	}
	wait := h.o.Backoff
	for try := 1; ; try++ {
		err := h.post(ctx, body)
		var refused errRefused
		if err == nil || errors.As(err, &refused) || try == h.o.Tries {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
		wait = min(2*wait, maxBackoff)
	}
}

// errRefused is an answer that another try would not change.
type errRefused struct{ status string }

func (e errRefused) Error() string { return "the webhook answered " + e.status }

func (h *Webhook) post(ctx context.Context, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Tomo")
	if h.o.Secret != "" {
		request.Header.Set(SignatureHeader, sign(h.o.Secret, h.o.Now().Unix(), body))
	}
	answer, err := h.http.Do(request)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	answer.Body.Close()
	switch code := answer.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code >= 500, code == http.StatusTooManyRequests, code == http.StatusRequestTimeout:
		return fmt.Errorf("the webhook answered %s", answer.Status)
	}
	return errRefused{answer.Status}
}

func sign(secret string, at int64, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.", at)
	mac.Write(body)
	return fmt.Sprintf("t=%d,v1=%s", at, hex.EncodeToString(mac.Sum(nil)))
}

// notification is the body of a notification. docs/insights.md describes it.
type notification struct {
	Version int         `json:"version"`
	Event   string      `json:"event"`
	Time    string      `json:"time"`
	Tenant  string      `json:"tenant"`
	Group   groupText   `json:"group"`
	Insight insightText `json:"insight"`
}

type groupText struct {
	Name string `json:"name"`
	ARN  string `json:"arn"`
}

type insightText struct {
	ID               string        `json:"id"`
	State            string        `json:"state"`
	Start            string        `json:"start"`
	End              *string       `json:"end"`
	Faults           bool          `json:"faults"`
	Slow             bool          `json:"slow"`
	Summary          string        `json:"summary"`
	RootCause        serviceText   `json:"rootCause"`
	Top              []serviceText `json:"topAnomalousServices"`
	AffectedServices int           `json:"affectedServices"`
	Client           impactText    `json:"clientImpact"`
	AtCause          impactText    `json:"rootCauseImpact"`
}

type serviceText struct {
	Name    string `json:"name"`
	Type    string `json:"type,omitempty"`
	Account string `json:"account,omitempty"`
}

type impactText struct {
	Fault int64 `json:"faultCount"`
	OK    int64 `json:"okCount"`
	Total int64 `json:"totalCount"`
}

func (n *notice) text(tenant string) notification {
	in, e := n.insight, &n.event
	t := notification{
		Version: 1, Event: string(e.Kind), Time: rfc3339(e.Time), Tenant: tenant, Group: groupText{in.GroupName, in.GroupARN},
		Insight: insightText{
			ID: in.ID, State: "ACTIVE", Start: rfc3339(in.Start), Faults: in.Faults, Slow: in.Slow, Summary: e.Summary,
			RootCause: service(e.RootCause), AffectedServices: len(in.Affected), Client: impactText(e.Client), AtCause: impactText(e.AtCause),
		},
	}
	for _, id := range e.Top {
		t.Insight.Top = append(t.Insight.Top, service(id))
	}
	if !in.Active() {
		t.Insight.State = "CLOSED"
		t.Insight.End = new(rfc3339(in.End))
	}
	return t
}

func service(id tomo.NodeID) serviceText { return serviceText(id) }

func rfc3339(t tomo.Time) string { return t.Std().Format(time.RFC3339) }
