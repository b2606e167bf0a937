package e2e

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/aws/aws-sdk-go-v2/service/xray/types"

	"github.com/tomotrace/tomo"
)

// TestGoSDK puts one trace of two services and a table and reads it back by
// every operation, at once after the 200: what was acknowledged is visible.
func TestGoSDK(t *testing.T) {
	s := start(t)
	trace := tomo.NewTraceID(time.Now())
	root, call, query, callee := tomo.NewSegmentID(), tomo.NewSegmentID(), tomo.NewSegmentID(), tomo.NewSegmentID()
	now := float64(time.Now().UnixMilli()) / 1e3
	s.put(
		fmt.Sprintf(`{"trace_id":"%v","id":"%v","name":"checkout","start_time":%.3f,"end_time":%.3f,
			"user":"ada","origin":"AWS::EC2::Instance",
			"http":{"request":{"method":"POST","url":"https://shop.example/orders","client_ip":"192.0.2.7"},"response":{"status":200}},
			"annotations":{"customer":"gold","items":3,"gift":true},
			"metadata":{"debug":{"cart":[1,2,3]}},
			"subsegments":[
				{"id":"%v","name":"payments","namespace":"remote","start_time":%.3f,"end_time":%.3f,
				 "http":{"request":{"method":"POST","url":"https://payments.example/"},"response":{"status":200}}},
				{"id":"%v","name":"DynamoDB","namespace":"aws","start_time":%.3f,"end_time":%.3f,
				 "aws":{"operation":"GetItem","table_name":"orders"}}]}`,
			trace, root, now-0.5, now, call, now-0.4, now-0.2, query, now-0.2, now-0.1),
		fmt.Sprintf(`{"trace_id":"%v","id":"%v","parent_id":"%v","name":"payments","start_time":%.3f,"end_time":%.3f,
			"http":{"request":{"method":"POST","url":"https://payments.example/"},"response":{"status":503}},"fault":true,
			"cause":{"exceptions":[{"id":"%v","type":"Declined","message":"no funds"}]}}`,
			trace, callee, call, now-0.375, now-0.225, tomo.NewSegmentID()),
	)

	t.Run("BatchGetTraces", func(t *testing.T) {
		got := s.trace(trace.String())
		if got == nil {
			t.Fatal("the trace is not there")
		}
		if d := aws.ToFloat64(got.Duration); math.Abs(d-0.5) > 0.0005 {
			t.Errorf("duration %v, want 0.5", d)
		}
		if aws.ToBool(got.LimitExceeded) {
			t.Error("LimitExceeded is set")
		}
		byName := segments(t, got)
		checkout := byName["checkout"]
		if checkout.ID != root.String() || checkout.User != "ada" || checkout.HTTP.Request.Method != "POST" ||
			checkout.Annotations["customer"] != "gold" || checkout.Annotations["items"] != 3.0 || checkout.Annotations["gift"] != true {
			t.Errorf("checkout came back as %+v", checkout)
		}
		if _, ok := checkout.find("payments"); !ok {
			t.Error("the subsegment payments is not inside checkout")
		}
		payments := byName["payments"]
		if payments.ParentID != call.String() || !payments.Fault || len(payments.Cause.Exceptions) != 1 ||
			payments.Cause.Exceptions[0].Message != "no funds" {
			t.Errorf("payments came back as %+v", payments)
		}
		table := byName["DynamoDB (inferred)"]
		if table.ParentID != query.String() || table.Origin != "AWS::DynamoDB::Table" {
			t.Errorf("the table was inferred as %+v", table)
		}
		if len(byName) != 3 {
			t.Errorf("segments %v, want checkout, payments and the table", byName)
		}
	})

	t.Run("GetTraceSummaries", func(t *testing.T) {
		for _, by := range []types.TimeRangeType{types.TimeRangeTypeTraceId, types.TimeRangeTypeEvent, types.TimeRangeTypeService} {
			out, err := s.sdk().GetTraceSummaries(t.Context(), &xray.GetTraceSummariesInput{
				StartTime: aws.Time(time.Now().Add(-time.Minute)), EndTime: aws.Time(time.Now().Add(time.Minute)), TimeRangeType: by,
			})
			if err != nil {
				t.Fatalf("by %s: %v", by, err)
			}
			if len(out.TraceSummaries) != 1 || aws.ToInt64(out.TracesProcessedCount) != 1 {
				t.Fatalf("by %s: %d summaries of %d traces, want 1 of 1", by, len(out.TraceSummaries), aws.ToInt64(out.TracesProcessedCount))
			}
		}
		got := s.summary(trace.String())
		if aws.ToBool(got.HasFault) || aws.ToBool(got.HasError) || aws.ToBool(got.IsPartial) {
			t.Errorf("flags %v %v %v: they are the root's alone, and it was well", *got.HasFault, *got.HasError, *got.IsPartial)
		}
		if r := aws.ToFloat64(got.ResponseTime); math.Abs(r-0.5) > 0.0005 {
			t.Errorf("response time %v, want 0.5", r)
		}
		if got.EntryPoint == nil || aws.ToString(got.EntryPoint.Name) != "checkout" {
			t.Errorf("entry point %+v, want checkout", got.EntryPoint)
		}
		if got.Http == nil || aws.ToInt32(got.Http.HttpStatus) != 200 || aws.ToString(got.Http.ClientIp) != "192.0.2.7" {
			t.Errorf("http %+v", got.Http)
		}
		if len(got.Users) != 1 || aws.ToString(got.Users[0].UserName) != "ada" {
			t.Errorf("users %+v, want ada", got.Users)
		}
		value := got.Annotations["items"]
		if len(value) != 1 {
			t.Fatalf("annotation items: %+v", value)
		}
		if n, ok := value[0].AnnotationValue.(*types.AnnotationValueMemberNumberValue); !ok || n.Value != 3 {
			t.Errorf("annotation items: %+v, want the number 3", value[0].AnnotationValue)
		}
	})

	edges := func(t *testing.T, services []types.Service) map[string]bool {
		names, found := map[int32]string{}, map[string]bool{}
		for _, n := range services {
			names[aws.ToInt32(n.ReferenceId)] = aws.ToString(n.Name) + "/" + aws.ToString(n.Type)
		}
		for _, n := range services {
			for _, e := range n.Edges {
				found[names[aws.ToInt32(n.ReferenceId)]+" -> "+names[aws.ToInt32(e.ReferenceId)]] = true
			}
		}
		return found
	}
	wantEdges := []string{
		"checkout/client -> checkout/AWS::EC2::Instance",
		"checkout/AWS::EC2::Instance -> payments/",
		"checkout/AWS::EC2::Instance -> orders/AWS::DynamoDB::Table",
	}
	t.Run("GetTraceGraph", func(t *testing.T) {
		out, err := s.sdk().GetTraceGraph(t.Context(), &xray.GetTraceGraphInput{TraceIds: []string{trace.String()}})
		if err != nil {
			t.Fatal(err)
		}
		got := edges(t, out.Services)
		for _, want := range wantEdges {
			if !got[want] {
				t.Errorf("no edge %s among %v", want, got)
			}
		}
	})
	t.Run("GetServiceGraph", func(t *testing.T) {
		services := s.services()
		got := edges(t, services)
		for _, want := range wantEdges {
			if !got[want] {
				t.Errorf("no edge %s among %v", want, got)
			}
		}
		for _, n := range services {
			if aws.ToString(n.Name) == "payments" {
				if n.SummaryStatistics == nil || aws.ToInt64(n.SummaryStatistics.FaultStatistics.TotalCount) != 1 {
					t.Errorf("payments has the statistics %+v, want one fault", n.SummaryStatistics)
				}
			}
		}
	})
}

