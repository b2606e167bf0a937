package parity

//lint:file-ignore SA1019 programs that still call AWS by the first SDK are who this is for

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/client"
	"github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/dynamodb"
	"github.com/aws/aws-sdk-go/service/s3"
	"github.com/aws/aws-sdk-go/service/sqs"
	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	officialsampling "github.com/aws/aws-xray-sdk-go/strategy/sampling"
	officialxray "github.com/aws/aws-xray-sdk-go/xray"

	"github.com/tomotrace/tomo/sdk/compat/instrumentation/awsv1"
	"github.com/tomotrace/tomo/sdk/compat/instrumentation/xrayfasthttp"
	"github.com/tomotrace/tomo/sdk/compat/instrumentation/xraygrpc"
	"github.com/tomotrace/tomo/sdk/compat/strategy/sampling"
	"github.com/tomotrace/tomo/sdk/compat/xray"
)

// implementation is what both SDKs have, where their names are in different packages
// or their types differ.
type implementation struct {
	configure func(daemon string) error
	segment   func(ctx context.Context, name string) (context.Context, func(error))
	capture   func(context.Context, string, func(context.Context) error) error
	annotate  func(context.Context, string, any) error

	aws        func(*client.Client)
	session    func(*session.Session, string) *session.Session
	grpcClient func() grpc.UnaryClientInterceptor
	grpcServer func(name string) grpc.UnaryServerInterceptor
	fasthttp   func(name string, h fasthttp.RequestHandler) fasthttp.RequestHandler
	phases     func(context.Context) phases
	remove     func(ctx context.Context, name string) bool
}

// phases are the methods of HTTPSubsegments.
type phases interface {
	GetConn(string)
	DNSStart(httptrace.DNSStartInfo)
	DNSDone(httptrace.DNSDoneInfo)
	ConnectStart(network, addr string)
	ConnectDone(network, addr string, err error)
	TLSHandshakeStart()
	TLSHandshakeDone(tls.ConnectionState, error)
	GotConn(*httptrace.GotConnInfo, error)
	WroteRequest(httptrace.WroteRequestInfo)
	GotFirstResponseByte()
}

const everything = `{"version": 2, "default": {"fixed_target": 0, "rate": 1}}`

var officially = implementation{
	configure: func(daemon string) error {
		rules, err := officialsampling.NewLocalizedStrategyFromJSONBytes([]byte(everything))
		if err != nil {
			return err
		}
		streaming, err := officialxray.NewDefaultStreamingStrategyWithMaxSubsegmentCount(1000)
		if err != nil {
			return err
		}
		return officialxray.Configure(officialxray.Config{DaemonAddr: daemon, SamplingStrategy: rules, StreamingStrategy: streaming})
	},
	segment: func(ctx context.Context, name string) (context.Context, func(error)) {
		ctx, s := officialxray.BeginSegment(ctx, name)
		return ctx, s.Close
	},
	capture: officialxray.Capture, annotate: officialxray.AddAnnotation,
	aws: officialxray.AWS, session: officialxray.AWSSessionWithWhitelist,
	grpcClient: func() grpc.UnaryClientInterceptor { return officialxray.UnaryClientInterceptor() },
	grpcServer: func(name string) grpc.UnaryServerInterceptor {
		if name == "" {
			return officialxray.UnaryServerInterceptor()
		}
		return officialxray.UnaryServerInterceptor(officialxray.WithSegmentNamer(officialxray.NewFixedSegmentNamer(name)))
	},
	fasthttp: func(name string, h fasthttp.RequestHandler) fasthttp.RequestHandler {
		return officialxray.NewFastHTTPInstrumentor(nil).Handler(officialxray.NewFixedSegmentNamer(name), h)
	},
	phases: func(ctx context.Context) phases { return officialxray.NewHTTPSubsegments(ctx) },
	remove: func(ctx context.Context, name string) bool {
		_, s := officialxray.BeginSubsegment(ctx, name)
		return officialxray.GetSegment(ctx).RemoveSubsegment(s)
	},
}

