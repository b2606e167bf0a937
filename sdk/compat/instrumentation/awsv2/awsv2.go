// Package awsv2 has the names of the official SDK's package of the same name.
package awsv2

import (
	"github.com/aws/smithy-go/middleware"

	"github.com/tomotrace/tomo/sdk/traceaws"
)

// AWSV2Instrumentor has clients made with these options traced:
//
//	awsv2.AWSV2Instrumentor(&cfg.APIOptions)
func AWSV2Instrumentor(apiOptions *[]func(*middleware.Stack) error) {
	traceaws.Instrument(apiOptions)
}
