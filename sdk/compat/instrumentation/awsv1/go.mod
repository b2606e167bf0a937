module github.com/tomotrace/tomo/sdk/compat/instrumentation/awsv1

go 1.25.0

replace github.com/tomotrace/tomo/sdk => ../../..

require (
	github.com/aws/aws-sdk-go v1.55.8
	github.com/tomotrace/tomo/sdk v0.0.0
)

require github.com/jmespath/go-jmespath v0.4.0 // indirect
