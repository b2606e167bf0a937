package doctor

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net/http"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/tomotrace/tomo/api"
)

// figures are the server's metrics: sums over all labels, and beside them, as
// NAME{REASON}, those of each reason.
type figures map[string]float64

func (f figures) has(name string) bool { _, ok := f[name]; return ok }

func parseFigures(text []byte) (figures, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	f := figures{}
	for name, family := range families {
		for _, m := range family.Metric {
			value := m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
			f[name] += value
			for _, label := range m.Label {
				if label.GetName() == "reason" {
					f[name+"{"+label.GetValue()+"}"] += value
				}
			}
		}
	}
	return f, nil
}

// readFigures gets the metrics.
func (e *examination) readFigures(ctx context.Context) {
	if e.server == nil {
		return
	}
	e.figures = nil
	page, err := get(ctx, e.client, "/metrics")
	switch {
	case err != nil:
		e.noFigure = err.Error()
	case page.Status != http.StatusOK:
		e.noFigure = api.ParseError(page.Status, page.Header, page.Body).Error()
	default:
		if e.figures, err = parseFigures(page.Body); err != nil {
			e.noFigure = "the server's metrics cannot be read: " + err.Error()
		}
	}
}

// checkLosses looks at what the server counted since it started.
func (e *examination) checkLosses(context.Context) {
	f := e.figures
	if e.server == nil {
		return
	}
	if f == nil {
		e.skip("losses", "The server's figures cannot be had: %s", e.noFigure)
		return
	}
	bad := false
	for _, is := range []struct{ name, found, remedy string }{
		{"tomo_udp_kernel_dropped_datagrams_total", "datagrams were dropped by the kernel as the server's receive buffer was full",
			"Give the server a larger buffer: " + enlarge + ", kept in /etc/sysctl.d/; then restart it. If it is large, the server is too slow: give it more processor time."},
		{"tomo_udp_dropped_documents_total", "documents of datagrams were dropped as the queue was full or the store took none",
			"Look at the disk of the server (free space, speed) and at its load; sample less."},
		{"tomo_udp_rejected_datagrams_total", "datagrams came without a good header or without a document",
			"Find who sends them: tomo losses lists the latest. Another program may send to this port."},
		{"tomo_lost_documents_total{refused}", "documents were refused as not valid",
			"tomo losses lists the latest with the reason."},
		{"tomo_log_failed_commits_total", "writes to the log failed and were not acknowledged",
			"Look at the disk of the server (space, quota, health) and at its log."},
		{"tomo_settle_failed_rounds_total", "rounds of settling failed",
			"Look at the disk of the server (space, quota, health) and at its log."},
	} {
		if n := f[is.name]; n > 0 {
			bad = true
			e.warn("losses", is.remedy, "Since the server started %.0f %s.", n, is.found)
		}
	}
	if !bad {
		e.ok("losses", "The server has dropped and refused nothing since it started.")
	}
	if lag := f["tomo_settle_lag_seconds"]; lag > 600 && f["tomo_open_bytes"] > 64<<20 {
		e.warn("settling", "Look at the disk and the load of the server; its log tells of failed rounds.", "The server is %.0f minutes behind with settling traces.", lag/60)
	}
	if most := f["process_max_fds"]; most > 0 {
		switch open := f["process_open_fds"]; {
		case open > 0.8*most:
			e.warn("files", "Raise the limit: LimitNOFILE= of the unit, or ulimit -n.", "The server has %.0f of at most %.0f files open.", open, most)
		default:
			e.ok("files", "The server has %.0f of at most %.0f files open.", open, most)
		}
	}
}

// checkMemory holds the memory that the server allows itself against what it may
// have.
func (e *examination) checkMemory(context.Context) {
	const check = "memory"
	const unlimited = math.MaxInt64 // as Go has it
	figure := e.figures["go_gc_gomemlimit_bytes"]
	switch {
	case e.server == nil:
		return
	case !e.local():
		e.skip(check, "The server is on another machine.")
		return
	case figure <= 0:
		e.skip(check, "The server's memory limit is not known.")
		return
	case figure >= unlimited:
		e.warn(check, "Unset GOMEMLIMIT for it, or give it a size such as 400MiB.", "The server has no memory limit: GOMEMLIMIT is off.")
		return
	}
	limit := int64(figure)
	most, where := e.o.Machine.memory(e.owners.tcp.pid)
	if most == 0 {
		e.skip(check, "What memory the server may have is not known.")
		return
	}
	remedy := fmt.Sprintf("Give it %s, or set GOMEMLIMIT=%dMiB for it.", size(limit*5/4), max(64, most*4/5>>20))
	switch {
	case most <= limit:
		e.fail(check, remedy, "The server's memory limit is %s, but %s is %s: it will be killed under load.", size(limit), where, size(most))
	case most < limit*6/5:
		e.warn(check, remedy, "The server's memory limit is %s and %s is %s, which leaves too little for the rest.", size(limit), where, size(most))
	default:
		e.ok(check, "The server's memory limit is %s, %s is %s.", size(limit), where, size(most))
	}
}