// TestGoSDKErrors checks that the SDK knows our errors by their types.
func TestGoSDKErrors(t *testing.T) {
	s := start(t)
	client, ctx := s.sdk(), t.Context()
	malformed := func(err error) bool {
		var invalid *types.InvalidRequestException
		return errors.As(err, &invalid) && invalid.ErrorMessage() != ""
	}
	at := aws.Time(time.Now())
	tests := []struct {
		name string
		call func() error
	}{
		{"an empty list of documents", func() error {
			_, err := client.PutTraceSegments(ctx, &xray.PutTraceSegmentsInput{TraceSegmentDocuments: []string{}})
			return err
		}},
		{"six trace ids", func() error {
			ids := make([]string, 6)
			for i := range ids {
				ids[i] = tomo.NewTraceID(time.Now()).String()
			}
			_, err := client.BatchGetTraces(ctx, &xray.BatchGetTracesInput{TraceIds: ids})
			return err
		}},
		{"a malformed trace id", func() error {
			_, err := client.BatchGetTraces(ctx, &xray.BatchGetTracesInput{TraceIds: []string{"1-2-3"}})
			return err
		}},
		{"a window that ends before it starts", func() error {
			_, err := client.GetTraceSummaries(ctx, &xray.GetTraceSummariesInput{StartTime: at, EndTime: aws.Time(at.Add(-time.Minute))})
			return err
		}},
		{"a token nobody gave", func() error {
			_, err := client.GetTraceSummaries(ctx, &xray.GetTraceSummariesInput{StartTime: aws.Time(at.Add(-time.Minute)), EndTime: at, NextToken: aws.String("x")})
			return err
		}},
		{"the graph of an unknown trace", func() error {
			_, err := client.GetTraceGraph(ctx, &xray.GetTraceGraphInput{TraceIds: []string{tomo.NewTraceID(time.Now()).String()}})
			return err
		}},
	}
	for _, test := range tests {
		if err := test.call(); !malformed(err) {
			t.Errorf("%s: got %v, want an InvalidRequestException with a message", test.name, err)
		}
	}

	t.Run("one bad document among good ones", func(t *testing.T) {
		trace, good := tomo.NewTraceID(time.Now()), tomo.NewSegmentID()
		out, err := client.PutTraceSegments(ctx, &xray.PutTraceSegmentsInput{TraceSegmentDocuments: []string{
			`{"id":"0000000000000001","name":"no trace id","start_time":1,"end_time":2}`,
			document(trace, good, "checkout", ""),
			`{`,
		}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, u := range out.UnprocessedTraceSegments {
			got = append(got, fmt.Sprintf("%q %s", aws.ToString(u.Id), aws.ToString(u.ErrorCode)))
		}
		if want := []string{`"0000000000000001" MissingTraceId`, `"" ParseError`}; !slices.Equal(got, want) {
			t.Errorf("refused %v, want %v", got, want)
		}
		if s.trace(trace.String()) == nil {
			t.Error("the good document between the bad ones is not there")
		}
	})

	t.Run("an unknown id is in neither list", func(t *testing.T) {
		out, err := client.BatchGetTraces(ctx, &xray.BatchGetTracesInput{TraceIds: []string{tomo.NewTraceID(time.Now()).String()}})
		if err != nil || len(out.Traces) != 0 || len(out.UnprocessedTraceIds) != 0 {
			t.Errorf("got %+v, %v", out, err)
		}
	})
}

// TestDatagram checks that what came by UDP is visible within a second and on
// disk soon after: it survives a kill.
func TestDatagram(t *testing.T) {
	s := start(t)
	ids := make([]string, 50)
	for i := range ids {
		trace := tomo.NewTraceID(time.Now())
		ids[i] = trace.String()
		s.send(document(trace, tomo.NewSegmentID(), "udp", fmt.Sprintf(`,"annotations":{"n":%d}`, i)))
	}
	within(t, time.Second, "visible", func() error { return s.missing(ids) })
	// Synced within 100 ms of its receipt; the rest is for a busy machine.
	time.Sleep(400 * time.Millisecond)
	s.kill()
	s.start()
	if err := s.missing(ids); err != nil {
		t.Errorf("after a kill: %v", err)
	}
}

// missing reports which of the traces cannot be read.
func (s *server) missing(ids []string) error {
	var gone []string
	for first := 0; first < len(ids); first += 5 {
		asked := ids[first:min(first+5, len(ids))]
		out, err := s.sdk().BatchGetTraces(context.Background(), &xray.BatchGetTracesInput{TraceIds: asked})
		if err != nil {
			return err
		}
		there := map[string]bool{}
		for _, trace := range out.Traces {
			there[aws.ToString(trace.Id)] = len(trace.Segments) > 0
		}
		for _, id := range asked {
			if !there[id] {
				gone = append(gone, id)
			}
		}
	}
	if len(gone) > 0 {
		return fmt.Errorf("%d of %d traces are not there, such as %s", len(gone), len(ids), gone[0])
	}
	return nil
}
