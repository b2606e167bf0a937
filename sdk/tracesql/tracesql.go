// Package tracesql makes what a program asks of its database subsegments: each
// connect, ping, exec and query, prepared or not, through database/sql.
//
//	db, err := tracesql.Open("postgres", "postgres://shop@db.example/orders", tracesql.Options{})
//	...
//	rows, err := db.QueryContext(ctx, "select …") // in the segment of ctx
//
// A call without a segment in its context goes through as it is. The text of
// queries is sent as it is written, so values belong into parameters, which are
// never sent.
package tracesql

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"reflect"
	"strings"
	"sync"

	"github.com/tomotrace/tomo/sdk"
)

// Options say what is known of the database. What is left out is taken from the
// data source name as far as it says.
type Options struct {
	// Name is that of subsegments; the default is database@host.
	Name string
	// DSN is the data source name, for Connector. Passwords are taken out of it.
	DSN string
	// DatabaseType, as Postgres or MySQL; the default goes by the driver's name.
	DatabaseType string
	// DatabaseVersion and User are sent as they are.
	DatabaseVersion string
	User            string
	// HideQueries leaves the text of queries out.
	HideQueries bool
	// Detect asks the database for type, version, user and name, once, with a query
	// for each type until one is answered.
	Detect bool
	// DriverName is the name the driver is registered with. Open sets it.
	DriverName string
}

// Open is sql.Open with everything traced.
func Open(driverName, dsn string, o Options) (*sql.DB, error) {
	plain, err := sql.Open(driverName, dsn)
	if err != nil {
		return nil, err
	}
	d := plain.Driver()
	if err := plain.Close(); err != nil {
		return nil, err
	}
	o.DSN, o.DriverName = cmp.Or(o.DSN, dsn), cmp.Or(o.DriverName, driverName)
	if c, ok := d.(driver.DriverContext); ok {
		inner, err := c.OpenConnector(dsn)
		if err != nil {
			return nil, err
		}
		return sql.OpenDB(Connector(inner, o)), nil
	}
	return sql.OpenDB(Connector(dsnConnector{d, dsn}, o)), nil
}

// Connector traces the connections that c makes, for sql.OpenDB.
func Connector(c driver.Connector, o Options) driver.Connector {
	about := describe(o)
	about.query.DriverVersion = driverVersion(c.Driver())
	return &connector{inner: c, about: about, options: o}
}

// dsnConnector is what database/sql uses for drivers that know no connectors.
type dsnConnector struct {
	driver driver.Driver
	dsn    string
}

func (c dsnConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c dsnConnector) Driver() driver.Driver                        { return c.driver }

// driverVersion is what the driver says of itself, else the package it is in.
func driverVersion(d driver.Driver) string {
	if v, ok := d.(interface{ Version() string }); ok {
		return v.Version()
	}
	t := reflect.TypeOf(d)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath()
}

// about is what all subsegments of a connection say.
type about struct {
	name  string
	host  string // "@host", for a name that is detected
	query sdk.SQL
	hide  bool
}

// typesByDriver are databases by the names that drivers are registered with.
var typesByDriver = map[string]string{
	"postgres": "Postgres", "pgx": "Postgres", "mysql": "MySQL", "sqlserver": "MS SQL", "mssql": "MS SQL",
	"oracle": "Oracle", "godror": "Oracle", "sqlite": "SQLite", "sqlite3": "SQLite",
}

func describe(o Options) about {
	d := readDSN(o.DSN)
	a := about{hide: o.HideQueries, query: sdk.SQL{
		URL: d.url, ConnectionString: d.connectionString,
		DatabaseType:    cmp.Or(o.DatabaseType, typesByDriver[o.DriverName]),
		DatabaseVersion: o.DatabaseVersion, User: cmp.Or(o.User, d.user),
	}}
	if d.host != "" {
		a.host = "@" + d.host
	}
	a.name = cmp.Or(o.Name, d.database+a.host, o.DriverName, "sql")
	return a
}

