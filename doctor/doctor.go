// Package doctor checks an installation of Tomo as its user would: it asks the
// server, sends it a segment and looks for it, looks at the machine and at the
// environment, and says what is wrong and what to do about it.
//
//	what a server answers ─┐
//	what a machine tells  ─┼→ Check → findings, each with a verdict and a remedy
//	an environment        ─┘
//
// A check that cannot be made, because the server is on another machine or a
// file is somebody else's, is a finding too: Skipped, with the reason. Nothing is
// changed but for one trace of the name tomo-doctor, and a file in the data
// directory that is removed at once.
package doctor

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/tomotrace/tomo/client"
)

// Verdict is how a check ended.
type Verdict int

// The verdicts, from good to bad.
const (
	OK      Verdict = iota
	Skipped         // not checked; Found says why
	Warn            // works, but not well, or not for long
	Fail            // does not work
)

var verdicts = [...]string{"ok", "skipped", "warn", "fail"}

func (v Verdict) String() string { return verdicts[v] }

// MarshalText writes the verdict as String does.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Finding is what one check found.
type Finding struct {
	Check   string // such as clock
	Verdict Verdict
	Found   string // a sentence
	Remedy  string `json:",omitempty"` // what to do; never empty for Warn and Fail
}

// Report is what all checks found, in the order in which they were made.
type Report struct {
	Endpoint string
	Findings []Finding
}

// Count is how many findings have the verdict.
func (r *Report) Count(v Verdict) (n int) {
	for _, f := range r.Findings {
		if f.Verdict == v {
			n++
		}
	}
	return n
}

// Options say what is looked at.
type Options struct {
	// Endpoint is where the server is, a URL. Required.
	Endpoint string
	// Keys are what requests are signed with, if there are any.
	Keys client.Keys
	// Environ is the environment of an application, as os.Environ gives it.
	Environ []string
	// Data is the data directory of the server. What is about it is skipped where
	// it is not on this machine. "": skipped.
	Data string
	// Retention is how long the server keeps traces. 0: 30 days.
	Retention time.Duration
	// Secrets are files that only their owner should be able to read. Those that
	// are not there are passed over.
	Secrets []string
	// Version is ours.
	Version string
	// Mode says whether a segment may be sent. The zero value sends one.
	Mode Mode
	// Patience is how long a datagram may take until it is found. 0: 5 seconds.
	Patience time.Duration
	// Machine is the machine we are on. nil: ThisMachine.
	Machine *Machine
	// Now is the clock. nil: time.Now.
	Now func() time.Time
}

// Mode says what a doctor may do.
type Mode int

// The modes.
const (
	Probing  Mode = iota // sends a trace of two segments
	ReadOnly             // sends nothing
)

// requestTime bounds one request. A server in health answers in milliseconds.
const requestTime = 10 * time.Second

// examination is one run of all checks: what was found, and what later checks
// need of earlier ones.
type examination struct {
	o        Options
	report   Report
	env      map[string]string
	endpoint *url.URL
	client   *client.Client // signs, if there are keys
	server   *answers       // nil: no Tomo answers
	owners   owners
	figures  figures // nil: not to be had
	noFigure string  // why
}

// Check makes all checks. It ends early, with the checks made so far, when ctx
// does.
func Check(ctx context.Context, o Options) *Report {
	o.Retention = cmp.Or(o.Retention, 30*24*time.Hour)
	o.Patience = cmp.Or(o.Patience, 5*time.Second)
	if o.Machine == nil {
		o.Machine = ThisMachine()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	e := &examination{o: o, report: Report{Endpoint: o.Endpoint, Findings: []Finding{}}, env: map[string]string{}}
	for _, line := range o.Environ {
		if name, value, ok := strings.Cut(line, "="); ok {
			e.env[name] = value
		}
	}
	for _, check := range []func(context.Context){
		e.checkEndpoint,
		e.checkPorts,
		e.checkServer,
		e.checkCredentials,
		e.readFigures,
		e.checkSegments,
		e.checkLosses,
		e.checkSockets,
		e.checkMemory,
		e.checkData,
		e.checkSecrets,
		e.checkEnvironment,
	} {
		if ctx.Err() != nil {
			break
		}
		check(ctx)
	}
	return &e.report
}

func (e *examination) add(check string, v Verdict, found, remedy string) {
	e.report.Findings = append(e.report.Findings, Finding{check, v, found, remedy})
}

func (e *examination) ok(check, format string, args ...any) {
	e.add(check, OK, fmt.Sprintf(format, args...), "")
}

func (e *examination) skip(check, format string, args ...any) {
	e.add(check, Skipped, fmt.Sprintf(format, args...), "")
}

func (e *examination) warn(check, remedy, format string, args ...any) {
	e.add(check, Warn, fmt.Sprintf(format, args...), remedy)
}

func (e *examination) fail(check, remedy, format string, args ...any) {
	e.add(check, Fail, fmt.Sprintf(format, args...), remedy)
}

// size writes bytes for people.
func size(n int64) string {
	for _, unit := range []struct {
		name string
		size int64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= unit.size {
			return fmt.Sprintf("%.3g %s", float64(n)/float64(unit.size), unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// span writes a duration for people.
func span(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%.0f days", d.Hours()/24)
	case d >= time.Second:
		return d.Round(time.Second).String()
	default:
		return d.Round(10 * time.Microsecond).String()
	}
}
