// Package cloudwatch publishes the figures of groups once a minute by
// PutMetricData, as the service does, to CloudWatch or to whatever speaks its
// Query API.
//
//	figures of a minute → requests → queue → PutMetricData → forgotten
//	                                   ↑          │ no answer, throttled, 5xx
//	                                   └──────────┘
//
// A request is sent until it is answered. What was taken is never sent again,
// so a minute is counted twice only if its answer was lost. What is refused for
// good is dropped, and so is the oldest when an hour of minutes waits.
package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	"github.com/aws/smithy-go/transport/http/protocol/awsquery"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tomotrace/tomo"
)

// Figures are those of one group of one tenant.
type Figures struct {
	Tenant string // "" is the default one
	tomo.GroupFigures
}

// Namespaces of the metrics. X-Ray: recorded for ApproximateTraceCount. AWS
// itself lets nobody else write to names that begin with AWS/; other services
// with this API do.
const (
	Namespace    = "AWS/X-Ray"
	OwnNamespace = "Tomo"
)

// Options configure a publisher.
type Options struct {
	// Client sends. Required; Dial makes one.
	Client Client
	// Figures gives what was counted since it was last called. Required.
	Figures func() []Figures
	// Namespace is where ApproximateTraceCount goes. "": Namespace.
	Namespace string
	// Logger hears of what could not be published. nil: silence.
	Logger *slog.Logger
}

// Client is what is asked of the SDK's client.
type Client interface {
	PutMetricData(ctx context.Context, in *sdk.PutMetricDataInput, more ...func(*sdk.Options)) (*sdk.PutMetricDataOutput, error)
}

// attemptTimeout bounds one request.
const attemptTimeout = 10 * time.Second

// Dial makes a client of the API at endpoint, a URL. Credentials, and the region
// if the environment names one, come from where the AWS SDKs look for them, when
// they are first needed. Requests are in the form of the Query API, which
// CloudWatch has understood from its beginning and others understand too.
func Dial(ctx context.Context, endpoint, region string) (*sdk.Client, error) {
	c, err := config.LoadDefaultConfig(ctx, config.WithDefaultRegion(region))
	if err != nil {
		return nil, fmt.Errorf("reading the configuration for AWS: %w", err)
	}
	return sdk.NewFromConfig(c, func(o *sdk.Options) {
		o.BaseEndpoint = aws.String(endpoint)
		o.Protocol = awsquery.New(schemas.GraniteServiceVersion20100801)
		o.DisableRequestCompression = true // not everybody unpacks
		o.Retryer = aws.NopRetryer{}       // the queue is sent again
		o.HTTPClient = awshttp.NewBuildableClient().WithTimeout(attemptTimeout)
	}), nil
}

// How long is waited after a failure, and what waits at most.
const (
	firstWait  = time.Second
	longest    = 30 * time.Second
	maxMinutes = 60
	flushTime  = 3 * time.Second // for what waits when the server stops
)

// Publisher takes the figures every minute and sends them.
type Publisher struct {
	o        Options
	requests *prometheus.CounterVec

	mu    sync.Mutex // guards what follows
	queue []request  // the oldest first
	fresh chan struct{}
}

// request is a part of what is published of a minute.
type request struct {
	minute tomo.Time
	input  *sdk.PutMetricDataInput
}

// New makes a publisher.
func New(o Options) *Publisher {
	if o.Namespace == "" {
		o.Namespace = Namespace
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	p := &Publisher{o: o, fresh: make(chan struct{}, 1)}
	p.requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tomo_cloudwatch_requests_total", Help: "PutMetricData requests, by what became of them: published, retried, refused, or given up as too old or at the end."}, []string{"outcome"})
	for _, outcome := range []string{published, retried, refused, givenUp} {
		p.requests.WithLabelValues(outcome)
	}
	return p
}

// What becomes of requests.
const (
	published = "published"
	retried   = "retried" // it will be sent again
	refused   = "refused"
	givenUp   = "given_up"
)

// Collectors are the publisher's metrics.
func (p *Publisher) Collectors() []prometheus.Collector {
	waiting := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tomo_cloudwatch_waiting_requests", Help: "PutMetricData requests that wait to be sent."},
		func() float64 {
			p.mu.Lock()
			defer p.mu.Unlock()
			return float64(len(p.queue))
		})
	return []prometheus.Collector{p.requests, waiting}
}

