// Package sdk measures what a traced request costs a Go program: with Tomo's
// SDK, with compat, with the official X-Ray SDK and with OpenTelemetry. It is a
// module of its own, so that bench does not need the others' dependencies.
//
//	go test -bench . -benchtime 100000x -count 5
//
// A request is a segment with an annotation and two subsegments. Where it is
// sampled, it is sent to a sink on loopback, in another process: X-Ray's as
// datagrams, OpenTelemetry's by OTLP over HTTP as protobuf.
//
//	ns/op         from the first segment to the last one sent
//	caller-ns/op  of these, what the caller waits
//	cpu-ns/op     of all the program's threads
package sdk

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	officialheader "github.com/aws/aws-xray-sdk-go/header"
	official "github.com/aws/aws-xray-sdk-go/xray"
	officiallog "github.com/aws/aws-xray-sdk-go/xraylog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	officialsampling "github.com/aws/aws-xray-sdk-go/strategy/sampling"
	"github.com/tomotrace/tomo/sdk"
	movedsampling "github.com/tomotrace/tomo/sdk/compat/strategy/sampling"
	moved "github.com/tomotrace/tomo/sdk/compat/xray"
)

// batch is how many requests are made before what is queued is sent. It keeps
// every queue from dropping anything, and is one of OpenTelemetry's batches.
const batch = 170

// sinkVariable tells the test binary that it is to be the sink.
const sinkVariable = "TOMO_BENCH_SINK"

func TestMain(m *testing.M) {
	if os.Getenv(sinkVariable) != "" {
		sink()
		return
	}
	os.Exit(m.Run())
}

// sink takes datagrams and posts until its input ends.
func sink() {
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	udp.(*net.UDPConn).SetReadBuffer(8 << 20)
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(udp.LocalAddr(), tcp.Addr())
	go func() {
		b := make([]byte, 1<<16)
		for {
			udp.ReadFrom(b)
		}
	}()
	go http.Serve(tcp, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	io.Copy(io.Discard, os.Stdin)
}

// startSink returns the addresses for datagrams and for posts.
func startSink(tb testing.TB) (udp, tcp string) {
	tb.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), sinkVariable+"=1")
	in, err := c.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := c.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		in.Close()
		c.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		tb.Fatal(err)
	}
	udp, tcp, _ = strings.Cut(strings.TrimSpace(line), " ")
	return udp, tcp
}

// contender is an SDK, set up to sample all or nothing.
type contender struct {
	request func(context.Context)
	flush   func()       // sends what is queued
	check   func() error // whether all was sent
	close   func()
}

var contenders = []struct {
	name string
	make func(tb testing.TB, udp, tcp string, sampled bool) contender
}{
	{"Tomo", tomo}, {"compat", compat}, {"X-Ray", xray}, {"OpenTelemetry", otel},
}

func tomo(tb testing.TB, udp, _ string, sampled bool) contender {
	sampler := sdk.Never
	if sampled {
		sampler = sdk.Always
	}
	r, err := sdk.New(sdk.Options{Daemon: udp, Sampler: sampler})
	if err != nil {
		tb.Fatal(err)
	}
	return contender{
		request: func(ctx context.Context) {
			ctx, seg := r.Begin(ctx, "checkout")
			seg.Annotate("customer", "gold")
			_, one := sdk.BeginSub(ctx, "payments")
			one.Close(nil)
			_, two := sdk.BeginSub(ctx, "orders")
			two.Close(nil)
			seg.Close(nil)
		},
		flush: func() { r.Flush(context.Background()) },
		check: func() error {
			if s := r.Stats(); s.Dropped+s.Failed > 0 {
				return fmt.Errorf("%+v", s)
			}
			return nil
		},
		close: func() { r.Close(context.Background()) },
	}
}

func rules(sampled bool) []byte {
	return fmt.Appendf(nil, `{"version":2,"default":{"fixed_target":0,"rate":%d}}`, map[bool]int{true: 1}[sampled])
}

