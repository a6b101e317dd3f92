# Every target installs what it needs where root runs it, and else prints the
# one command that does. Run `make help` for the list.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

TOOL := go tool -modfile=.tools/go.mod
# Limits of a whole package's tests: reached only by a test that hangs.
TEST_TIMEOUT ?= 10m
E2E_TIMEOUT  ?= 20m
# Further arguments of go test, such as ARGS='-v -run Ledger'.
ARGS ?=

.PHONY: help
help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## start the server with SQLite and the demonstration upstream
	@.ci/deps go
	@.ci/web if-node
	@echo 'Building the server; the first time takes a few minutes.'
	@exec go run ./hosts/archibotchat serve

.PHONY: web
web: ## build the web app into hosts/web/dist, for the server to hold
	@.ci/deps node
	@.ci/web build

# SQLite is C made into Go, with memory of its own that no other package sees:
# watching each access there takes tests three to ten times as long.
RACE = -race $(foreach p,modernc.org/sqlite/lib modernc.org/libc/... modernc.org/memory,-gcflags='$p=-race=false')

.PHONY: test
test: ## unit, property and conformance tests, on SQLite and PostgreSQL
	@.ci/deps go gcc postgres
	go test $(RACE) -tags engines -timeout $(TEST_TIMEOUT) $(ARGS) ./...

.PHONY: check
check: ## format, lint, vet, types, import directions, generated files up to date
	@.ci/deps go git node
	@.ci/format
	$(TOOL) golangci-lint run
	go vet -tags engines,e2e ./...
	go test -count=1 ./e2e/arch
	@.ci/generated
	@.ci/web check

.PHONY: format
format: ## rewrite the Go files in the house's format
	@.ci/deps go
	$(TOOL) golangci-lint fmt

.PHONY: vuln
vuln: ## look for known vulnerabilities in what the binaries call
	@.ci/deps go
	@.ci/vuln

.PHONY: generate
generate: ## write the OpenAPI documents from the hosts, and the TypeScript client
	@.ci/deps go node
	go run ./hosts/api/cmd/openapi -out openapi
	@.ci/web client openapi

# The browsers come by themselves: a container that starts or stops changes the
# machine's network, and Chromium then drops what it is loading.
# Go does not know that these suites build the server, so what it remembers of
# them is worth nothing. The race detector would watch the clients only, and take
# a third of the processors: it watches the server's packages in make test.
E2E = TESTCONTAINERS_RYUK_DISABLED=true go test -count=1 -tags e2e -timeout $(E2E_TIMEOUT)

.PHONY: e2e
e2e: images web ## black-box suites over the built server, real clients and engines
	@.ci/deps go node chromium
	@.ci/node
	$(E2E) -p 3 $(ARGS) $$(go list -tags e2e ./e2e/... | grep -v '/e2e/browser$$')
	$(E2E) $(ARGS) ./e2e/browser

.PHONY: bench
bench: ## this server beside a bare reverse proxy, over one upstream
	@.ci/deps go postgres
	@go run ./e2e/bench $(ARGS)

.PHONY: bench-web
bench-web: ## how quick the chat is in a browser, and its lists at the API
	@.ci/deps go node chromium
	@go test -v -tags e2e -run TestFigures -count=1 -timeout $(E2E_TIMEOUT) ./e2e/browser -figures $(ARGS)

.PHONY: images
images: ## build the container images that the suites start
	@e2e/images/build

.PHONY: deps
deps: ## install all that the targets need
	@.ci/deps go gcc git node chromium postgres docker

.PHONY: clean
clean: ## remove what builds left; the data in var/ stays
	rm -rf bin hosts/web/node_modules e2e/sdk/node/node_modules e2e/idp/node/node_modules e2e/browser/node/node_modules
	find hosts/web/dist -mindepth 1 ! -name .gitkeep -delete
	go clean -testcache