// Run publishes each minute when it has ended, until ctx does. Then it takes
// what is left and tries for three seconds to send what waits.
func (p *Publisher) Run(ctx context.Context) {
	attempts, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	halt := make(chan struct{})
	var sender sync.WaitGroup
	sender.Go(func() { p.send(attempts, halt) })
	for running := true; running; {
		now := time.Now()
		minute := tomo.TimeOf(now).StartOfMinute()
		end := time.NewTimer((minute + tomo.Minute).Std().Sub(now))
		select {
		case <-end.C:
		case <-ctx.Done():
			end.Stop()
			running = false
		}
		p.take(minute)
	}
	// What is being sent may still be answered.
	close(halt)
	last, done := context.WithTimeout(attempts, flushTime)
	defer done()
	context.AfterFunc(last, cut)
	sender.Wait()
	p.flush(last)
}

// take puts the figures of a minute into the queue.
func (p *Publisher) take(minute tomo.Time) {
	var round []request
	for _, input := range inputs(p.o.Namespace, minute, p.o.Figures()) {
		round = append(round, request{minute, input})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append(p.queue, round...)
	old := 0
	for old < len(p.queue) && p.queue[old].minute <= minute-maxMinutes*tomo.Minute {
		old++
	}
	if old > 0 {
		p.requests.WithLabelValues(givenUp).Add(float64(old))
		p.o.Logger.Error("metrics of groups are given up: they waited for an hour", "requests", old, "minute", p.queue[0].minute.Std())
		p.queue = p.queue[old:]
	}
	select {
	case p.fresh <- struct{}{}:
	default:
	}
}

// send sends what is in the queue until it is halted, and waits longer each time
// that it fails.
func (p *Publisher) send(ctx context.Context, halt <-chan struct{}) {
	wait := time.Duration(0)
	for {
		fresh, again := p.fresh, (<-chan time.Time)(nil)
		if wait > 0 {
			// Not all servers at the same moment.
			fresh, again = nil, time.After(wait/2+rand.N(wait/2))
		}
		select {
		case <-fresh:
		case <-again:
		case <-halt:
			return
		}
		if p.sendAll(ctx) {
			wait = 0
		} else {
			wait = min(max(firstWait, 2*wait), longest)
		}
	}
}

// sendAll sends until the queue is empty, or something fails.
func (p *Publisher) sendAll(ctx context.Context) bool {
	for {
		p.mu.Lock()
		if len(p.queue) == 0 {
			p.mu.Unlock()
			return true
		}
		first := p.queue[0]
		p.mu.Unlock()

		attempt, done := context.WithTimeout(ctx, attemptTimeout)
		_, err := p.o.Client.PutMetricData(attempt, first.input)
		done()
		outcome := outcomeOf(err)
		p.requests.WithLabelValues(outcome).Inc()
		switch outcome {
		case refused:
			p.o.Logger.Error("metrics of groups are refused", "namespace", *first.input.Namespace, "minute", first.minute.Std(), "error", err)
		case retried:
			if ctx.Err() == nil {
				p.o.Logger.Warn("metrics of groups are not published yet", "namespace", *first.input.Namespace, "minute", first.minute.Std(), "error", err)
			}
			return false
		}
		p.mu.Lock()
		if len(p.queue) > 0 && p.queue[0].input == first.input { // else it was given up meanwhile
			p.queue = p.queue[1:]
		}
		p.mu.Unlock()
	}
}

// outcomeOf says what is to be done after an answer. Only what can never be
// right is refused: others are a matter of credentials, limits or luck.
func outcomeOf(err error) string {
	var answer *awshttp.ResponseError
	switch {
	case err == nil:
		return published
	case retry.NewStandard().IsErrorRetryable(err), !errors.As(err, &answer):
		return retried
	}
	switch answer.HTTPStatusCode() {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		return refused
	default:
		return retried
	}
}

// flush sends what waits when the server stops, again and again until ctx ends.
func (p *Publisher) flush(ctx context.Context) {
	for wait := 100 * time.Millisecond; !p.sendAll(ctx) && ctx.Err() == nil; wait *= 2 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if left := len(p.queue); left > 0 {
		p.requests.WithLabelValues(givenUp).Add(float64(left))
		p.o.Logger.Error("metrics of groups are given up: the server stops", "requests", left)
		p.queue = nil
	}
}
