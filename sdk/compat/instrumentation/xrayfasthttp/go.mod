module github.com/tomotrace/tomo/sdk/compat/instrumentation/xrayfasthttp

go 1.25.0

replace github.com/tomotrace/tomo/sdk => ../../..

require (
	github.com/tomotrace/tomo/sdk v0.0.0
	github.com/valyala/fasthttp v1.68.0
)

require (
	github.com/andybalholm/brotli v1.2.0 // indirect
	github.com/klauspost/compress v1.18.1 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
)
