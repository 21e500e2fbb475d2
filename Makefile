# The habits, as commands. `make` alone lists them.
#
# A machine with Go is enough for `make test`; what else a target uses (a C
# compiler for the race detector, PostgreSQL) is installed by .ci/need where that is possible.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.NOTPARALLEL:
.DEFAULT_GOAL := help

# Packages under test, narrowed by `make test PKG=./views/...`.
PKG ?= ./...

.PHONY: help
help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: test
test: lint ## formatter, vet, linter, all tests with the race detector
	@.ci/need compiler postgres || true
	go test $$(.ci/race) -timeout 15m $(PKG)

.PHONY: lint
lint: ## formatter, vet, linter
	@files=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
	if [ -n "$$files" ]; then echo "gofmt would change these files ('make fmt' does it):"; echo "$$files"; exit 1; fi
	go vet $(PKG)
	go tool staticcheck $(PKG)

.PHONY: fmt
fmt: ## format all Go files
	gofmt -w $$(git ls-files --cached --others --exclude-standard '*.go')

.PHONY: golden
golden: ## rewrite golden files and transcripts; then read the diff
	.ci/golden

.PHONY: build
build: ## the binary, in bin/
	go build -o bin/odsd ./cmd/odsd

# `ci` is test and ci-rest; .ci/run calls the two apart, so that the log has a
# line of its own for each.
.PHONY: ci
ci: test ci-rest ## what a merge must pass

.PHONY: ci-rest
ci-rest: examples postgres-versions

.PHONY: postgres-versions
postgres-versions: ## the tests of the change stream on the oldest and the newest PostgreSQL
	@.ci/need npm
	ODSD_TEST_POSTGRES=14,18 go test -count=1 -timeout 10m ./internal/pgcluster ./engine/postgres

.PHONY: examples
examples: build ## the examples are without findings
	bin/odsd -C examples check
