// Package demo is an application to look at: services that play a game for two,
// traced with Tomo's SDK, and the clients that ask them. It is modelled after
// Scorekeep, the sample application of X-Ray.
//
//	clients ──→ web.scorekeep.example ──→ Scorekeep ──→ five DynamoDB tables, SNS, SQS, a database
//	    └── scripts ────────────────────────↑   ├──→ names.example.com, which is not traced
//	                                        │   ├──→ random-name, a Lambda function ──→ SNS
//	                                        │   └──→ scores-api ──→ a cache
//	                                        └── scorekeep-worker, a Lambda function ──→ S3
//
// What a service does is written once, in scorekeep.go, against a [stage]. There
// are two. [Run] performs live: the services are HTTP servers on loopback, which
// really call each other and record themselves with the SDK; only what would be
// AWS or a database is simulated, in the process. [Backfill] performs on paper:
// the same functions with a clock of their own, which write the documents.
//
// world.go says how much is going on at which time, and when something breaks.
package demo

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// Options say what Run performs.
type Options struct {
	Rate   float64 // requests of clients per second, on an average of the day; 0 means 5
	Seed   uint64  // the same seed gives the same requests in the same order
	Daemon string  // where datagrams go, host:port
	// Send takes documents instead of the daemon, as PutTraceSegments does. It is
	// called by one goroutine at a time.
	Send func(ctx context.Context, documents []string) error
	// BySamplingRules lets the rules of the server, asked for at Daemon, decide what
	// is recorded. Otherwise everything is.
	BySamplingRules bool
	Log             *slog.Logger // nil is slog.Default()
}

// Stats count what was done.
type Stats struct {
	Requests  int // of clients
	Skipped   int // that there were too many at a time for
	Documents int // that were sent
	Dropped   int // that could not be sent
}

// DefaultRate is the rate that a zero one means.
const DefaultRate = 5.0

// atATime bounds the requests of clients that wait for an answer. At the rates
// that the demo is made for there are a few.
const atATime = 256

// overturePause is the pause between the first requests, which ask for everything
// there is.
const overturePause = 50 * time.Millisecond

// Run performs live until ctx ends. What was begun then is finished, which takes
// a few seconds, and sent.
func Run(ctx context.Context, o Options) (Stats, error) {
	if o.Rate == 0 {
		o.Rate = DefaultRate
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	w := world{seed: o.Seed}
	t, err := openTheatre(ctx, w, o)
	if err != nil {
		return Stats{}, err
	}
	var (
		stats   Stats
		playing sync.WaitGroup
		places  = make(chan struct{}, atATime)
		random  = rand.New(rand.NewPCG(o.Seed, 0))
	)
	if err := t.prologue(o.Daemon, time.Now(), random); err != nil {
		return stats, errors.Join(err, t.close())
	}
	first := overture(random)
	for timer := time.NewTimer(0); ; {
		select {
		case <-ctx.Done():
			timer.Stop()
			playing.Wait()
			err := t.close()
			stats.Documents, stats.Dropped = t.sent()
			return stats, err
		case now := <-timer.C:
			var q request
			if len(first) > 0 {
				q, first = first[0], first[1:]
				timer.Reset(overturePause)
			} else {
				q = draw(random)
				timer.Reset(w.pause(now, o.Rate, random))
			}
			select {
			case places <- struct{}{}:
			default:
				stats.Skipped++
				continue
			}
			stats.Requests++
			playing.Go(func() {
				t.ask(q)
				<-places
			})
		}
	}
}

// Backfill performs on paper what clients ask between from and to and gives the
// documents to send, oldest first, some traces at a time. The first error of
// send ends it. The same arguments give the same documents.
func Backfill(ctx context.Context, from, to time.Time, rate float64, seed uint64, send func(documents []string) error) (Stats, error) {
	if rate == 0 {
		rate = DefaultRate
	}
	w := world{seed: seed}
	random := rand.New(rand.NewPCG(seed, uint64(from.UnixNano())))
	p := &paper{world: w, random: random}
	p.prologue(from)
	var stats Stats
	for now := from; now.Before(to) && ctx.Err() == nil; now = now.Add(w.pause(now, rate, random)) {
		p.ask(now, draw(random))
		stats.Requests++
		if len(p.documents) >= backfillBatch {
			if err := p.flush(&stats, send); err != nil {
				return stats, err
			}
		}
	}
	return stats, errors.Join(p.flush(&stats, send), ctx.Err())
}

// backfillBatch is how many documents Backfill gives to send at least, but for
// the last ones.
const backfillBatch = 500
