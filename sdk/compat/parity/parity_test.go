// Package parity runs a program against the official X-Ray SDK for Go and,
// with other import paths, against compat, and compares what the two send.
package parity

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomotrace/tomo/sdk/compat/parity/moved"
	"github.com/tomotrace/tomo/sdk/compat/parity/official"
)

// TestSource holds the two programs to be the same but for their imports.
func TestSource(t *testing.T) {
	body := func(name string) string {
		text, err := os.ReadFile(name + "/program.go")
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), "import (")
		return strings.ReplaceAll(rest, "github.com/aws/aws-xray-sdk-go/", "github.com/tomotrace/tomo/sdk/compat/")
	}
	if diff := cmp.Diff(body("official"), body("moved")); diff != "" {
		t.Error(diff)
	}
}

// documents is how many the program sends, a segment that is sent again not counted.
const documents = 7

func TestDocuments(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, err := strconv.Atoi(r.URL.Path[1:])
		if err != nil {
			status = 400
		}
		if !strings.Contains(r.Header.Get("X-Amzn-Trace-Id"), "Sampled=") {
			t.Errorf("a request carries %q", r.Header.Get("X-Amzn-Trace-Id"))
		}
		w.WriteHeader(status)
	}))
	defer upstream.Close()
	type result struct {
		seen []string
		docs []any
	}
	run := func(f func(daemon, upstream, driver string, log *strings.Builder) ([]string, error)) (result, string) {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		var log strings.Builder
		seen, err := f(c.LocalAddr().String(), upstream.URL, "shopdb", &log)
		if err != nil {
			t.Fatal(err)
		}
		return result{seen, receive(t, c, documents)}, log.String()
	}
	want, wantLog := run(official.Run)
	got, gotLog := run(moved.Run)
	if diff := cmp.Diff(want.seen, got.seen); diff != "" {
		t.Errorf("what callers see (-official +moved):\n%s", diff)
	}
	if diff := cmp.Diff(want.docs, got.docs); diff != "" {
		t.Errorf("documents (-official +moved):\n%s", diff)
	}
	for _, log := range []string{wantLog, gotLog} {
		if !strings.Contains(log, "Suppressing AWS X-Ray context missing panic: failed to begin subsegment named 'nowhere': segment cannot be found.") {
			t.Errorf("the log is %q", log)
		}
	}
}

// receive takes so many documents and makes them comparable.
func receive(t *testing.T, c net.PacketConn, documents int) []any {
	t.Helper()
	byID := map[string]map[string]any{}
	var order []string
	buf := make([]byte, 1<<16)
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		n, _, err := c.ReadFrom(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) && len(byID) == documents {
			break
		}
		if err != nil {
			t.Fatalf("after the documents %v: %v", byID, err)
		}
		line, document, _ := bytes.Cut(buf[:n], []byte("\n"))
		var head struct {
			Format  string
			Version int
		}
		if err := json.Unmarshal(line, &head); err != nil || head.Format != "json" || head.Version != 1 {
			t.Fatalf("header %s", line)
		}
		var d map[string]any
		if err := json.Unmarshal(document, &d); err != nil {
			t.Fatalf("%v in %s", err, document)
		}
		id := d["id"].(string)
		if byID[id] == nil {
			order = append(order, id)
		}
		byID[id] = d // one that is sent again replaces the one before
		if len(byID) == documents {
			c.SetReadDeadline(time.Now().Add(500 * time.Millisecond)) // for those that are sent again
		}
	}
	var list []any
	for _, id := range order {
		d := byID[id]
		normalise(t, d, true)
		list = append(list, d)
	}
	// A segment and one that it waits for may come in either order.
	key := func(d any) string { return fmt.Sprint(d.(map[string]any)["name"], d.(map[string]any)["http"]) }
	slices.SortStableFunc(list, func(a, b any) int { return strings.Compare(key(a), key(b)) })
	return list
}