func compat(tb testing.TB, udp, _ string, sampled bool) contender {
	s, err := movedsampling.NewLocalizedStrategyFromJSONBytes(rules(sampled))
	if err != nil {
		tb.Fatal(err)
	}
	if err := moved.Configure(moved.Config{DaemonAddr: udp, SamplingStrategy: s}); err != nil {
		tb.Fatal(err)
	}
	return contender{
		request: func(ctx context.Context) {
			ctx, seg := moved.BeginSegment(ctx, "checkout")
			seg.AddAnnotation("customer", "gold")
			_, one := moved.BeginSubsegment(ctx, "payments")
			one.Close(nil)
			_, two := moved.BeginSubsegment(ctx, "orders")
			two.Close(nil)
			seg.Close(nil)
		},
		flush: func() { moved.Flush(context.Background()) },
	}
}

func xray(tb testing.TB, udp, _ string, sampled bool) contender {
	official.SetLogger(officiallog.NullLogger)
	s, err := officialsampling.NewLocalizedStrategyFromJSONBytes(rules(sampled))
	if err != nil {
		tb.Fatal(err)
	}
	if err := official.Configure(official.Config{DaemonAddr: udp, SamplingStrategy: s}); err != nil {
		tb.Fatal(err)
	}
	return contender{
		request: func(ctx context.Context) {
			ctx, seg := official.BeginSegment(ctx, "checkout")
			seg.AddAnnotation("customer", "gold")
			_, one := official.BeginSubsegment(ctx, "payments")
			one.Close(nil)
			_, two := official.BeginSubsegment(ctx, "orders")
			two.Close(nil)
			seg.Close(nil)
		},
	}
}

func otel(tb testing.TB, _, tcp string, sampled bool) contender {
	exporter, err := otlptracehttp.New(context.Background(), otlptracehttp.WithEndpoint(tcp), otlptracehttp.WithInsecure())
	if err != nil {
		tb.Fatal(err)
	}
	sampler := sdktrace.NeverSample()
	if sampled {
		sampler = sdktrace.AlwaysSample()
	}
	p := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithSampler(sampler))
	tracer := p.Tracer("bench")
	return contender{
		request: func(ctx context.Context) {
			ctx, seg := tracer.Start(ctx, "checkout")
			seg.SetAttributes(attribute.String("customer", "gold"))
			_, one := tracer.Start(ctx, "payments")
			one.End()
			_, two := tracer.Start(ctx, "orders")
			two.End()
			seg.End()
		},
		flush: func() {
			if err := p.ForceFlush(context.Background()); err != nil {
				tb.Fatal(err)
			}
		},
		close: func() { p.Shutdown(context.Background()) },
	}
}

func BenchmarkRequest(b *testing.B) {
	udp, tcp := startSink(b)
	for _, sampled := range []bool{true, false} {
		for _, c := range contenders {
			b.Run(fmt.Sprintf("%s/%s", map[bool]string{true: "sampled", false: "unsampled"}[sampled], c.name), func(b *testing.B) {
				run := c.make(b, udp, tcp, sampled)
				if run.close != nil {
					defer run.close()
				}
				ctx := context.Background()
				b.ReportAllocs()
				var waited time.Duration
				cpu := used()
				b.ResetTimer()
				for done := 0; done < b.N; {
					start := time.Now()
					n := min(batch, b.N-done)
					for range n {
						run.request(ctx)
					}
					waited += time.Since(start)
					done += n
					if run.flush != nil {
						run.flush()
					}
				}
				b.StopTimer()
				b.ReportMetric(float64((used()-cpu).Nanoseconds())/float64(b.N), "cpu-ns/op")
				b.ReportMetric(float64(waited.Nanoseconds())/float64(b.N), "caller-ns/op")
				if run.check != nil {
					if err := run.check(); err != nil {
						b.Error(err)
					}
				}
			})
		}
	}
}

// used is the processor time of this process.
func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkHeader reads and writes the tracing header.
func BenchmarkHeader(b *testing.B) {
	const text = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
	b.Run("Tomo", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = sdk.ParseHeader(text).String()
		}
	})
	b.Run("X-Ray", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = officialheader.FromString(text).String()
		}
	})
}

// TestContenders lets each make some requests.
func TestContenders(t *testing.T) {
	udp, tcp := startSink(t)
	for _, sampled := range []bool{true, false} {
		for _, c := range contenders {
			run := c.make(t, udp, tcp, sampled)
			for range batch {
				run.request(t.Context())
			}
			if run.flush != nil {
				run.flush()
			}
			if run.check != nil {
				if err := run.check(); err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
			}
			if run.close != nil {
				run.close()
			}
		}
	}
}
