package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// largestProxied is how large a request may be that is passed on. It is read
// whole, to be signed.
const largestProxied = 32 << 20

// NewProxy passes any request on to an upstream, signed by its transport. It is
// how X-Ray SDKs, which have no credentials, ask for sampling rules. An upstream
// that cannot be reached is answered with 502 and nothing.
//
// Headers are passed on as they are, but for those that hold for one connection
// and those by which proxies tell of themselves: changed behind the signature
// they would make it wrong.
func NewProxy(u Upstream, log *slog.Logger) (http.Handler, error) {
	target, err := url.Parse(strings.TrimRight(u.URL, "/"))
	if err != nil {
		return nil, err
	}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = target.Host
		},
		Transport: u.Transport,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				log.Error("proxying " + printable([]byte(r.URL.Path)) + ": " + err.Error())
			}
			w.WriteHeader(http.StatusBadGateway)
		},
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.Debug("Received request on HTTP Proxy server : " + printable([]byte(r.URL.String())))
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestProxied))
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			http.Error(w, fmt.Sprintf("the request is larger than %d bytes", largestProxied), http.StatusRequestEntityTooLarge)
			return
		} else if err != nil {
			http.Error(w, "the request could not be read", http.StatusBadRequest)
			return
		}
		r.Body, r.ContentLength, r.TransferEncoding = http.NoBody, int64(len(body)), nil
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		if len(body) > 0 {
			r.Body, _ = r.GetBody()
		} else {
			r.GetBody = func() (io.ReadCloser, error) { return http.NoBody, nil }
		}
		forward.ServeHTTP(w, r)
	}), nil
}
