package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/tomotrace/tomo"
)

// TestPythonSDK traces one request with the X-Ray SDK for Python over UDP.
func TestPythonSDK(t *testing.T) {
	found := pythons(t, "aws_xray_sdk.core", "boto3")
	if len(found) == 0 {
		absent(t, "the X-Ray SDK for Python")
	}
	dynamo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		fmt.Fprint(w, `{"Item":{"id":{"S":"17"}}}`)
	}))
	defer dynamo.Close()
	for _, python := range found {
		t.Run(python, func(t *testing.T) {
			s := start(t)
			id := strings.TrimSpace(run(t, s.clientEnvironment(t), python, filepath.Join("testdata", "shop.py"), dynamo.URL))
			s.waitFor(id, "checkout", "payments.example (inferred)", "dynamodb (inferred)")

			byName := segments(t, s.trace(id))
			checkout := byName["checkout"]
			if checkout.User != "ada" || checkout.HTTP.Response.Status != 200 || checkout.Annotations["items"] != 3.0 {
				t.Errorf("checkout came back as %+v", checkout)
			}
			if cart := checkout.Metadata["debug"]; fmt.Sprint(cart) != "map[cart:[1 2 3]]" {
				t.Errorf("metadata came back as %v", cart)
			}
			for n := range 40 {
				step, ok := checkout.find(fmt.Sprintf("step %d", n))
				if !ok || step.Annotations["step"] != float64(n) {
					t.Errorf("step %d came back as %+v", n, step)
				}
			}
			discount, _ := checkout.find("discount")
			if !discount.Fault || len(discount.Cause.Exceptions) != 1 || discount.Cause.Exceptions[0].Type != "KeyError" ||
				len(discount.Cause.Exceptions[0].Stack) == 0 {
				t.Errorf("the subsegment with the exception came back as %+v", discount)
			}
			if payments := byName["payments.example (inferred)"]; !payments.Fault || payments.HTTP.Response.Status != 502 {
				t.Errorf("payments was inferred as %+v", payments)
			}
			if table := byName["dynamodb (inferred)"]; table.Origin != "AWS::DynamoDB::Table" {
				t.Errorf("the table was inferred as %+v", table)
			}
			s.checkShop(id, "checkout", "payments.example")
		})
	}
}

// TestNodeSDK traces one request through two services with the X-Ray SDK for
// Node over UDP.
func TestNodeSDK(t *testing.T) {
	if exec.Command("node", "-e", "require('aws-xray-sdk')").Run() != nil {
		absent(t, "the X-Ray SDK for Node")
	}
	s := start(t)
	id := strings.TrimSpace(run(t, s.clientEnvironment(t), "node", filepath.Join("testdata", "shop.js")))
	s.waitFor(id, "checkout.example", "payments.example")

	byName := segments(t, s.trace(id))
	if len(byName) != 2 {
		t.Errorf("%d segments, want the two that were sent: the callee answered itself", len(byName))
	}
	checkout, payments := byName["checkout.example"], byName["payments.example"]
	if checkout.User != "ada" || checkout.Annotations["customer"] != "gold" || checkout.HTTP.Request.Method != "POST" {
		t.Errorf("checkout came back as %+v", checkout)
	}
	if cart := checkout.Metadata["debug"]; fmt.Sprint(cart) != "map[cart:[1 2 3]]" {
		t.Errorf("metadata came back as %v", cart)
	}
	for n := range 8 {
		if _, ok := checkout.find(fmt.Sprintf("step %d", n)); !ok {
			t.Errorf("step %d is not there", n)
		}
	}
	discount, _ := checkout.find("discount")
	if !discount.Fault || len(discount.Cause.Exceptions) != 1 || discount.Cause.Exceptions[0].Message != "no such coupon" {
		t.Errorf("the subsegment with the exception came back as %+v", discount)
	}
	call, ok := checkout.find("127.0.0.1")
	if !ok || call.Namespace != "remote" || call.ID != payments.ParentID {
		t.Errorf("the call %+v is not the parent of %+v", call, payments)
	}
	if !payments.Fault || payments.HTTP.Response.Status != 502 {
		t.Errorf("payments came back as %+v", payments)
	}
	s.checkShop(id, "checkout.example", "payments.example")
}

// waitFor polls until the trace holds the named segments and nothing in it is
// still to come.
func (s *server) waitFor(id string, names ...string) {
	s.t.Helper()
	within(s.t, 10*time.Second, "complete", func() error {
		trace := s.trace(id)
		if trace == nil {
			return errors.New("the trace is not there")
		}
		have := segments(s.t, trace)
		for _, name := range names {
			if _, ok := have[name]; !ok {
				return fmt.Errorf("no segment %q", name)
			}
		}
		return nil
	})
}

// checkShop checks what the summary and the service graph say of the request:
// the root answered well, the callee failed.
func (s *server) checkShop(id, root, callee string) {
	s.t.Helper()
	summary := s.summary(id)
	if summary == nil {
		s.t.Fatal("the trace is in no page of summaries")
	}
	if summary.EntryPoint == nil || aws.ToString(summary.EntryPoint.Name) != root || aws.ToInt32(summary.Http.HttpStatus) != 200 ||
		aws.ToBool(summary.HasFault) || aws.ToBool(summary.IsPartial) {
		s.t.Errorf("the summary is %+v", summary)
	}
	if len(summary.Annotations["customer"]) != 1 {
		s.t.Errorf("annotations %v, want the customer", summary.Annotations)
	}
	edges := map[string]bool{}
	services := s.services()
	names := map[int32]string{}
	for _, n := range services {
		names[aws.ToInt32(n.ReferenceId)] = aws.ToString(n.Name)
	}
	for _, n := range services {
		for _, e := range n.Edges {
			edges[aws.ToString(n.Name)+" -> "+names[aws.ToInt32(e.ReferenceId)]] = true
			if names[aws.ToInt32(e.ReferenceId)] == callee && aws.ToInt64(e.SummaryStatistics.FaultStatistics.TotalCount) != 1 {
				s.t.Errorf("the call of %s counts as %+v, want one fault", callee, e.SummaryStatistics)
			}
		}
	}
	for _, want := range []string{root + " -> " + root, root + " -> " + callee} {
		if !edges[want] {
			s.t.Errorf("the service graph has no edge %s among %v", want, edges)
		}
	}
}

// TestBoto3 runs every operation through boto3.
func TestBoto3(t *testing.T) {
	found := pythons(t, "boto3")
	if len(found) == 0 {
		absent(t, "boto3")
	}
	for _, python := range found {
		t.Run(python, func(t *testing.T) {
			s := start(t)
			run(t, s.clientEnvironment(t), python, filepath.Join("testdata", "reads.py"), s.url(""), tomo.NewTraceID(time.Now()).String())
		})
	}
}
