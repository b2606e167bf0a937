package xray

import (
	"database/sql"
	"database/sql/driver"

	"github.com/tomotrace/tomo/sdk/tracesql"
)

// SQLContext opens a database whose calls are subsegments. As the official one it
// asks the database once what it is.
func SQLContext(driver, dsn string) (*sql.DB, error) {
	return tracesql.Open(driver, dsn, tracesql.Options{Detect: true})
}

// SQLConnector wraps a connector. The password must have been taken out of dsn.
func SQLConnector(dsn string, connector driver.Connector) driver.Connector {
	return tracesql.Connector(connector, tracesql.Options{DSN: dsn, Detect: true})
}
