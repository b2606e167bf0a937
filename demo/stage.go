package demo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"time"
)

// stage is where work is done: in a segment or subsegment that is open.
type stage interface {
	now() time.Time
	wait(time.Duration) // takes that long

	// begin begins a subsegment, to be ended.
	begin(name string) stage
	end()
	// beside runs f in a subsegment, beside what goes on here and perhaps longer.
	beside(name string, f func(stage))
	// segment runs f in a segment of another service, which this one asks for it.
	segment(name, origin string, f func(stage))
	// later runs f in a segment of a trace of its own, which links to this one.
	later(after time.Duration, name, origin string, f func(stage))

	call(request, time.Duration) (status int, err error) // a service by HTTP, with a limit of time
	query(query) error                                   // the database

	user(string)
	annotate(key string, value any)
	metadata(namespace, key string, value any)
	namespace(string)
	arn(string)
	aws(key string, value any)
	answered(status int, length int64)
	failed(error, outcome)
}

// outcome is what an error makes of the segment that it is recorded with.
type outcome int

const (
	fault     outcome = iota // its own doing
	wrong                    // its caller's doing: X-Ray's error
	throttled                // asked too often, which is an error, too
)

// query is what the database is asked and what it does about it.
type query struct {
	text string
	took time.Duration
	err  error
}

// failure is an error with all that an exception says.
type failure struct {
	kind    string
	message string
	remote  bool // the callee told of it
	cause   error
	stack   []uintptr
}

// fail makes a failure of the function that calls it.
func fail(kind string, cause error, format string, values ...any) *failure {
	f := &failure{kind: kind, cause: cause, message: fmt.Sprintf(format, values...), stack: make([]uintptr, 16)}
	f.stack = f.stack[:runtime.Callers(2, f.stack)]
	return f
}

// refusal is a failure that an AWS service told of.
func refusal(kind, format string, values ...any) *failure {
	return &failure{kind: kind, remote: true, message: fmt.Sprintf(format, values...)}
}

// The SDK asks errors for these.

func (f *failure) Error() string         { return f.message }
func (f *failure) Unwrap() error         { return f.cause }
func (f *failure) ExceptionType() string { return f.kind }
func (f *failure) RemoteException() bool { return f.remote }
func (f *failure) StackTrace() []uintptr { return f.stack }

// scene is a service that answers a request: the stage, the dice and the world.
type scene struct {
	stage
	*rand.Rand
	world
	in      request
	version string // of the service
}

func newScene(on stage, w world, in request, version string) *scene {
	return &scene{stage: on, Rand: rand.New(rand.NewPCG(in.dice, 1)), world: w, in: in, version: version}
}

// on is the same scene in a subsegment or another segment.
func (s *scene) on(sub stage) *scene {
	t := *s
	t.stage = sub
	return &t
}

// apart is the same scene in what goes on beside: with other dice.
func (s *scene) apart(sub stage, dice uint64) *scene {
	t := *s
	t.stage, t.Rand = sub, rand.New(rand.NewPCG(dice, 1))
	return &t
}

// within runs f in a subsegment, which records the error of f.
func (s *scene) within(name string, f func(*scene) error) error {
	sub := s.begin(name)
	defer sub.end()
	err := f(s.on(sub))
	switch {
	case busy(err):
		sub.failed(err, throttled)
	case err != nil:
		sub.failed(err, fault)
	}
	return err
}

// record is what a service's segment keeps of the reply.
func (r reply) record(s stage) {
	s.answered(r.status, r.length)
	switch {
	case r.err == nil:
	case r.status == 429:
		s.failed(r.err, throttled)
	case r.status >= 500:
		s.failed(r.err, fault)
	default:
		s.failed(r.err, wrong)
	}
}

// chance is true with the probability p.
func (s *scene) chance(p float64) bool { return s.Float64() < p }

// took is how long something takes of which half takes at most p50 and all but a
// hundredth at most p99, in milliseconds.
func (s *scene) took(p50, p99 float64) time.Duration {
	sigma := math.Log(p99/p50) / 2.326
	ms := p50 * math.Exp(sigma*s.NormFloat64())
	return time.Duration(min(ms, 2*p99) * float64(time.Millisecond))
}

// work takes that long; see took.
func (s *scene) work(p50, p99 float64) { s.wait(s.took(p50, p99)) }

// Where all this is said to be.
const (
	region    = "eu-west-1"
	accountID = "123456789012"
)

// amazon asks an AWS service, as the instrumentation of the AWS SDK records it,
// for as long as it takes. The status is 200 unless err tells of another one.
func (s *scene) amazon(service, operation, key, value string, took time.Duration, err *awsError) error {
	sub := s.begin(service)
	defer sub.end()
	sub.namespace("aws")
	sub.aws("operation", operation)
	sub.aws("region", region)
	sub.aws(key, value)
	sub.aws("request_id", fmt.Sprintf("%08X%08X", s.Uint32(), s.Uint32()))
	sub.wait(took)
	if err == nil {
		sub.aws("retries", 0)
		sub.answered(200, 40+s.Int64N(900))
		return nil
	}
	sub.aws("retries", err.retries)
	sub.answered(err.status, 301)
	sub.failed(err.err, err.outcome())
	return err
}

// awsError is what an AWS service answers instead of what it was asked for.
type awsError struct {
	status  int
	retries int
	busy    bool
	err     *failure
}

func (e *awsError) Error() string { return e.err.message }
func (e *awsError) Unwrap() error { return e.err }

func (e *awsError) ExceptionType() string { return "operation error" }

func (e *awsError) outcome() outcome {
	switch {
	case e.busy:
		return throttled
	case e.status < 500:
		return wrong
	}
	return fault
}

// busy tells whether somebody was asked too often for this to succeed.
func busy(err error) bool {
	e, is := errors.AsType[*awsError](err)
	return is && e.busy
}

// errTimeout is what a caller gets who has waited long enough.
var errTimeout = context.DeadlineExceeded