// capture runs f, the question text, in a subsegment if ctx has a segment.
func (a *about) capture(ctx context.Context, text, preparation string, f func(context.Context) error) error {
	if !sdk.HasSegment(ctx) {
		return f(ctx)
	}
	ctx, s := sdk.BeginSub(ctx, a.name)
	if !s.Recorded() {
		return f(ctx)
	}
	done := false
	defer func() {
		if !done { // f panics or ends the goroutine
			s.SetFault(true)
			s.Close(nil)
		}
	}()
	err := f(ctx)
	done = true
	q := a.query
	q.Preparation = preparation
	if q.SanitizedQuery = text; a.hide {
		q.SanitizedQuery = ""
	}
	s.SetNamespace(sdk.NamespaceRemote)
	failure := err
	if errors.Is(err, driver.ErrSkip) {
		// database/sql goes on another way; nothing has failed.
		failure = nil
		if !a.hide {
			q.SanitizedQuery += " -- skip fast-path; continue as if unimplemented"
		}
	}
	s.SetSQL(q)
	s.Close(failure)
	return err
}

type connector struct {
	inner   driver.Connector
	about   about
	options Options

	mu    sync.Mutex // guards found
	found *about     // by Detect
}

func (c *connector) Driver() driver.Driver { return c.inner.Driver() }

