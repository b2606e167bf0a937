package demo

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tomotrace/tomo/sdk"
	"github.com/tomotrace/tomo/sdk/tracesql"
)

// What the database says of itself, on either stage.
const (
	databaseURL   = "postgres://history@" + hostDB + "/history"
	databaseType  = "Postgres"
	databaseUser  = "history"
	driverVersion = "demo"
)

// Headers by which the live services tell each other what the tracing header
// does not.
const (
	headerDice = "X-Demo-Dice"
	headerUser = "X-Demo-User"
)

// theatre is where the services are performed live: their servers, and what they
// record themselves with.
type theatre struct {
	world     world
	addresses map[string][]string // by host; of a service that runs twice there are two
	servers   []*http.Server
	recorders []*sdk.Recorder
	functions *sdk.Recorder // of Lambda functions
	transport *http.Transport
	plain     *http.Client // of clients, who are not traced
	traced    *http.Client // of services
	database  *sql.DB
	mail      *mail // nil: datagrams
	log       *slog.Logger

	ending context.Context // what was to happen later does not any more
	wings  sync.WaitGroup  // what goes on beside or later
	outer  sync.WaitGroup  // servers
	sends  atomic.Int64    // documents of the prologue
}

func openTheatre(ctx context.Context, w world, o Options) (t *theatre, err error) {
	t = &theatre{world: w, log: o.Log, ending: ctx, addresses: map[string][]string{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.close())
		}
	}()
	if o.Send != nil {
		t.mail = openMail(o.Send)
	}
	if t.functions, err = t.record(o, nil); err != nil {
		return t, err
	}
	for _, s := range services {
		recorder, err := t.record(o, s)
		if err != nil {
			return t, err
		}
		if err := t.listen(s.host, recorder.Handler(sdk.Fixed(s.name), t.serve(s))); err != nil {
			return t, err
		}
	}
	if err := t.listen(hostNames, http.HandlerFunc(t.strange)); err != nil {
		return t, err
	}
	t.transport = &http.Transport{MaxIdleConnsPerHost: 16}
	t.plain = &http.Client{Transport: t}
	t.traced = sdk.Client(&http.Client{Transport: t})
	t.database = sql.OpenDB(tracesql.Connector(database{}, tracesql.Options{DSN: databaseURL, DatabaseType: databaseType, Name: "history@" + hostDB}))
	t.database.SetMaxOpenConns(32)
	t.database.SetMaxIdleConns(32)
	return t, nil
}

// record makes what a service records itself with; nil is Lambda.
func (t *theatre) record(o Options, s *service) (*sdk.Recorder, error) {
	options := sdk.Options{Daemon: o.Daemon, Sampler: sdk.Always, Missing: sdk.IgnoreMissing, Log: o.Log}
	if t.mail != nil {
		options.Sink = t.mail
	}
	if o.BySamplingRules {
		options.Sampler = nil
	}
	if s != nil {
		options.ServiceVersion = s.version
		options.Platforms = []sdk.Platform{{Origin: s.origin, Name: s.platform, Data: s.machine}}
	}
	r, err := sdk.New(options)
	if err != nil {
		return nil, err
	}
	t.recorders = append(t.recorders, r)
	return r, nil
}

// listen serves a host on loopback.
func (t *theatre) listen(host string, h http.Handler) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("opening a port for %s: %w", host, err)
	}
	server := &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(t.log.Handler(), slog.LevelDebug)}
	t.servers = append(t.servers, server)
	t.addresses[host] = append(t.addresses[host], l.Addr().String())
	t.outer.Go(func() { _ = server.Serve(l) }) // ends with ErrServerClosed
	return nil
}

// RoundTrip implements http.RoundTripper: it finds hosts that do not exist. Which
// instance of a service answers is a matter of the dice.
func (t *theatre) RoundTrip(r *http.Request) (*http.Response, error) {
	at := t.addresses[r.URL.Host]
	if len(at) == 0 {
		return nil, fmt.Errorf("there is no %s in this demo", r.URL.Host)
	}
	dice, _ := strconv.ParseUint(r.Header.Get(headerDice), 10, 64)
	r = r.Clone(r.Context())
	r.Host, r.URL.Host = r.URL.Host, at[dice%uint64(len(at))]
	return t.transport.RoundTrip(r)
}

// newRequest writes a request as HTTP has it.
func newRequest(ctx context.Context, q request) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, q.method, "http://"+q.host+q.path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set(headerDice, strconv.FormatUint(q.dice, 10))
	r.Header.Set("User-Agent", q.agent)
	if q.user != "" {
		r.Header.Set(headerUser, q.user)
	}
	if q.clientIP != "" {
		r.Header.Set("X-Forwarded-For", q.clientIP)
	}
	return r, nil
}

// ask is a client with a request.
func (t *theatre) ask(q request) {
	r, err := newRequest(context.Background(), q)
	if err == nil {
		err = drain(t.plain.Do(r))
	}
	if err != nil {
		t.log.Warn("a client of the demo got no answer", "host", q.host, "path", q.path, "error", err)
	}
}