var ours = implementation{
	configure: func(daemon string) error {
		rules, err := sampling.NewLocalizedStrategyFromJSONBytes([]byte(everything))
		if err != nil {
			return err
		}
		streaming, err := xray.NewDefaultStreamingStrategyWithMaxSubsegmentCount(1000)
		if err != nil {
			return err
		}
		return xray.Configure(xray.Config{DaemonAddr: daemon, SamplingStrategy: rules, StreamingStrategy: streaming})
	},
	segment: func(ctx context.Context, name string) (context.Context, func(error)) {
		ctx, s := xray.BeginSegment(ctx, name)
		return ctx, s.Close
	},
	capture: xray.Capture, annotate: xray.AddAnnotation,
	aws: awsv1.AWS, session: awsv1.AWSSessionWithWhitelist,
	grpcClient: func() grpc.UnaryClientInterceptor { return xraygrpc.UnaryClientInterceptor() },
	grpcServer: func(name string) grpc.UnaryServerInterceptor {
		if name == "" {
			return xraygrpc.UnaryServerInterceptor()
		}
		return xraygrpc.UnaryServerInterceptor(xraygrpc.WithSegmentNamer(xray.NewFixedSegmentNamer(name)))
	},
	fasthttp: func(name string, h fasthttp.RequestHandler) fasthttp.RequestHandler {
		return xrayfasthttp.NewFastHTTPInstrumentor(nil).Handler(xray.NewFixedSegmentNamer(name), h)
	},
	phases: func(ctx context.Context) phases { return xray.NewHTTPSubsegments(ctx) },
	remove: func(ctx context.Context, name string) bool {
		_, s := xray.BeginSubsegment(ctx, name)
		return xray.GetSegment(ctx).RemoveSubsegment(s)
	},
}

// TestIntegrations: the integrations that are modules of their own, and hooks, send
// the documents that those of the official SDK send, and answer the same.
func TestIntegrations(t *testing.T) {
	for _, test := range []struct {
		name      string
		documents int
		program   func(*testing.T, implementation) []string
	}{
		{"AWS", 10, callAWS},
		{"AWS with a whitelist", 1, callWithWhitelist},
		{"gRPC", 9, callGRPC},
		{"fasthttp", 3, serveFastHTTP},
		{"hooks", 1, hooks},
	} {
		t.Run(test.name, func(t *testing.T) {
			run := func(sdk implementation) ([]string, []any) {
				c, err := net.ListenPacket("udp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if err := sdk.configure(c.LocalAddr().String()); err != nil {
					t.Fatal(err)
				}
				return test.program(t, sdk), receive(t, c, test.documents)
			}
			wantSeen, want := run(officially)
			gotSeen, got := run(ours)
			if diff := cmp.Diff(wantSeen, gotSeen); diff != "" {
				t.Errorf("what callers see (-official +ours):\n%s", diff)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("documents (-official +ours):\n%s", diff)
			}
			if t.Failed() || testing.Verbose() {
				t.Logf("%v\n%v", gotSeen, got)
			}
		})
	}
}

// awsConfig is that of clients of a service that answers as its path or target asks.
func awsConfig(t *testing.T, retries int) *aws.Config {
	busy := 0
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("X-Amzn-Trace-Id"), "Sampled=1") {
			t.Errorf("a request carries %q", r.Header.Get("X-Amzn-Trace-Id"))
		}
		body, _ := io.ReadAll(r.Body)
		answer := func(status int, text string) {
			w.Header().Set("X-Amzn-Requestid", "the-request")
			w.Header().Set("Content-Length", fmt.Sprint(len(text)))
			w.WriteHeader(status)
			io.WriteString(w, text)
		}
		switch {
		case bytes.Contains(body, []byte("missing")):
			answer(400, `{"__type": "ResourceNotFoundException", "message": "no such table"}`)
		case bytes.Contains(body, []byte("busy")):
			if busy++; busy < 3 {
				answer(400, `{"__type": "ProvisionedThroughputExceededException", "message": "busy"}`)
				return
			}
			answer(200, `{}`)
		case bytes.Contains(body, []byte("throttled")):
			answer(400, `{"__type": "ThrottlingException", "message": "slow down"}`)
		case bytes.Contains(body, []byte("broken")):
			answer(500, `{"__type": "InternalServerError", "message": "sorry"}`)
		case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".BatchGetItem"):
			answer(200, `{"ConsumedCapacity": [{"TableName": "orders", "CapacityUnits": 0.5}]}`)
		case strings.HasPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB"):
			answer(200, `{"ConsumedCapacity": {"TableName": "orders", "CapacityUnits": 0.5}, "Count": 2, "ScannedCount": 7}`)
		case r.Method == "GET":
			w.Header().Set("X-Amz-Id-2", "extended")
			w.Header().Set("X-Amz-Request-Id", "of-s3")
			answer(200, "an object")
		default:
			answer(200, `{"MessageId": "m-1"}`)
		}
	}))
	t.Cleanup(service.Close)
	return aws.NewConfig().WithRegion("eu-central-1").WithEndpoint(service.URL).WithMaxRetries(retries).WithDisableComputeChecksums(true).WithS3ForcePathStyle(true).
		WithCredentials(credentials.NewStaticCredentials("key", "secret", "")).WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
}

