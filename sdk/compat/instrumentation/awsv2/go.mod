module github.com/tomotrace/tomo/sdk/compat/instrumentation/awsv2

go 1.25.0

require (
	github.com/aws/aws-sdk-go-v2 v1.47.7
	github.com/aws/aws-sdk-go-v2/service/sqs v1.52.10
	github.com/aws/smithy-go v1.28.8
	github.com/tomotrace/tomo/sdk v0.0.0
	github.com/tomotrace/tomo/sdk/traceaws v0.0.0
)

require (
	github.com/aws/aws-sdk-go-v2/internal/configsources v1.5.10 // indirect
	github.com/aws/aws-sdk-go-v2/internal/endpoints/v2 v2.8.10 // indirect
)

replace (
	github.com/tomotrace/tomo/sdk => ../../..
	github.com/tomotrace/tomo/sdk/traceaws => ../../../traceaws
)