// drain reads an answer to its end, so that the connection can be used again.
func drain(answer *http.Response, err error) error {
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return errors.Join(err, answer.Body.Close())
}

// serve lets a service answer.
func (t *theatre) serve(s *service) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dice, _ := strconv.ParseUint(r.Header.Get(headerDice), 10, 64)
		q := request{host: r.Host, method: r.Method, path: r.URL.Path, user: r.Header.Get(headerUser), agent: r.UserAgent(), dice: dice}
		on := &live{theatre: t, ctx: context.WithoutCancel(r.Context()), recording: sdk.FromContext(r.Context())}
		answer := s.handle(newScene(on, t.world, q, s.version))
		answer.record(on)
		w.Header().Set("Content-Length", strconv.FormatInt(answer.length, 10))
		w.WriteHeader(answer.status)
		_, _ = io.CopyN(w, zeros{}, answer.length) // an error is the caller's, who has left
	})
}

// zeros is what all answers consist of.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// strange is the server that is not traced.
func (t *theatre) strange(w http.ResponseWriter, r *http.Request) {
	dice, _ := strconv.ParseUint(r.Header.Get(headerDice), 10, 64)
	took, status := stranger(t.world, time.Now(), dice)
	select {
	case <-time.After(took):
		w.WriteHeader(status)
	case <-r.Context().Done():
	}
}

// prologue sends what is written about the time before.
func (t *theatre) prologue(daemon string, now time.Time, random *rand.Rand) error {
	p := &paper{world: t.world, random: rand.New(rand.NewPCG(random.Uint64(), uint64(now.UnixNano())))}
	p.prologue(now)
	var send func(string) error
	if t.mail != nil {
		send = func(document string) error { return t.mail.Send([]byte(document)) }
	} else {
		conn, err := net.Dial("udp", daemon)
		if err != nil {
			return err
		}
		defer conn.Close()
		send = func(document string) error {
			_, err := io.WriteString(conn, "{\"format\": \"json\", \"version\": 1}\n"+document)
			return err
		}
	}
	for _, document := range p.documents {
		if err := send(document); err != nil {
			return fmt.Errorf("sending the first documents: %w", err)
		}
		t.sends.Add(1)
	}
	return nil
}

// sent counts documents.
func (t *theatre) sent() (sent, dropped int) {
	sent = int(t.sends.Load())
	for _, r := range t.recorders {
		stats := r.Stats()
		sent += int(stats.Sent)
		dropped += int(stats.Dropped + stats.Failed)
	}
	if t.mail != nil {
		lost := int(t.mail.lost.Load())
		sent, dropped = sent-lost, dropped+lost
	}
	return sent, dropped
}

// closeWithin is how long the end may take once all requests are answered.
const closeWithin = 5 * time.Second

// close waits for what still goes on, sends what was recorded, and ends.
func (t *theatre) close() (err error) {
	t.wings.Wait()
	if t.transport != nil {
		t.transport.CloseIdleConnections()
	}
	// In an incident a service may be at work for whom nobody waits any more. That
	// must not be the time in which what was recorded is sent.
	stopping, cut := context.WithTimeout(context.Background(), closeWithin)
	defer cut()
	for _, s := range t.servers {
		if s.Shutdown(stopping) != nil {
			err = errors.Join(err, s.Close())
		}
	}
	t.outer.Wait()
	sending, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	for _, r := range t.recorders {
		err = errors.Join(err, r.Close(sending))
	}
	if t.database != nil {
		err = errors.Join(err, t.database.Close())
	}
	if t.mail != nil {
		err = errors.Join(err, t.mail.close())
	}
	return err
}

// live is a stage on which things really happen.
type live struct {
	theatre   *theatre
	ctx       context.Context // in the segment
	recording *sdk.Segment
}

var _ stage = (*live)(nil)

func (l *live) now() time.Time { return time.Now() }

func (l *live) wait(d time.Duration) { time.Sleep(d) }

func (l *live) begin(name string) stage {
	ctx, s := sdk.BeginSub(l.ctx, name)
	return &live{l.theatre, ctx, s}
}

func (l *live) end() { l.recording.Close(nil) }

func (l *live) beside(name string, f func(stage)) {
	sub := l.begin(name)
	l.theatre.wings.Go(func() {
		f(sub)
		sub.end()
	})
}

func (l *live) segment(name, origin string, f func(stage)) {
	l.of(context.WithoutCancel(l.ctx), l.recording.Header(), name, origin, f)
}

// of runs f in a segment of Lambda.
func (l *live) of(ctx context.Context, h sdk.Header, name, origin string, f func(stage), links ...sdk.Link) {
	ctx, s := l.theatre.functions.Continue(ctx, name, h, sdk.Request{})
	s.SetOrigin(origin)
	for _, link := range links {
		s.AddLink(link)
	}
	f(&live{l.theatre, ctx, s})
	s.Close(nil)
}

