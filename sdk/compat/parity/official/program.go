// Package official is a program as users of the official SDK write it. The
// package moved is the same with other import paths, see the test.
package official

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/aws/aws-xray-sdk-go/awsplugins/ecs"
	"github.com/aws/aws-xray-sdk-go/header"
	"github.com/aws/aws-xray-sdk-go/strategy/ctxmissing"
	"github.com/aws/aws-xray-sdk-go/strategy/exception"
	"github.com/aws/aws-xray-sdk-go/strategy/sampling"
	"github.com/aws/aws-xray-sdk-go/xray"
	"github.com/aws/aws-xray-sdk-go/xraylog"
)

// Run does all that a shop does, with the daemon at that address, an upstream
// that answers with the status in its path, and a database driver. It returns
// what callers see of tracing.
func Run(daemon, upstream, driver string, log *strings.Builder) (seen []string, err error) {
	xray.SetLogger(xraylog.NewDefaultLogger(log, xraylog.LogLevelError))
	rules, err := sampling.NewLocalizedStrategyFromJSONBytes([]byte(`{"version": 2, "default": {"fixed_target": 0, "rate": 0}, "rules": [
		{"description": "orders, and what has no path", "host": "*", "http_method": "*", "url_path": "/orders", "fixed_target": 0, "rate": 1},
		{"description": "busy and broken", "host": "*", "http_method": "GET", "url_path": "/b*", "fixed_target": 1000, "rate": 0}]}`))
	if err != nil {
		return nil, err
	}
	formatting, err := exception.NewDefaultFormattingStrategyWithDefinedErrorFrameCount(32)
	if err != nil {
		return nil, err
	}
	// The two stream in different order, so nothing is streamed here.
	streaming, err := xray.NewDefaultStreamingStrategyWithMaxSubsegmentCount(1000)
	if err != nil {
		return nil, err
	}
	ecs.Init()
	if err := xray.Configure(xray.Config{
		DaemonAddr: daemon, ServiceVersion: "1.2.3", SamplingStrategy: rules, StreamingStrategy: streaming,
		ExceptionFormattingStrategy: formatting, ContextMissingStrategy: ctxmissing.NewDefaultLogErrorStrategy(),
	}); err != nil {
		return nil, err
	}
	note := func(format string, args ...any) { seen = append(seen, fmt.Sprintf(format, args...)) }

	db, err := xray.SQLContext(driver, "postgres://shop:secret@db.example:5432/orders?sslmode=disable")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	client := xray.Client(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
	get := func(ctx context.Context, path string) error {
		q, err := http.NewRequestWithContext(ctx, "GET", upstream+path, nil)
		if err != nil {
			return err
		}
		answer, err := client.Do(q)
		if err != nil {
			return err
		}
		return answer.Body.Close()
	}

	mux := http.NewServeMux()
	mux.HandleFunc("/orders", func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		seg := xray.GetSegment(ctx)
		seg.Lock()
		seg.User = "ada"
		seg.Unlock()
		xray.AddAnnotation(ctx, "customer", "gold")
		xray.AddAnnotation(ctx, "items", 3)
		xray.AddAnnotation(ctx, "price", 12.5)
		xray.AddAnnotation(ctx, "gift", true)
		xray.AddMetadata(ctx, "cart", []map[string]any{{"id": 7, "name": "tea"}})
		xray.AddMetadataToNamespace(ctx, "debug", "note", "x")
		xray.Capture(ctx, "price", func(ctx context.Context) error {
			xray.AddMetadata(ctx, "rate", 0.19)
			return get(ctx, "/200?secret=1")
		})
		get(ctx, "/404")
		get(ctx, "/429")
		get(ctx, "/503")
		if err := queries(ctx, db); err != nil {
			note("queries: %v", err)
		}
		err := xray.Capture(ctx, "charge", func(context.Context) error { return fmt.Errorf("charging: %w", errors.New("no funds")) })
		note("charge: %v", err)
		var group sync.WaitGroup
		group.Add(2)
		for _, name := range []string{"mail", "stock"} {
			xray.CaptureAsync(ctx, name, func(context.Context) error {
				defer group.Done()
				return nil
			})
		}
		group.Wait()
		_, sub := xray.BeginSubsegment(ctx, "by hand")
		sub.Namespace = "remote"
		sub.GetHTTP().GetRequest().Method = "PUT"
		sub.GetHTTP().GetRequest().URL = "http://other.example/x"
		sub.GetHTTP().GetResponse().Status = 201
		sub.GetAWS()["table_name"] = "orders"
		sub.AddError(formatting.Errorf("by hand: %d", 1))
		sub.Close(nil)
		w.Header().Set("Content-Length", "4")
		w.Write([]byte("done"))
	})
	mux.HandleFunc("/busy", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) })
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "x", 500) })
	mux.HandleFunc("/never", func(w http.ResponseWriter, r *http.Request) {
		seg := xray.GetSegment(r.Context())
		note("sampled: %v", seg.Sampled)
		seg.AddAnnotation("a", 1)
		xray.Capture(r.Context(), "nothing", func(ctx context.Context) error { return get(ctx, "/200") })
	})
	shop := xray.Handler(xray.NewFixedSegmentNamer("shop"), mux)
	wild := xray.Handler(xray.NewDynamicSegmentNamer("fallback", "*.Example"), mux)

	request := func(h http.Handler, url, trace string, more ...string) {
		q := httptest.NewRequest("GET", url, nil)
		if trace != "" {
			q.Header.Set("x-amzn-trace-id", trace)
		}
		for i := 0; i < len(more); i += 2 {
			q.Header.Set(more[i], more[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, q)
		answer := header.FromString(w.Header().Get("X-Amzn-Trace-Id"))
		if trace == "" {
			answer.TraceID = ""
		}
		note("%s %d %s", url, w.Code, strings.TrimSuffix(answer.String(), ";"))
	}
	const root = "Root=1-5759e988-bd862e3fe1be46a994272793"
	request(shop, "http://shop.example/orders?q=1", root+";Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0", "X-Forwarded-For", "192.0.2.7, 10.0.0.1", "User-Agent", "test")
	request(shop, "http://shop.example/busy", root+";Sampled=?")
	request(wild, "http://wild.example/broken", "")
	request(wild, "http://wild.elsewhere/busy", root)
	request(shop, "http://shop.example/never", "")
	request(shop, "http://shop.example/busy", root+";Parent=53995c3f42cd8ad8;Sampled=0")

	ctx, seg := xray.BeginSegment(context.Background(), "worker")
	note("trace id of %d characters", len(xray.TraceID(ctx)))
	note("traced: %v", xray.RequestWasTraced(ctx))
	func() {
		defer func() { note("panic: %v", recover()) }()
		xray.Capture(ctx, "panics", func(context.Context) error { panic("spilt") })
	}()
	xray.Capture(xray.DetachContext(ctx), "detached", func(context.Context) error { return nil })
	for i := range 3 {
		_, sub := xray.BeginSubsegment(ctx, fmt.Sprintf("step %d", i))
		sub.Close(nil)
	}
	_, alone := xray.BeginSubsegment(ctx, "alone")
	alone.CloseAndStream(errors.New("alone"))
	note("bad annotation: %v", xray.AddAnnotation(ctx, "k", []int{1}) != nil)
	seg.Close(errors.New("tired"))

	_, missing := xray.BeginSubsegment(context.Background(), "nowhere")
	missing.Close(nil)
	note("missing: %v, %v, %q", missing == nil, xray.AddAnnotation(context.Background(), "a", 1), xray.TraceID(context.Background()))

	facade, _ := xray.BeginFacadeSegment(context.Background(), "facade", header.FromString(root+";Parent=53995c3f42cd8ad8;Sampled=1"))
	xray.Capture(facade, "in Lambda", func(ctx context.Context) error {
		return xray.Capture(ctx, "deeper", func(context.Context) error { return nil })
	})
	return seen, nil
}

func queries(ctx context.Context, db *sql.DB) error {
	if err := db.PingContext(ctx); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "update orders set paid = $1", true); err != nil {
		return err
	}
	stmt, err := db.PrepareContext(ctx, "select id from orders where paid = $1")
	if err != nil {
		return err
	}
	defer stmt.Close()
	rows, err := stmt.QueryContext(ctx, true)
	if err != nil {
		return err
	}
	rows.Close()
	_, err = db.ExecContext(ctx, "bad")
	return err
}
