package awsv2_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/tomotrace/tomo/sdk/compat/instrumentation/awsv2"
	"github.com/tomotrace/tomo/sdk/compat/strategy/sampling"
	"github.com/tomotrace/tomo/sdk/compat/xray"
)

func TestAWSV2Instrumentor(t *testing.T) {
	daemon, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer daemon.Close()
	all, err := sampling.NewLocalizedStrategyFromJSONBytes([]byte(`{"version":2,"default":{"fixed_target":0,"rate":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := xray.Configure(xray.Config{DaemonAddr: daemon.LocalAddr().String(), SamplingStrategy: all}); err != nil {
		t.Fatal(err)
	}
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("{}")) }))
	defer service.Close()
	cfg := aws.Config{Region: "eu-central-1", BaseEndpoint: &service.URL, Credentials: aws.AnonymousCredentials{}}
	awsv2.AWSV2Instrumentor(&cfg.APIOptions)
	ctx, seg := xray.BeginSegment(context.Background(), "worker")
	if _, err := sqs.NewFromConfig(cfg).PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: aws.String("http://queue")}); err != nil {
		t.Fatal(err)
	}
	seg.Close(nil)
	daemon.SetReadDeadline(time.Now().Add(10 * time.Second))
	b := make([]byte, 1<<16)
	n, _, err := daemon.ReadFrom(b)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(b[:n]); !strings.Contains(got, `"queue_url":"http://queue"`) || !strings.Contains(got, `"operation":"PurgeQueue"`) {
		t.Errorf("got %s", got)
	}
}
