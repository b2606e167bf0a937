package tracesql

import (
	"strings"
	"testing"
)

func TestReadDSN(t *testing.T) {
	tests := []struct {
		in   string
		want dsn
	}{
		{"", dsn{}},
		{"postgres://u:SECRET@h:5432/d?a=1&password=SECRET&X-Amz-Security-Token=SECRET", dsn{url: "postgres://u@h:5432/d?a=1", host: "h", database: "d", user: "u"}},
		{"postgres://u:SEC%zzRET@h/d", dsn{connectionString: "…"}},
		{"u:SECRET@tcp(h:3306)/d?parseTime=true", dsn{connectionString: "u@tcp(h:3306)/d?parseTime=true", host: "h", database: "d", user: "u"}},
		{"u:SEC@RET@unix(/tmp/my.sock)/d", dsn{connectionString: "u@unix(/tmp/my.sock)/d", database: "d", user: "u"}},
		{"host=h port=5432 user=u password=SECRET dbname=d", dsn{connectionString: "host=h port=5432 user=u dbname=d", host: "h", database: "d", user: "u"}},
		{"host=h password='SEC RET\\' SECRET' dbname=d", dsn{connectionString: "host=h dbname=d", host: "h", database: "d"}},
		{"Server=h;Database=d;User Id=u;Pwd={SEC;RET}};SECRET}", dsn{connectionString: "Server=h;Database=d;User Id=u", host: "h", database: "d", user: "u"}},
		{"u:SECRET@h:5432", dsn{url: "u@h:5432", host: "h", user: "u"}},
		{"u/SECRET@h:1521/d", dsn{connectionString: "u@h:1521/d"}},
		{"file.db", dsn{connectionString: "file.db"}},
	}
	for _, tt := range tests {
		got := readDSN(tt.in)
		if got != tt.want {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.in, got, tt.want)
		}
		if strings.Contains(got.url+got.connectionString, "SEC") {
			t.Errorf("%s tells its secret", tt.in)
		}
	}
}

func FuzzReadDSN(f *testing.F) {
	f.Add("u:p@tcp(h)/d")
	f.Add("a={b}};c};pwd='x")
	f.Fuzz(func(t *testing.T, s string) { readDSN(s) })
}