// normalise takes out of d what differs by nature: ids, times, stacks and the name of the SDK.
func normalise(t *testing.T, d map[string]any, top bool) {
	t.Helper()
	end, ended := d["end_time"].(float64)
	if start := d["start_time"].(float64); ended && end < start || time.Since(time.UnixMicro(int64(start*1e6))).Abs() > time.Minute {
		t.Errorf("%v lasts from %v to %v", d["name"], start, end)
	}
	// When the official SDK sends a segment again, subsegments are in it twice.
	seen := map[any]bool{}
	if all := list(d["subsegments"]); all != nil {
		d["subsegments"] = slices.DeleteFunc(all, func(s any) bool {
			id := s.(map[string]any)["id"]
			again := seen[id]
			seen[id] = true
			return again
		})
	}
	for _, key := range []string{"id", "start_time", "end_time", "Dummy"} {
		delete(d, key)
	}
	if trace, _ := d["trace_id"].(string); top && trace != "1-5759e988-bd862e3fe1be46a994272793" {
		d["trace_id"] = "a new one"
	}
	if parent, _ := d["parent_id"].(string); top && parent != "" && parent != "53995c3f42cd8ad8" {
		d["parent_id"] = "of this run"
	}
	if !top {
		// The official SDK names the root for the parent here, at any depth.
		delete(d, "trace_id")
		delete(d, "parent_id")
	}
	if aws, ok := d["aws"].(map[string]any); ok {
		if _, ok := aws["xray"]; ok {
			aws["xray"] = "the SDK"
		}
		// The official SDK names also the parameters that are not there.
		maps.DeleteFunc(aws, func(_ string, value any) bool { return value == nil })
	}
	if sql, ok := d["sql"].(map[string]any); ok {
		sql["driver_version"] = "the driver"
	}
	if m, ok := d["http"].(map[string]any); ok {
		// An empty response is nothing.
		if r, ok := m["response"].(map[string]any); ok && len(r) == 0 {
			delete(m, "response")
		}
		if q, ok := m["request"].(map[string]any); ok {
			if url, ok := q["url"].(string); ok {
				q["url"] = loopback.ReplaceAllString(url, "upstream")
			}
		}
	}
	if cause, ok := d["cause"].(map[string]any); ok {
		for _, x := range cause["exceptions"].([]any) {
			x := x.(map[string]any)
			delete(x, "id")
			// The official SDK leaves out the function that closes a segment with an
			// error; the others are there in both.
			if len(x["stack"].([]any)) == 0 {
				t.Errorf("%v has no stack", x)
			}
			delete(x, "stack")
			if message, ok := x["message"].(string); ok {
				x["message"] = loopback.ReplaceAllString(message, "upstream")
			}
		}
	}
	if d["name"] == "attempt" {
		// Whether the answer comes before the hook that tells of the request is a
		// matter of luck. The test of hooks looks at these two.
		d["subsegments"] = slices.DeleteFunc(list(d["subsegments"]), func(s any) bool {
			name := s.(map[string]any)["name"]
			return name == "request" || name == "response"
		})
	}
	for _, s := range list(d["subsegments"]) {
		normalise(t, s.(map[string]any), false)
	}
}

// loopback is an address that is another one in each run.
var loopback = regexp.MustCompile(`127\.0\.0\.1:\d+(->127\.0\.0\.1:\d+)?`)

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func init() { sql.Register("shopdb", shopDriver{}) }

// shopDriver is a database that knows what it is asked.
type shopDriver struct{}

func (shopDriver) Open(string) (driver.Conn, error) { return conn{}, nil }

type conn struct{}

func (conn) Prepare(q string) (driver.Stmt, error) { return stmt(q), nil }
func (conn) Close() error                          { return nil }
func (conn) Begin() (driver.Tx, error)             { return nil, errors.New("no transactions") }

func (conn) ExecContext(_ context.Context, q string, _ []driver.NamedValue) (driver.Result, error) {
	if q == "bad" {
		return nil, errors.New("syntax error")
	}
	return driver.RowsAffected(1), nil
}

type stmt string

func (stmt) Close() error                               { return nil }
func (stmt) NumInput() int                              { return -1 }
func (stmt) Exec([]driver.Value) (driver.Result, error) { return driver.RowsAffected(1), nil }
func (s stmt) Query([]driver.Value) (driver.Rows, error) {
	if strings.Contains(string(s), "current_database()") {
		return &rows{[]driver.Value{"16.2", "shop", "orders"}}, nil
	}
	return &rows{[]driver.Value{"1"}}, nil
}

type rows struct{ next []driver.Value }

func (r *rows) Columns() []string { return make([]string, len(r.next)) }
func (*rows) Close() error        { return nil }
func (r *rows) Next(to []driver.Value) error {
	if r.next == nil {
		return io.EOF
	}
	copy(to, r.next)
	r.next = nil
	return nil
}
