// Package traceaws makes calls of the AWS SDK for Go v2 subsegments:
//
//	cfg, err := config.LoadDefaultConfig(ctx)
//	...
//	traceaws.Instrument(&cfg.APIOptions)
//
// A subsegment is named for the service and says operation, region, request id,
// retries and the resource: the table, queue, topic, bucket or function. X-Ray
// makes a node of the map of each.
package traceaws

import (
	"context"
	"errors"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/tomotrace/tomo/sdk"
	"github.com/tomotrace/tomo/sdk/internal/awsparams"
)

// Instrument has all clients made with these options traced. A call without a
// segment in its context goes through as it is.
func Instrument(options *[]func(*middleware.Stack) error) {
	*options = append(*options, func(stack *middleware.Stack) error {
		if err := stack.Initialize.Add(middleware.InitializeMiddlewareFunc("TomoSubsegment", call), middleware.After); err != nil {
			return err
		}
		return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("TomoAttempt", attempt), middleware.Before)
	})
}

type key struct{}

// call is what all attempts of one call belong to.
func call(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
	out middleware.InitializeOutput, metadata middleware.Metadata, err error,
) {
	if !sdk.HasSegment(ctx) {
		return next.HandleInitialize(ctx, in)
	}
	ctx, s := sdk.BeginSub(ctx, awsmiddleware.GetServiceID(ctx))
	if s == nil {
		return next.HandleInitialize(ctx, in)
	}
	ctx = middleware.WithStackValue(ctx, key{}, s)
	if !s.Recorded() {
		return next.HandleInitialize(ctx, in)
	}
	service, operation := awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx)
	done := false
	defer func() {
		if !done { // something below panics
			s.SetFault(true)
			s.Close(nil)
		}
	}()
	s.SetNamespace(sdk.NamespaceAWS)
	say(s, "operation", operation)
	if region := awsmiddleware.GetRegion(ctx); region != "" {
		say(s, "region", region)
	}
	awsparams.Default.Request(service, operation, in.Parameters, func(key string, value any) { say(s, key, value) })
	out, metadata, err = next.HandleInitialize(ctx, in)
	done = true
	if attempts, ok := retry.GetAttemptResults(metadata); ok && len(attempts.Results) > 1 {
		say(s, "retries", len(attempts.Results)-1)
	}
	if err == nil {
		awsparams.Default.Response(service, operation, out.Result, func(key string, value any) { say(s, key, value) })
	}
	if err != nil {
		// The service says so by a status, which has been noted; then the error
		// is whose the status says it is.
		fault := true
		var status *smithyhttp.ResponseError
		if errors.As(err, &status) && status.HTTPStatusCode() < 500 {
			fault = false
		}
		s.AddError(named(err))
		s.SetFault(fault)
	}
	s.Close(nil)
	return out, metadata, err
}

// named gives an error of the service the type by which the service calls it.
func named(err error) error {
	var known smithy.APIError
	if errors.As(err, &known) && known.ErrorCode() != "" {
		return remoteError{err, known.ErrorCode()}
	}
	return err
}

type remoteError struct {
	error
	code string
}

func (e remoteError) ExceptionType() string { return e.code }
func (e remoteError) RemoteException() bool { return true }

// attempt is one request; of several the last one counts.
func attempt(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	out middleware.DeserializeOutput, metadata middleware.Metadata, err error,
) {
	s, _ := middleware.GetStackValue(ctx, key{}).(*sdk.Segment)
	q, ok := in.Request.(*smithyhttp.Request)
	if s == nil || !ok {
		return next.HandleDeserialize(ctx, in)
	}
	q.Header.Set(sdk.HeaderName, s.Header().String())
	out, metadata, err = next.HandleDeserialize(ctx, in)
	answer, ok := out.RawResponse.(*smithyhttp.Response)
	if !ok {
		return out, metadata, err
	}
	s.SetFault(false)
	s.SetError(false)
	s.SetThrottle(false)
	s.SetHTTPResponse(sdk.HTTPResponse{Status: answer.StatusCode, ContentLength: max(0, answer.ContentLength)})
	if err != nil && throttled(err) {
		s.SetError(true)
		s.SetThrottle(true)
	}
	if id, ok := awsmiddleware.GetRequestIDMetadata(metadata); ok {
		say(s, "request_id", id)
	} else if id := answer.Header.Get("X-Amzn-Requestid"); id != "" {
		say(s, "request_id", id)
	}
	if id := answer.Header.Get("X-Amz-Id-2"); id != "" {
		say(s, "id_2", id)
	}
	return out, metadata, err
}

// throttled reports whether the service refused for there being too many. Some
// say so with the status 400.
func throttled(err error) bool {
	var known smithy.APIError
	if !errors.As(err, &known) {
		return false
	}
	_, is := retry.DefaultThrottleErrorCodes[known.ErrorCode()]
	return is
}

// say puts a text or a number, which can always be encoded, into the aws block.
func say(s *sdk.Segment, key string, value any) { _ = s.SetAWS(key, value) }