func (l *live) later(after time.Duration, name, origin string, f func(stage)) {
	h := l.recording.Header()
	link := sdk.Link{TraceID: l.recording.TraceID(), ID: l.recording.ID()}
	l.theatre.wings.Go(func() {
		select {
		case <-time.After(after):
		case <-l.theatre.ending.Done():
			return
		}
		if h.Sampled == sdk.Sampled {
			l.of(context.Background(), sdk.Header{Sampled: sdk.Sampled}, name, origin, f, link)
		} else {
			l.of(context.Background(), sdk.Header{Sampled: h.Sampled}, name, origin, f)
		}
	})
}

func (l *live) call(q request, limit time.Duration) (status int, err error) {
	ctx, cancel := context.WithTimeout(l.ctx, limit)
	defer cancel()
	r, err := newRequest(ctx, q)
	if err != nil {
		return 0, err
	}
	answer, err := l.theatre.traced.Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, drain(answer, nil)
}

func (l *live) query(q query) error {
	rows, err := l.theatre.database.QueryContext(context.WithValue(l.ctx, queryKey{}, q), q.text)
	if err != nil {
		return err
	}
	return errors.Join(rows.Err(), rows.Close())
}

func (l *live) user(name string)          { l.recording.SetUser(name) }
func (l *live) namespace(name string)     { l.recording.SetNamespace(name) }
func (l *live) arn(name string)           { l.recording.SetResourceARN(name) }
func (l *live) aws(key string, value any) { l.check(l.recording.SetAWS(key, value)) }

func (l *live) annotate(key string, value any) { l.check(l.recording.Annotate(key, value)) }

func (l *live) metadata(namespace, key string, value any) {
	l.check(l.recording.AddMetadataTo(namespace, key, value))
}

// check panics: what services say of themselves is in this package.
func (l *live) check(err error) {
	if err != nil {
		panic(err)
	}
}

func (l *live) answered(status int, length int64) {
	l.recording.SetHTTPResponse(sdk.HTTPResponse{Status: status, ContentLength: length})
}

func (l *live) failed(err error, what outcome) {
	l.recording.AddError(err)
	l.recording.SetFault(what == fault)
	l.recording.SetError(what != fault)
	l.recording.SetThrottle(what == throttled)
}

// database is a driver whose queries take the time, and fail, as their context
// says.
type database struct{}

type queryKey struct{}

func (database) Connect(context.Context) (driver.Conn, error) { return connection{}, nil }
func (database) Driver() driver.Driver                        { return database{} }
func (database) Open(string) (driver.Conn, error)             { return connection{}, nil }
func (database) Version() string                              { return driverVersion }

type connection struct{}

var errOnlyQueries = errors.New("the database of the demo answers queries only")

func (connection) Prepare(string) (driver.Stmt, error) { return nil, errOnlyQueries }
func (connection) Begin() (driver.Tx, error)           { return nil, errOnlyQueries }
func (connection) Close() error                        { return nil }

func (connection) QueryContext(ctx context.Context, _ string, _ []driver.NamedValue) (driver.Rows, error) {
	q, _ := ctx.Value(queryKey{}).(query)
	time.Sleep(q.took)
	return noRows{}, q.err
}

type noRows struct{}

func (noRows) Columns() []string         { return []string{"game"} }
func (noRows) Close() error              { return nil }
func (noRows) Next([]driver.Value) error { return io.EOF }

// mail gathers documents and sends them as PutTraceSegments takes them.
type mail struct {
	send  func(context.Context, []string) error
	queue chan string
	done  chan struct{}
	lost  atomic.Int64

	mu  sync.Mutex // guards err
	err error
}

// A call carries at most so many documents, and none waits longer than linger.
const (
	mailDocuments = 50
	mailLinger    = 100 * time.Millisecond
)

func openMail(send func(context.Context, []string) error) *mail {
	m := &mail{send: send, queue: make(chan string, 4096), done: make(chan struct{})}
	go m.run()
	return m
}

var errMailFull = errors.New("too many documents wait to be sent")

// Send implements sdk.Sink.
func (m *mail) Send(document []byte) error {
	select {
	case m.queue <- string(document):
		return nil
	default:
		return errMailFull
	}
}

func (m *mail) run() {
	defer close(m.done)
	var batch []string
	deliver := func() {
		if len(batch) == 0 {
			return
		}
		if err := m.send(context.Background(), batch); err != nil {
			m.lost.Add(int64(len(batch)))
			m.mu.Lock()
			m.err = err
			m.mu.Unlock()
		}
		batch = nil
	}
	for timer := time.NewTicker(mailLinger); ; {
		select {
		case document, open := <-m.queue:
			if !open {
				timer.Stop()
				deliver()
				return
			}
			if batch = append(batch, document); len(batch) == mailDocuments {
				deliver()
			}
		case <-timer.C:
			deliver()
		}
	}
}

// close sends what is left and returns the last error there was.
func (m *mail) close() error {
	close(m.queue)
	<-m.done
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}
