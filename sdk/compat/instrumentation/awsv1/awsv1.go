// Package awsv1 makes calls of the AWS SDK for Go v1 subsegments. It has those names
// of the official X-Ray SDK's package xray that need that SDK, which is why it is a
// module of its own:
//
//	db := dynamodb.New(session.Must(session.NewSession()))
//	awsv1.AWS(db.Client)
package awsv1

//lint:file-ignore SA1019 programs that still call AWS by the first SDK are who this is for

import (
	"context"
	"net/http/httptrace"
	"os"

	"github.com/aws/aws-sdk-go/aws/client"
	"github.com/aws/aws-sdk-go/aws/request"
	"github.com/aws/aws-sdk-go/aws/session"

	"github.com/tomotrace/tomo/sdk/compat/xray"
	"github.com/tomotrace/tomo/sdk/internal/awsparams"
)

// AWS has the calls of a client traced.
func AWS(c *client.Client) { AWSWithWhitelist(c, "") }

// AWSWithWhitelist is AWS with the parameters that a whitelist in JSON names. A file
// that cannot be read is as none; one that is no whitelist panics.
func AWSWithWhitelist(c *client.Client, filename string) {
	if c == nil {
		panic("Please initialize the provided AWS client before passing to the AWS() method.")
	}
	push(&c.Handlers, table(filename))
}

// AWSSession has the calls of all clients traced that are made with a session.
func AWSSession(s *session.Session) *session.Session { return AWSSessionWithWhitelist(s, "") }

// AWSSessionWithWhitelist is AWSSession with the parameters that a whitelist names.
func AWSSessionWithWhitelist(s *session.Session, filename string) *session.Session {
	push(&s.Handlers, table(filename))
	return s
}

// table reads a whitelist; "" stands for the usual one.
func table(filename string) awsparams.Table {
	if filename == "" {
		return awsparams.Default
	}
	text, err := os.ReadFile(filename)
	if err != nil {
		return awsparams.Default
	}
	t, err := awsparams.Parse(text, serviceOf)
	if err != nil {
		panic(err)
	}
	return t
}

// serviceOf is what the AWS SDK v2 calls a service.
func serviceOf(name string) string {
	switch name {
	case "dynamodb":
		return "DynamoDB"
	case "sqs":
		return "SQS"
	case "sns":
		return "SNS"
	case "s3":
		return "S3"
	case "lambda":
		return "Lambda"
	case "kinesis":
		return "Kinesis"
	case "firehose":
		return "Firehose"
	case "states":
		return "SFN"
	case "secretsmanager":
		return "Secrets Manager"
	case "runtime.sagemaker":
		return "SageMaker Runtime"
	case "events":
		return "EventBridge"
	}
	return name
}

// call is a call under way: its subsegment, and that of the phase that it is in.
//
//	dynamodb
//	├─ marshal                      build
//	├─ attempt                      sign, send; of each try
//	│   └─ connect, request, …
//	├─ wait                         before the next try
//	└─ unmarshal
type call struct {
	ctx     context.Context // of the subsegment
	segment *xray.Segment
	phase   *xray.Segment
	hooks   *xray.ClientTrace // of the attempt
}

type callKey struct{}

func callOf(r *request.Request) *call {
	c, _ := r.Context().Value(callKey{}).(*call)
	return c
}

// begin begins a phase.
func (c *call) begin(r *request.Request, name string) {
	var ctx context.Context
	ctx, c.phase = xray.BeginSubsegment(c.ctx, name)
	r.SetContext(ctx)
}

// end ends the phase, if there is one.
func (c *call) end(r *request.Request, err error) {
	if c.hooks != nil {
		c.hooks.Subsegments.End()
		c.hooks = nil
	}
	if c.phase != nil {
		c.phase.Close(err)
		c.phase = nil
	}
	r.SetContext(c.ctx)
}

// traced makes a handler for calls that are traced.
func traced(name string, f func(*request.Request, *call)) request.NamedHandler {
	return request.NamedHandler{Name: name, Fn: func(r *request.Request) {
		if c := callOf(r); c != nil {
			f(r, c)
		}
	}}
}

func push(h *request.Handlers, parameters awsparams.Table) {
	end := func(r *request.Request, c *call) { c.end(r, r.Error) }
	h.Validate.PushFrontNamed(request.NamedHandler{Name: "XRayBeforeValidateHandler", Fn: begin})
	h.Build.PushBackNamed(traced("XRayAfterBuildHandler", end))
	h.Sign.PushFrontNamed(traced("XRayBeforeSignHandler", func(r *request.Request, c *call) {
		c.begin(r, "attempt")
		// The context is not nil, so there is no error.
		c.hooks, _ = xray.NewClientTrace(r.Context())
		r.SetContext(httptrace.WithClientTrace(r.Context(), c.hooks.Hooks()))
	}))
	h.Unmarshal.PushFrontNamed(traced("XRayBeforeUnmarshalHandler", func(r *request.Request, c *call) {
		c.end(r, r.Error)
		c.begin(r, "unmarshal")
	}))
	h.Unmarshal.PushBackNamed(traced("XRayAfterUnmarshalHandler", end))
	h.Retry.PushFrontNamed(traced("XRayBeforeRetryHandler", func(r *request.Request, c *call) {
		c.end(r, r.Error)
		c.begin(r, "wait")
	}))
	h.AfterRetry.PushBackNamed(traced("XRayAfterRetryHandler", end))
	h.Complete.PushFrontNamed(traced("XRayCompleteHandler", func(r *request.Request, c *call) {
		c.end(r, nil)
		c.complete(r, parameters)
	}))
}

// begin begins the subsegment of a call, and the phase marshal.
func begin(r *request.Request) {
	ctx, s := xray.BeginSubsegment(r.Context(), r.ClientInfo.ServiceName)
	if s == nil {
		return
	}
	s.Lock()
	s.Namespace = "aws"
	s.Unlock()
	c := &call{segment: s}
	c.ctx = context.WithValue(ctx, callKey{}, c)
	c.begin(r, "marshal")
	r.HTTPRequest.Header.Set(xray.TraceIDHeaderKey, s.DownstreamHeader().String())
}

// complete says what the call was and ends it.
func (c *call) complete(r *request.Request, parameters awsparams.Table) {
	s := c.segment
	s.Lock()
	aws := s.GetAWS()
	say := func(key string, value any) { aws[key] = value }
	service := serviceOf(r.ClientInfo.ServiceName)
	parameters.Request(service, r.Operation.Name, r.Params, say)
	parameters.Response(service, r.Operation.Name, r.Data, say)
	say("region", r.ClientInfo.SigningRegion)
	say("operation", r.Operation.Name)
	say("retries", r.RetryCount)
	say(xray.RequestIDKey, r.RequestID)
	if answer := r.HTTPResponse; answer != nil {
		s.GetHTTP().GetResponse().Status = answer.StatusCode
		s.GetHTTP().GetResponse().ContentLength = int(max(0, answer.ContentLength))
		if id := answer.Header.Get(xray.S3ExtendedRequestIDHeaderKey); id != "" {
			say(xray.ExtendedRequestIDKey, id)
		}
	}
	if request.IsErrorThrottle(r.Error) {
		s.Throttle = true
	}
	s.Unlock()
	s.Close(r.Error)
}
