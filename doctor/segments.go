package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
)

// probeName is the name of the segments that a doctor sends.
const probeName = "tomo-doctor"

// checkSegments sends one segment by HTTP and another of the same trace as a
// datagram, and looks for both.
func (e *examination) checkSegments(ctx context.Context) {
	to, problem := e.daemonAddress()
	switch {
	case e.server == nil:
		return
	case e.o.Mode == ReadOnly:
		e.skip("segments", "Nothing was to be sent.")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime+e.o.Patience)
	defer cancel()
	now := e.o.Now()
	trace := tomo.NewTraceID(now)
	documents := [2]tomo.SegmentID{tomo.NewSegmentID(), tomo.NewSegmentID()}
	e.put(ctx, document(trace, documents[0], now))
	if problem != "" {
		return // checkEnvironment tells
	}

	const check = "datagrams"
	before := e.figures
	conn, err := net.Dial("udp", to)
	if err != nil {
		e.fail(check, "Correct AWS_XRAY_DAEMON_ADDRESS, or make the name known to the resolver.", "Datagrams cannot be sent to %s: %v.", to, err)
		return
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "{\"format\": \"json\", \"version\": 1}\n%s", document(trace, documents[1], now)); err != nil {
		e.fail(check, "Look at the network of this machine and its firewall.", "A datagram to %s cannot be sent: %v.", to, err)
		return
	}
	sent := time.Now()
	for {
		answer, err := e.client.BatchGetTraces(ctx, []string{trace.String()})
		if exception(err) == api.AccessDeniedException {
			e.skip(check, "A datagram was sent to %s; whether it came cannot be told, as this credential may not read traces.", to)
			return
		}
		if err != nil {
			if wanted := exception(err); wanted == "" || e.o.Keys.AccessKeyID != "" {
				e.fail(check, "Look into the log of the server.", "The trace that was sent cannot be read: %v.", err)
			} else {
				e.skip(check, "A datagram was sent to %s; whether it came cannot be told without credentials.", to)
			}
			return
		}
		for i := range answer.Traces {
			for _, s := range answer.Traces[i].Segments {
				if s.ID == documents[1].String() {
					e.ok(check, "A datagram to %s was found %s later.", to, span(time.Since(sent)))
					return
				}
			}
		}
		if refused(conn) {
			found, remedy := e.deaf(to)
			e.fail(check, remedy, "%s", found)
			return
		}
		if time.Since(sent) > e.o.Patience || ctx.Err() != nil {
			found, remedy := e.lostDatagram(ctx, to, before)
			e.fail(check, remedy, "%s", found)
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func document(trace tomo.TraceID, id tomo.SegmentID, at time.Time) string {
	start := float64(at.UnixMicro()) / 1e6
	return fmt.Sprintf(`{"trace_id":"%v","id":"%v","name":"%s","start_time":%.6f,"end_time":%.6f}`, trace, id, probeName, start, start)
}

// put sends a document by HTTP.
func (e *examination) put(ctx context.Context, document string) {
	const check = "put"
	answer, err := e.client.PutTraceSegments(ctx, []string{document})
	switch {
	case exception(err) == api.AccessDeniedException:
		e.skip(check, "This credential may not send segments.")
	case exception(err) == api.ServiceUnavailable:
		e.fail(check, "Look into the log of the server: most often its disk is full or its memory short.", "The server takes no segments: %v.", err)
	case exception(err) == api.ThrottledException:
		e.warn(check, "Raise --quota of the server, or sample less.", "The server takes no more segments of this tenant now: %v.", err)
	case exception(err) != "" && e.o.Keys.AccessKeyID == "":
		e.skip(check, "No segment can be sent without credentials.")
	case err != nil:
		e.fail(check, "Look into the log of the server.", "A segment cannot be sent: %v.", err)
	case len(answer.UnprocessedTraceSegments) > 0:
		e.fail(check, "Look at the clock of this machine and at --strict-trace-ids of the server.", "A segment was refused: %v.", refusal(answer))
	default:
		e.ok(check, "A segment was sent and acknowledged.")
	}
}

func refusal(answer *api.PutTraceSegmentsResponse) string {
	var b bytes.Buffer
	_ = api.Encode(&b, answer.UnprocessedTraceSegments[0]) // our own shape
	return b.String()
}

// refused reports whether the other side said that nobody listens.
func refused(conn net.Conn) bool {
	_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := conn.Read(make([]byte, 1))
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && errors.Is(err, syscall.ECONNREFUSED)
}

// deaf says why nobody listens for datagrams.
func (e *examination) deaf(to string) (found, remedy string) {
	found = fmt.Sprintf("Nobody listens for datagrams at %s.", to)
	switch {
	case e.env["AWS_XRAY_DAEMON_ADDRESS"] != "" && to != e.endpoint.Host:
		remedy = fmt.Sprintf("AWS_XRAY_DAEMON_ADDRESS names that address: set it to %s, or start a daemon there.", e.hostPort())
	case !e.server.open:
		remedy = "With credentials and an address that is not loopback the server opens the datagram door only if --udp-tenant says whose the segments are; or run a daemon beside the application."
	default:
		remedy = "Set AWS_XRAY_DAEMON_ADDRESS to where the server listens, and publish the port of a container for UDP too (2000/udp)."
	}
	return found, remedy
}

// lostDatagram says where a datagram went that did not come, by what the server
// counted meanwhile.
func (e *examination) lostDatagram(ctx context.Context, to string, before figures) (found, remedy string) {
	found = fmt.Sprintf("A datagram to %s was not found within %s.", to, span(e.o.Patience))
	const received, dropped = "tomo_udp_datagrams_total", "tomo_udp_dropped_documents_total"
	e.readFigures(context.WithoutCancel(ctx))
	after := e.figures
	more := func(name string) bool { return before != nil && after != nil && after[name] > before[name] }
	switch {
	case e.env["AWS_XRAY_DAEMON_ADDRESS"] != "" && to != e.endpoint.Host:
		remedy = fmt.Sprintf("AWS_XRAY_DAEMON_ADDRESS names that address: set it to %s, or point the daemon there at this server.", e.hostPort())
	case after != nil && !after.has(received):
		remedy = "The server's datagram door is closed: with credentials and an address that is not loopback it opens only if --udp-tenant says whose the segments are."
	case more(dropped):
		remedy = "The server had to drop documents: look at tomo losses, its disk and its load."
	case more(received):
		remedy = "The server received datagrams meanwhile: they may belong to another tenant than this credential. See --udp-tenant."
	default:
		remedy = "Datagrams are lost on the way: look for a firewall that lets only TCP through, and publish the port of a container for UDP too (2000/udp)."
	}
	return found, remedy
}

// daemonAddress is where an X-Ray SDK with this environment sends datagrams. A
// problem is why it sends none.
func (e *examination) daemonAddress() (address, problem string) {
	if text := strings.TrimSpace(e.env["AWS_XRAY_DAEMON_ADDRESS"]); text != "" {
		udp, _, err := parseDaemonAddress(text)
		if err != nil {
			return "", err.Error()
		}
		return udp, ""
	}
	if e.endpoint == nil {
		return "127.0.0.1:2000", ""
	}
	return e.hostPort(), ""
}

// hostPort is the address of the endpoint, with its port.
func (e *examination) hostPort() string {
	port := e.endpoint.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[e.endpoint.Scheme]
	}
	return net.JoinHostPort(e.endpoint.Hostname(), port)
}
