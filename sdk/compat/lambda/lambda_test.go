package lambda_test

import (
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/tomotrace/tomo/sdk/compat/lambda"
)

func TestIsSampled(t *testing.T) {
	const root = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8"
	for attribute, want := range map[string]bool{
		root + ";Sampled=1": true, root + ";Sampled=0": false, root: false, root + ";Sampled=?": false, "": false, "Sampled=1;" + root: true,
	} {
		message := events.SQSMessage{Attributes: map[string]string{"SenderId": "x", "AWSTraceHeader": attribute}}
		if attribute == "" {
			message.Attributes = nil
		}
		if got := lambda.IsSampled(message); got != want {
			t.Errorf("%q: %v, want %v", attribute, got, want)
		}
	}
}
