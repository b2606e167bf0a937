package traceaws_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/tomotrace/tomo/sdk"
	"github.com/tomotrace/tomo/sdk/internal/sdktest"
	"github.com/tomotrace/tomo/sdk/traceaws"
)

type sub struct {
	ID, Name, Namespace    string
	Fault, Error, Throttle bool
	AWS                    map[string]any
	HTTP                   struct{ Response struct{ Status int } }
	Cause                  struct {
		Exceptions []struct {
			Type   string
			Remote bool
		}
	}
}

// during records what f does with clients of the service h.
func during(t *testing.T, sampler sdk.Sampler, h http.HandlerFunc, f func(context.Context, aws.Config)) []sub {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	s := new(sdktest.Sink)
	r, err := sdk.New(sdk.Options{Sampler: sampler, Sink: s})
	if err != nil {
		t.Fatal(err)
	}
	cfg := aws.Config{
		Region: "eu-central-1", BaseEndpoint: &server.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "s"}, nil
		}),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts = 2
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		},
	}
	traceaws.Instrument(&cfg.APIOptions)
	ctx, seg := r.Begin(t.Context(), "shop")
	f(ctx, cfg)
	seg.Close(nil)
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(s.Documents()) == 0 {
		return nil
	}
	var d struct{ Subsegments []sub }
	if err := json.Unmarshal(s.Documents()[0], &d); err != nil {
		t.Fatal(err)
	}
	return d.Subsegments
}

func TestCalls(t *testing.T) {
	var (
		headers  []sdk.Header
		attempts int
	)
	got := during(t, sdk.Always, func(w http.ResponseWriter, r *http.Request) {
		headers = append(headers, sdk.ParseHeader(r.Header.Get(sdk.HeaderName)))
		w.Header().Set("X-Amzn-Requestid", "R1")
		target := r.Header.Get("X-Amz-Target")
		switch {
		case strings.HasSuffix(target, ".GetItem"):
			w.Write([]byte(`{"ConsumedCapacity":{"TableName":"orders","CapacityUnits":0.5}}`))
		case strings.HasSuffix(target, ".PutItem"):
			if attempts++; attempts == 1 {
				w.WriteHeader(503)
				return
			}
			w.WriteHeader(400)
			w.Write([]byte(`{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}`))
		case strings.HasSuffix(target, ".SendMessageBatch"):
			w.Write([]byte(`{"Failed":[],"Successful":[]}`))
		default:
			w.Write([]byte(`{}`))
		}
	}, func(ctx context.Context, cfg aws.Config) {
		table := dynamodb.NewFromConfig(cfg)
		key := map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: "secret"}}
		if _, err := table.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("orders"), Key: key, ConsistentRead: aws.Bool(true)}); err != nil {
			t.Error(err)
		}
		if _, err := table.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("orders"), Item: key}); err == nil {
			t.Error("no error")
		}
		if _, err := table.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"b": {Keys: []map[string]types.AttributeValue{key}}, "a": {Keys: []map[string]types.AttributeValue{key}}}}); err != nil {
			t.Error(err)
		}
		if _, err := sqs.NewFromConfig(cfg).SendMessageBatch(ctx, &sqs.SendMessageBatchInput{
			QueueUrl: aws.String("http://queue"), Entries: []sqstypes.SendMessageBatchRequestEntry{{Id: aws.String("1"), MessageBody: aws.String("secret")}},
		}); err != nil {
			t.Error(err)
		}
	})
	if len(got) != 4 {
		t.Fatalf("%d subsegments: %+v", len(got), got)
	}
	get, put, batch, send := got[0], got[1], got[2], got[3]
	if get.Name != "DynamoDB" || get.Namespace != "aws" || get.HTTP.Response.Status != 200 || get.AWS["operation"] != "GetItem" ||
		get.AWS["region"] != "eu-central-1" || get.AWS["table_name"] != "orders" || get.AWS["request_id"] != "R1" || get.AWS["consistent_read"] != true ||
		get.AWS["consumed_capacity"].(map[string]any)["CapacityUnits"] != 0.5 {
		t.Errorf("GetItem: %+v", get)
	}
	if put.Fault || !put.Error || !put.Throttle || put.AWS["retries"] != 1.0 || len(put.Cause.Exceptions) == 0 ||
		put.Cause.Exceptions[0].Type != "ProvisionedThroughputExceededException" || !put.Cause.Exceptions[0].Remote {
		t.Errorf("PutItem: %+v", put)
	}
	if tables, _ := json.Marshal(batch.AWS["table_names"]); string(tables) != `["a","b"]` {
		t.Errorf("BatchGetItem: %+v", batch)
	}
	if send.Name != "SQS" || send.AWS["queue_url"] != "http://queue" || send.AWS["message_count"] != 1.0 || send.AWS["failed_count"] != 0.0 {
		t.Errorf("SendMessageBatch: %+v", send)
	}
	if len(headers) != 5 || headers[0].Parent.String() != get.ID || headers[2].Parent.String() != put.ID || headers[0].Sampled != sdk.Sampled {
		t.Errorf("headers %+v", headers)
	}
}

func TestUnsampled(t *testing.T) {
	var headers []sdk.Header
	if got := during(t, sdk.Never, func(w http.ResponseWriter, r *http.Request) {
		headers = append(headers, sdk.ParseHeader(r.Header.Get(sdk.HeaderName)))
		w.Write([]byte(`{}`))
	}, func(ctx context.Context, cfg aws.Config) {
		if _, err := dynamodb.NewFromConfig(cfg).ListTables(ctx, &dynamodb.ListTablesInput{}); err != nil {
			t.Error(err)
		}
		// Without a segment nothing is added.
		if _, err := dynamodb.NewFromConfig(cfg).ListTables(context.Background(), &dynamodb.ListTablesInput{}); err != nil {
			t.Error(err)
		}
	}); got != nil {
		t.Errorf("sent %+v", got)
	}
	if len(headers) != 2 || headers[0].Sampled != sdk.NotSampled || headers[0].Root == (sdk.TraceID{}) || headers[1] != (sdk.Header{}) {
		t.Errorf("headers %+v, want one that says not sampled and none", headers)
	}
}
