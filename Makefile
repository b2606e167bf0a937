# Tomo: build, run, test. `make` alone lists the targets.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)

# The modules of the SDK and of its benchmark; each keeps its dependencies to itself.
SDK     := $(patsubst %/go.mod,%,$(shell git ls-files 'sdk/go.mod' 'sdk/*/go.mod' bench/sdk/go.mod))

.DEFAULT_GOAL := help
.PHONY: help build run demo test check bench clients linters packages console clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1	\2/p' $(MAKEFILE_LIST) | expand -t 10

build: ## build bin/tomo, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/tomo ./cmd/tomo

run: build ## start Tomo on 127.0.0.1:2000 (TCP and UDP), data in ./tomo-data
	./bin/tomo serve

demo: build ## start Tomo together with an application to look at, data in ./tomo-demo
	./bin/tomo demo --serve

test: clients linters ## install what the tests need and run all of them
	bash web/check.sh
	$(GO) test -race -timeout 20m ./...
	cd bench && $(GO) test ./...
	cd deploy && $(GO) test ./...
	@for m in $(SDK); do (cd $$m && echo "$$m" && $(GO) test -race ./...) || exit 1; done

check: clients linters ## format, vet, staticcheck, layers and all tests
	@bad=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$bad" ]; then echo "not formatted:" $$bad; exit 1; fi
	$(GO) vet ./...
	cd bench && $(GO) vet ./...
	cd e2e/xraysdk && $(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) test -run TestLayers .
	bash web/check.sh
	$(GO) test -race -timeout 20m ./...
	cd bench && $(GO) test ./...
	cd deploy && $(GO) vet ./... && $(GO) test ./...
	@for m in $(SDK); do (cd $$m && echo "$$m" && $(GO) vet ./... && $(GO) test -race ./...) || exit 1; done

bench: build ## measure ingest, reads and size on disk; see docs/benchmarks.md
	cd bench && $(GO) run ./cmd/bench all

clients: ## install the official clients that e2e drives, as far as they can be had
	bash e2e/clients.sh

linters: ## install what the tests of deploy/ look at packages and units with
	bash deploy/linters.sh

packages: ## build the deb and the rpm for amd64 and arm64 into dist/
	bash deploy/packages.sh

console: ## build the pages of the console into web/dist; needs Node
	bash web/install.sh
	cd web && npx tsc --noEmit && npx vite build --logLevel warn

clean: ## remove what was built; the data stays
	rm -rf bin dist e2e/node_modules web/node_modules
