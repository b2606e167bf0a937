// Package lambda has the names of the official SDK's package of the same name. It is
// a module of its own because of the events that it reads.
package lambda

import (
	"github.com/aws/aws-lambda-go/events"

	"github.com/tomotrace/tomo/sdk"
)

// IsSampled reports whether the sender of a message had its trace recorded.
func IsSampled(sqsMessge events.SQSMessage) bool {
	return sdk.ParseHeader(sqsMessge.Attributes["AWSTraceHeader"]).Sampled == sdk.Sampled
}
