module github.com/tomotrace/tomo/sdk/compat/lambda

go 1.26

replace github.com/tomotrace/tomo/sdk => ../..

require (
	github.com/aws/aws-lambda-go v1.55.1
	github.com/tomotrace/tomo/sdk v0.0.0
)
