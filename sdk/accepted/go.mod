module github.com/tomotrace/tomo/sdk/accepted

go 1.26.0

require (
	github.com/tomotrace/tomo v0.0.0
	github.com/tomotrace/tomo/sdk v0.0.0
	pgregory.net/rapid v1.3.0
)

replace (
	github.com/tomotrace/tomo => ../..
	github.com/tomotrace/tomo/sdk => ..
)
