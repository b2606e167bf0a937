package tracesql_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/tomotrace/tomo/sdk"
	"github.com/tomotrace/tomo/sdk/internal/sdktest"
	"github.com/tomotrace/tomo/sdk/tracesql"
)

// base is a database that answers "one" to everything but "bad".
type base struct{}

func (base) Open(string) (driver.Conn, error) { return oldConn{}, nil }

// oldConn knows only what a driver must.
type oldConn struct{}

func (oldConn) Prepare(q string) (driver.Stmt, error) { return oldStmt{q}, nil }
func (oldConn) Close() error                          { return nil }
func (oldConn) Begin() (driver.Tx, error)             { return tx{}, nil }

type tx struct{}

func (tx) Commit() error   { return nil }
func (tx) Rollback() error { return nil }

type oldStmt struct{ query string }

func (oldStmt) Close() error  { return nil }
func (oldStmt) NumInput() int { return -1 }
func (s oldStmt) Exec([]driver.Value) (driver.Result, error) {
	if s.query == "bad" {
		return nil, errors.New("syntax")
	}
	return driver.RowsAffected(1), nil
}

func (s oldStmt) Query([]driver.Value) (driver.Rows, error) {
	if s.query == "bad" {
		return nil, errors.New("syntax")
	}
	if strings.Contains(s.query, "current_database") {
		return &rows{values: []driver.Value{"16.2", "shop", "orders"}}, nil
	}
	return &rows{values: []driver.Value{"one"}}, nil
}

type rows struct {
	values []driver.Value
	done   bool
}

func (r *rows) Columns() []string { return make([]string, len(r.values)) }
func (*rows) Close() error        { return nil }
func (r *rows) Next(to []driver.Value) error {
	if r.done {
		return io.EOF
	}
	r.done = true
	copy(to, r.values)
	return nil
}

// newConn knows contexts and fast paths.
type newConn struct{ oldConn }

func (newConn) ExecContext(_ context.Context, q string, _ []driver.NamedValue) (driver.Result, error) {
	switch q {
	case "skip":
		return nil, driver.ErrSkip
	case "bad":
		return nil, errors.New("syntax")
	case "panic":
		panic("driver")
	}
	return driver.RowsAffected(2), nil
}

func (newConn) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return &rows{values: []driver.Value{"one"}}, nil
}
func (newConn) Ping(context.Context) error { return nil }

type connectorOf struct{ conn driver.Conn }

func (c connectorOf) Connect(context.Context) (driver.Conn, error) { return c.conn, nil }
func (connectorOf) Driver() driver.Driver                          { return base{} }

func init() { sql.Register("postgres", base{}) }

type sub struct {
	Name, Namespace string
	Fault           bool
	SQL             map[string]string
}

// during records what f does with a database.
func during(t *testing.T, db *sql.DB, f func(context.Context)) []sub {
	t.Helper()
	t.Cleanup(func() { db.Close() })
	s := new(sdktest.Sink)
	r, err := sdk.New(sdk.Options{Sampler: sdk.Always, Sink: s})
	if err != nil {
		t.Fatal(err)
	}
	ctx, seg := r.Begin(t.Context(), "shop")
	f(ctx)
	seg.Close(nil)
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(s.Documents()) != 1 {
		t.Fatalf("%d documents", len(s.Documents()))
	}
	var d struct{ Subsegments []sub }
	if err := json.Unmarshal(s.Documents()[0], &d); err != nil {
		t.Fatal(err)
	}
	return d.Subsegments
}

func TestOpen(t *testing.T) {
	db, err := tracesql.Open("postgres", "postgres://shop:secret@db.example:5432/orders?sslmode=off&password=secret", tracesql.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := during(t, db, func(ctx context.Context) {
		var one string
		if err := db.QueryRowContext(ctx, "select 1").Scan(&one); err != nil || one != "one" {
			t.Errorf("%q, %v", one, err)
		}
		if _, err := db.ExecContext(ctx, "bad"); err == nil {
			t.Error("no error")
		}
		if _, err := db.ExecContext(context.Background(), "elsewhere"); err != nil {
			t.Error(err)
		}
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			t.Error(err)
		}
	})
	if len(got) != 3 || got[0].SQL["sanitized_query"] != "CONNECT" {
		t.Fatalf("%+v", got)
	}
	got = got[1:]
	want := map[string]string{
		"url": "postgres://shop@db.example:5432/orders?sslmode=off", "database_type": "Postgres", "user": "shop", "preparation": "statement",
		"driver_version": "github.com/tomotrace/tomo/sdk/tracesql_test", "sanitized_query": "select 1",
	}
	if got[0].Name != "orders@db.example" || got[0].Namespace != "remote" || got[0].Fault {
		t.Errorf("%+v", got[0])
	}
	for k, v := range want {
		if got[0].SQL[k] != v {
			t.Errorf("%s is %q, want %q", k, got[0].SQL[k], v)
		}
	}
	if !got[1].Fault {
		t.Errorf("%+v: no fault", got[1])
	}
}

func TestConnector(t *testing.T) {
	db := sql.OpenDB(tracesql.Connector(connectorOf{newConn{}}, tracesql.Options{DSN: "host=h dbname=d password='a b' user=u", HideQueries: true}))
	db.SetMaxOpenConns(1)
	got := during(t, db, func(ctx context.Context) {
		if err := db.PingContext(ctx); err != nil {
			t.Error(err)
		}
		for _, q := range []string{"good", "skip"} {
			if _, err := db.ExecContext(ctx, q); err != nil {
				t.Error(err)
			}
		}
		func() {
			defer func() { recover() }()
			db.ExecContext(ctx, "panic")
		}()
	})
	var names []string
	for _, s := range got {
		if s.SQL["sanitized_query"] != "" || strings.Contains(s.SQL["connection_string"], "a b") {
			t.Errorf("%+v tells secrets", s)
		}
		names = append(names, s.Name)
	}
	// connect, ping, good, skip twice: the fast path and the statement; panic.
	if len(got) != 6 || names[0] != "d@h" || !got[5].Fault || got[3].Fault {
		t.Errorf("%+v", got)
	}
}

func TestDetect(t *testing.T) {
	db, err := tracesql.Open("postgres", "postgres://shop@db.example/x", tracesql.Options{Detect: true})
	if err != nil {
		t.Fatal(err)
	}
	got := during(t, db, func(ctx context.Context) {
		if err := db.PingContext(ctx); err != nil {
			t.Error(err)
		}
	})
	if len(got) != 2 || got[0].Name != "orders@db.example" || got[0].SQL["database_version"] != "16.2" || got[0].SQL["user"] != "shop" {
		t.Errorf("%+v", got)
	}
}
