module github.com/tomotrace/tomo/sdk

go 1.25.0