// callAWS makes calls that go well, fail and are tried again, each in a segment: with
// more than a few the official SDK sends none.
func callAWS(t *testing.T, sdk implementation) (seen []string) {
	try := func(what string, f func(context.Context) error) {
		ctx, end := sdk.segment(context.Background(), what)
		err := f(ctx)
		end(nil)
		seen = append(seen, fmt.Sprintf("%s: %v", what, err != nil))
	}
	one := session.Must(session.NewSession(awsConfig(t, 0)))
	tables := dynamodb.New(one)
	sdk.aws(tables.Client)
	try("get", func(ctx context.Context) error {
		_, err := tables.GetItemWithContext(ctx, &dynamodb.GetItemInput{TableName: aws.String("orders"), ConsistentRead: aws.Bool(true),
			Key: map[string]*dynamodb.AttributeValue{"id": {S: aws.String("7")}}})
		return err
	})
	try("scan", func(ctx context.Context) error {
		_, err := tables.ScanWithContext(ctx, &dynamodb.ScanInput{TableName: aws.String("orders"), Limit: aws.Int64(3)})
		return err
	})
	try("batch", func(ctx context.Context) error {
		_, err := tables.BatchGetItemWithContext(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]*dynamodb.KeysAndAttributes{
			"orders": {Keys: []map[string]*dynamodb.AttributeValue{{"id": {S: aws.String("7")}}}}}})
		return err
	})
	for _, table := range []string{"missing", "throttled", "broken"} {
		try(table, func(ctx context.Context) error {
			_, err := tables.DescribeTableWithContext(ctx, &dynamodb.DescribeTableInput{TableName: &table})
			return err
		})
	}
	try("invalid", func(ctx context.Context) error {
		_, err := tables.PutItemWithContext(ctx, &dynamodb.PutItemInput{}) // is not even sent
		return err
	})
	again := dynamodb.New(session.Must(session.NewSession(awsConfig(t, 3))))
	sdk.aws(again.Client)
	try("busy", func(ctx context.Context) error {
		_, err := again.DeleteTableWithContext(ctx, &dynamodb.DeleteTableInput{TableName: aws.String("busy-table")})
		return err
	})
	store := s3.New(one)
	sdk.aws(store.Client)
	try("object", func(ctx context.Context) error {
		_, err := store.GetObjectWithContext(ctx, &s3.GetObjectInput{Bucket: aws.String("pictures"), Key: aws.String("a/b.png")})
		return err
	})
	gone := httptest.NewServer(nil)
	config := awsConfig(t, 0).WithEndpoint(gone.URL)
	gone.Close()
	away := sqs.New(session.Must(session.NewSession(config)))
	sdk.aws(away.Client)
	try("away", func(ctx context.Context) error {
		_, err := away.PurgeQueueWithContext(ctx, &sqs.PurgeQueueInput{QueueUrl: aws.String("http://queue.example/1")})
		return err
	})
	return seen
}

