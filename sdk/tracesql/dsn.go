package tracesql

import (
	"net"
	"net/url"
	"strings"
)

// dsn is what a data source name says, without its secrets.
type dsn struct {
	url, connectionString string // one of them
	host, database, user  string
}

// readDSN understands URLs, "user:password@tcp(host:port)/database?…" of MySQL
// and lists "key=value", between blanks or semicolons. From others it takes
// nothing but the text between a colon and an @.
func readDSN(text string) dsn {
	if text == "" {
		return dsn{}
	}
	if strings.Contains(text, "://") || strings.HasPrefix(text, "//") {
		if u, err := url.Parse(text); err == nil {
			return readURL(u, text)
		}
		// A password that a URL cannot hold, most often. Nothing is safe to send.
		return dsn{connectionString: "…"}
	}
	if d, ok := readMySQL(text); ok {
		return d
	}
	if strings.Contains(text, "=") {
		return readList(text)
	}
	if u, err := url.Parse("//" + text); err == nil && (u.User != nil || u.RawQuery != "") {
		d := readURL(u, text)
		d.url = strings.TrimPrefix(d.url, "//")
		return d
	}
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		if from := strings.IndexAny(text[:at], ":/"); from >= 0 {
			text = text[:from] + text[at:]
		}
	}
	return dsn{connectionString: text}
}

// secrets are the query parameters and keys that are left out.
func secret(key string) bool {
	switch strings.ToLower(strings.TrimSpace(key)) {
	case "password", "pwd", "x-amz-security-token", "token", "secret", "access_token", "sslpassword":
		return true
	}
	return false
}

func readURL(u *url.URL, text string) dsn {
	d := dsn{host: u.Hostname(), database: strings.TrimPrefix(u.Path, "/")}
	if u.User != nil {
		// Oracle writes user/password@host, which url.Parse takes for a user.
		d.user, _, _ = strings.Cut(u.User.Username(), "/")
		u.User = url.User(d.user)
	}
	q := u.Query()
	for key := range q {
		if secret(key) {
			q.Del(key)
		}
	}
	u.RawQuery = q.Encode()
	if strings.Contains(u.Path, "@") {
		// user/password@host without a scheme: the host is no host.
		_, rest, _ := strings.Cut(u.Path, "@")
		d.host, _, _ = strings.Cut(rest, "/")
		d.user = u.Host
		d.database = ""
		if host, _, err := net.SplitHostPort(d.host); err == nil {
			d.host = host
		}
		d.url = u.Host + "@" + rest
		return d
	}
	d.url = u.String()
	return d
}

// readMySQL reads user:password@protocol(address)/database?parameters.
func readMySQL(text string) (dsn, bool) {
	before, rest, found := cutLast(text, "@")
	if !found {
		rest, before = text, ""
	}
	open, shut := strings.IndexByte(rest, '('), strings.IndexByte(rest, ')')
	if open < 0 || shut < open {
		return dsn{}, false
	}
	var d dsn
	d.user, _, _ = strings.Cut(before, ":")
	address := rest[open+1 : shut]
	if d.host, _, _ = strings.Cut(address, ":"); strings.HasPrefix(address, "/") {
		d.host = "" // a socket
	}
	path, query, _ := strings.Cut(strings.TrimPrefix(rest[shut+1:], "/"), "?")
	d.database = path
	clean := rest[:shut+1] + "/" + path
	if q, err := url.ParseQuery(query); err == nil && query != "" {
		for key := range q {
			if secret(key) {
				q.Del(key)
			}
		}
		if text := q.Encode(); text != "" {
			clean += "?" + text
		}
	}
	if d.user != "" {
		clean = d.user + "@" + clean
	}
	d.connectionString = clean
	return d, true
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// readList reads key=value pairs. Values may stand in braces, with "}}" for a
// brace, or in quotes.
func readList(text string) dsn {
	separator := byte(' ')
	if strings.Contains(text, ";") {
		separator = ';'
	}
	var (
		d    dsn
		kept []string
	)
	for _, pair := range fields(text, separator) {
		key, value, _ := strings.Cut(pair, "=")
		if secret(key) {
			continue
		}
		kept = append(kept, pair)
		value = strings.Trim(strings.TrimSpace(value), `'"{}`)
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "host", "server", "data source", "addr", "address":
			d.host = value
		case "dbname", "database", "initial catalog":
			d.database = value
		case "user", "user id", "uid":
			d.user = value
		}
	}
	d.connectionString = strings.Join(kept, string(separator))
	return d
}

func fields(text string, separator byte) (list []string) {
	var closing byte // of the braces or quotes that i is in
	from := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case closing != 0:
			switch {
			case c == '\\' && closing == '\'':
				i++
			case c == closing && closing == '}' && i+1 < len(text) && text[i+1] == '}':
				i++
			case c == closing:
				closing = 0
			}
		case c == '{' && i > 0 && text[i-1] == '=':
			closing = '}'
		case (c == '\'' || c == '"') && i > 0 && strings.TrimRight(text[from:i], " ") != "" && strings.HasSuffix(strings.TrimRight(text[:i], " "), "="):
			closing = c
		case c == separator:
			if i > from {
				list = append(list, text[from:i])
			}
			from = i + 1
		}
	}
	if from < len(text) {
		list = append(list, text[from:])
	}
	return list
}
