module github.com/tomotrace/tomo/sdk/compat/parity

go 1.26.0

require (
	github.com/aws/aws-xray-sdk-go v1.8.5
	github.com/tomotrace/tomo/sdk v0.0.0
)

require (
	github.com/andybalholm/brotli v1.2.0 // indirect
	github.com/aws/aws-sdk-go v1.55.8
	github.com/google/go-cmp v0.7.0
	github.com/jmespath/go-jmespath v0.4.0 // indirect
	github.com/klauspost/compress v1.18.1 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/tomotrace/tomo/sdk/compat/instrumentation/awsv1 v0.0.0
	github.com/tomotrace/tomo/sdk/compat/instrumentation/xrayfasthttp v0.0.0
	github.com/tomotrace/tomo/sdk/compat/instrumentation/xraygrpc v0.0.0
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	github.com/valyala/fasthttp v1.68.0
	golang.org/x/net v0.60.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
	golang.org/x/text v0.42.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260817212433-ac3dfec99bb1 // indirect
	google.golang.org/grpc v1.85.0
	google.golang.org/protobuf v1.36.12 // indirect
)

replace github.com/tomotrace/tomo/sdk => ../..

replace (
	github.com/tomotrace/tomo/sdk/compat/instrumentation/awsv1 => ../instrumentation/awsv1
	github.com/tomotrace/tomo/sdk/compat/instrumentation/xrayfasthttp => ../instrumentation/xrayfasthttp
	github.com/tomotrace/tomo/sdk/compat/instrumentation/xraygrpc => ../instrumentation/xraygrpc
)