// Close is called by sql.DB.Close.
func (c *connector) Close() error {
	if closer, ok := c.inner.(interface{ Close() error }); ok {
		return closer.Close()
	}
	return nil
}

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	about := &c.about
	if c.options.Detect {
		var err error
		if about, err = c.detected(ctx); err != nil {
			return nil, err
		}
	}
	var inner driver.Conn
	err := about.capture(ctx, "CONNECT", "", func(ctx context.Context) (err error) {
		inner, err = c.inner.Connect(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &conn{Conn: inner, about: about}, nil
}

// detected is what the database says of itself. It is asked once, over a
// connection of its own.
func (c *connector) detected(ctx context.Context) (*about, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.found == nil {
		inner, err := c.inner.Connect(ctx)
		if err != nil {
			return nil, err
		}
		defer inner.Close()
		found := c.about
		found.detect(ctx, c.options, inner)
		c.found = &found
	}
	return c.found, nil
}

// conn is a connection. It implements all optional interfaces; what the driver
// does not, it does as database/sql would.
type conn struct {
	driver.Conn
	about *about
}

func (c *conn) Ping(ctx context.Context) error {
	return c.about.capture(ctx, "PING", "", func(ctx context.Context) error {
		if p, ok := c.Conn.(driver.Pinger); ok {
			return p.Ping(ctx)
		}
		return nil
	})
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	inner, err := prepare(ctx, c.Conn, query)
	if err != nil {
		return nil, err
	}
	s := stmt{Stmt: inner, conn: c, query: query}
	//lint:ignore SA1019 what older drivers have
	if converter, ok := inner.(driver.ColumnConverter); ok {
		return &convertingStmt{s, converter}, nil
	}
	return &s, nil
}

func prepare(ctx context.Context, c driver.Conn, query string) (driver.Stmt, error) {
	if p, ok := c.(driver.ConnPrepareContext); ok {
		return p.PrepareContext(ctx, query)
	}
	s, err := c.Prepare(query)
	if err == nil && ctx.Err() != nil {
		s.Close()
		return nil, ctx.Err()
	}
	return s, err
}

func (c *conn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if b, ok := c.Conn.(driver.ConnBeginTx); ok {
		return b.BeginTx(ctx, o)
	}
	if o.Isolation != driver.IsolationLevel(sql.LevelDefault) {
		return nil, errors.New("sql: driver does not support non-default isolation level")
	}
	if o.ReadOnly {
		return nil, errors.New("sql: driver does not support read-only transactions")
	}
	tx, err := c.Conn.Begin() //lint:ignore SA1019 what older drivers have
	if err == nil && ctx.Err() != nil {
		tx.Rollback()
		return nil, ctx.Err()
	}
	return tx, err
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (result driver.Result, err error) {
	var exec func(context.Context) error
	switch e := c.Conn.(type) {
	case driver.ExecerContext:
		exec = func(ctx context.Context) error { result, err = e.ExecContext(ctx, query, args); return err }
	case driver.Execer: //lint:ignore SA1019 what older drivers have
		values, err := values(ctx, args)
		if err != nil {
			return nil, err
		}
		exec = func(context.Context) (err error) { result, err = e.Exec(query, values); return err }
	default:
		return nil, driver.ErrSkip
	}
	err = c.about.capture(ctx, query, "", exec)
	return result, err
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	var ask func(context.Context) error
	switch q := c.Conn.(type) {
	case driver.QueryerContext:
		ask = func(ctx context.Context) error { rows, err = q.QueryContext(ctx, query, args); return err }
	case driver.Queryer: //lint:ignore SA1019 what older drivers have
		values, err := values(ctx, args)
		if err != nil {
			return nil, err
		}
		ask = func(context.Context) (err error) { rows, err = q.Query(query, values); return err }
	default:
		return nil, driver.ErrSkip
	}
	err = c.about.capture(ctx, query, "", ask)
	return rows, err
}

func (c *conn) ResetSession(ctx context.Context) error {
	if r, ok := c.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

func (c *conn) IsValid() bool {
	if v, ok := c.Conn.(driver.Validator); ok {
		return v.IsValid()
	}
	return true
}

func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip // database/sql has its own way
}

// Raw is the driver's connection, for what sql.Conn.Raw is used for.
func (c *conn) Raw() driver.Conn { return c.Conn }

type stmt struct {
	driver.Stmt
	conn  *conn
	query string
}

// convertingStmt is a statement whose driver converts parameters by column.
type convertingStmt struct {
	stmt
	converter driver.ColumnConverter //lint:ignore SA1019 what older drivers have
}

func (s *convertingStmt) ColumnConverter(i int) driver.ValueConverter {
	return s.converter.ColumnConverter(i)
}

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (result driver.Result, err error) {
	exec := func(ctx context.Context) error {
		if e, ok := s.Stmt.(driver.StmtExecContext); ok {
			result, err = e.ExecContext(ctx, args)
			return err
		}
		values, err := values(ctx, args)
		if err != nil {
			return err
		}
		result, err = s.Stmt.Exec(values) //lint:ignore SA1019 what older drivers have
		return err
	}
	err = s.conn.about.capture(ctx, s.query, "statement", exec)
	return result, err
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (rows driver.Rows, err error) {
	ask := func(ctx context.Context) error {
		if q, ok := s.Stmt.(driver.StmtQueryContext); ok {
			rows, err = q.QueryContext(ctx, args)
			return err
		}
		values, err := values(ctx, args)
		if err != nil {
			return err
		}
		rows, err = s.Stmt.Query(values) //lint:ignore SA1019 what older drivers have
		return err
	}
	err = s.conn.about.capture(ctx, s.query, "statement", ask)
	return rows, err
}

func (s *stmt) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := s.Stmt.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return s.conn.CheckNamedValue(v)
}

// values are parameters for drivers that know no names.
func values(ctx context.Context, args []driver.NamedValue) ([]driver.Value, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	list := make([]driver.Value, len(args))
	for i, a := range args {
		if a.Name != "" {
			return nil, errors.New("sql: driver does not support the use of Named Parameters")
		}
		list[i] = a.Value
	}
	return list, nil
}

// detectors ask a database what it is: type, and a query for version, user and name.
var detectors = []struct{ kind, driver, query string }{
	{"Postgres", "postgres", "SELECT version(), current_user, current_database()"},
	{"MySQL", "mysql", "SELECT version(), current_user(), database()"},
	{"MS SQL", "", "SELECT @@version, current_user, db_name()"},
	{"Oracle", "", "SELECT version FROM v$instance UNION SELECT user, ora_database_name FROM dual"},
}

func (a *about) detect(ctx context.Context, o Options, c driver.Conn) {
	const unknown = "Unknown"
	a.query.DatabaseType, a.query.DatabaseVersion, a.query.User = unknown, unknown, unknown
	database := unknown
	for _, d := range detectors {
		if (o.DriverName == "postgres" || o.DriverName == "mysql") && d.driver != o.DriverName {
			continue
		}
		if row, err := firstRow(ctx, c, d.query); err == nil && len(row) == 3 {
			a.query.DatabaseType, a.query.DatabaseVersion, a.query.User = d.kind, row[0], row[1]
			database = row[2]
			break
		}
	}
	if o.Name == "" {
		a.name = database + a.host
	}
}

// firstRow asks without a subsegment of its own.
func firstRow(ctx context.Context, c driver.Conn, query string) ([]string, error) {
	s, err := prepare(ctx, c, query)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var rows driver.Rows
	if q, ok := s.(driver.StmtQueryContext); ok {
		rows, err = q.QueryContext(ctx, nil)
	} else {
		rows, err = s.Query(nil) //lint:ignore SA1019 what older drivers have
	}
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(found); err != nil {
		return nil, err
	}
	texts := make([]string, len(found))
	for i, v := range found {
		switch v := v.(type) {
		case string:
			texts[i] = strings.Clone(v)
		case []byte:
			texts[i] = string(v)
		default:
			return nil, errors.New("not a text")
		}
	}
	return texts, nil
}