// callWithWhitelist has a file say which parameters are told.
func callWithWhitelist(t *testing.T, sdk implementation) (seen []string) {
	file := t.TempDir() + "/whitelist.json"
	if err := os.WriteFile(file, []byte(`{"services": {"sqs": {"operations": {"SendMessage": {
		"request_parameters": ["MessageBody"],
		"request_descriptors": {"MessageAttributes": {"map": true, "get_keys": true, "rename_to": "names"}, "QueueUrl": {"value": true, "rename_to": "where"}},
		"response_parameters": ["MessageId"]}}}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, end := sdk.segment(context.Background(), "shop")
	queues := sqs.New(sdk.session(session.Must(session.NewSession(awsConfig(t, 0))), file))
	_, err := queues.SendMessageWithContext(ctx, &sqs.SendMessageInput{QueueUrl: aws.String("http://queue.example/1"), MessageBody: aws.String("hello"),
		MessageAttributes: map[string]*sqs.MessageAttributeValue{"kind": {DataType: aws.String("String"), StringValue: aws.String("x")}}})
	seen = append(seen, fmt.Sprint(err != nil))
	_, err = queues.ListQueuesWithContext(ctx, &sqs.ListQueuesInput{QueueNamePrefix: aws.String("a")})
	seen = append(seen, fmt.Sprint(err != nil))
	end(nil)
	return seen
}

// callGRPC calls a server through both interceptors: whatever the server answers.
func callGRPC(t *testing.T, sdk implementation) (seen []string) {
	serve := func(name string, more ...grpc.DialOption) *grpc.ClientConn {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := grpc.NewServer(grpc.UnaryInterceptor(sdk.grpcServer(name)))
		grpc_health_v1.RegisterHealthServer(server, &health{sdk: sdk})
		go server.Serve(listener)
		t.Cleanup(server.Stop)
		conn, err := grpc.NewClient(listener.Addr().String(), append(more, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	inferred := grpc_health_v1.NewHealthClient(serve("", grpc.WithUnaryInterceptor(sdk.grpcClient())))
	ctx, end := sdk.segment(context.Background(), "caller")
	for _, code := range []codes.Code{codes.OK, codes.NotFound, codes.ResourceExhausted, codes.Internal, codes.Unknown} {
		var head metadata.MD
		_, err := inferred.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: code.String()}, grpc.Header(&head))
		seen = append(seen, fmt.Sprintf("%v: %v, %d headers", code, err != nil, len(head.Get("x-amzn-trace-id"))))
	}
	end(nil)
	// Asked for a decision; by way of a proxy; not recorded.
	named := grpc_health_v1.NewHealthClient(serve("orders"))
	for _, with := range [][]string{
		{"x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=?"},
		{"x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1", "x-forwarded-for", "192.0.2.7, 10.0.0.1"},
		{"x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"},
		{},
	} {
		var head metadata.MD
		_, err := named.Check(metadata.AppendToOutgoingContext(context.Background(), with...), &grpc_health_v1.HealthCheckRequest{Service: "OK"}, grpc.Header(&head))
		answer := strings.Join(head.Get("x-amzn-trace-id"), ",")
		if len(with) == 0 {
			answer = answer[:len("Root=1-")]
		}
		seen = append(seen, fmt.Sprintf("%v: %v, %s", with, err != nil, answer))
	}
	return seen
}

type health struct {
	grpc_health_v1.UnimplementedHealthServer
	sdk implementation
}

// Check answers with the code that the request names.
func (h *health) Check(ctx context.Context, r *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	h.sdk.annotate(ctx, "service", r.Service)
	err := h.sdk.capture(ctx, "look", func(context.Context) error { return nil })
	for code := codes.OK; code <= codes.Unauthenticated; code++ {
		if code.String() == r.Service && code != codes.OK {
			if code == codes.Unknown {
				return nil, errors.New("no status")
			}
			return nil, status.Error(code, "as asked")
		}
	}
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, err
}

// serveFastHTTP answers requests within segments.
func serveFastHTTP(t *testing.T, sdk implementation) (seen []string) {
	listener := fasthttputil.NewInmemoryListener()
	server := &fasthttp.Server{Handler: sdk.fasthttp("fast", func(ctx *fasthttp.RequestCtx) {
		sdk.annotate(ctx, "path", string(ctx.Path()))
		sdk.capture(ctx, "work", func(ctx context.Context) error {
			return sdk.capture(ctx, "deeper", func(context.Context) error { return nil })
		})
		if string(ctx.Path()) == "/busy" {
			ctx.SetStatusCode(fasthttp.StatusTooManyRequests)
			return
		}
		ctx.SetBodyString("done")
		ctx.Response.Header.SetContentLength(4)
	})}
	go server.Serve(listener)
	t.Cleanup(func() { listener.Close() })
	client := http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return listener.Dial() }}}
	for _, q := range []struct{ path, header, forwarded string }{
		{"/orders?q=1", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1", "192.0.2.7, 10.0.0.1"},
		{"/busy", "", ""},
		{"/never", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0", ""},
		{"/asked", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=?", ""},
	} {
		r, err := http.NewRequest("GET", "http://fast.example"+q.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("User-Agent", "test")
		if q.header != "" {
			r.Header.Set("X-Amzn-Trace-Id", q.header)
		}
		if q.forwarded != "" {
			r.Header.Set("X-Forwarded-For", q.forwarded)
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		seen = append(seen, fmt.Sprintf("%s: %d %s %v", q.path, answer.StatusCode, body, err))
	}
	return seen
}

// hooks calls the hooks as net/http does.
func hooks(t *testing.T, sdk implementation) (seen []string) {
	ctx, end := sdk.segment(context.Background(), "shop")
	failed := errors.New("refused")
	fresh := func(p phases) {
		p.GetConn("db.example:443")
		p.DNSStart(httptrace.DNSStartInfo{Host: "db.example"})
		p.DNSDone(httptrace.DNSDoneInfo{Addrs: []net.IPAddr{{IP: net.IPv4(192, 0, 2, 7)}}, Coalesced: true})
		p.ConnectStart("tcp", "192.0.2.7:443")
		p.ConnectDone("tcp", "192.0.2.7:443", nil)
		p.TLSHandshakeStart()
		p.TLSHandshakeDone(tls.ConnectionState{NegotiatedProtocol: "h2", NegotiatedProtocolIsMutual: true, CipherSuite: tls.TLS_AES_128_GCM_SHA256}, nil)
		p.GotConn(&httptrace.GotConnInfo{}, nil)
		p.WroteRequest(httptrace.WroteRequestInfo{})
		p.GotFirstResponseByte()
	}
	for _, request := range []struct {
		name string
		hook func(phases)
	}{
		{"fresh", fresh},
		{"reused", func(p phases) {
			p.GetConn("db.example:443")
			p.GotConn(&httptrace.GotConnInfo{Reused: true, WasIdle: true, IdleTime: time.Second}, nil)
			p.GotFirstResponseByte() // before there is anything to answer
			p.WroteRequest(httptrace.WroteRequestInfo{})
			p.GotFirstResponseByte()
		}},
		{"idle", func(p phases) {
			p.GetConn("db.example:443")
			p.GotConn(&httptrace.GotConnInfo{WasIdle: true, IdleTime: time.Second}, nil)
			p.WroteRequest(httptrace.WroteRequestInfo{Err: failed})
			p.GotFirstResponseByte()
		}},
		{"refused", func(p phases) {
			p.GetConn("db.example:443")
			p.ConnectStart("tcp", "192.0.2.7:443")
			p.ConnectDone("tcp", "192.0.2.7:443", failed)
			p.GotConn(nil, failed)
		}},
		{"nothing told of the connection", func(p phases) {
			p.DNSStart(httptrace.DNSStartInfo{})
			p.GetConn("db.example:443")
			p.WroteRequest(httptrace.WroteRequestInfo{})
			p.GotFirstResponseByte()
		}},
	} {
		sdk.capture(ctx, request.name, func(ctx context.Context) error {
			request.hook(sdk.phases(ctx))
			return nil
		})
	}
	sdk.capture(ctx, "removes", func(ctx context.Context) error {
		seen = append(seen, fmt.Sprint(sdk.remove(ctx, "gone")))
		return nil
	})
	end(nil)
	return seen
}
