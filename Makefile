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
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

# Tests that count or compare very many cases, or play one run as often as it has
# writes: the race detector finds nothing in them that it does not find in others, and makes
# each several times as long.
UNRACED := ^Test(CostOf|ReferenceEquals|SameStore|Redefinitions|DiskFullDuring|GeneratedCases|EngineCrash|CrashAtEveryWrite|CrashAtAnyWrite|CrashWhile|KeysAreTheDecoders|MarksAreTheDecoders)
UNRACED_PKG := $(if $(filter ./...,$(PKG)),./storage ./engine/enginetest ./project/fileschema,$(PKG))

.PHONY: test
test: lint ## formatter, vet, linter, all tests, with the race detector where there is anything to race
	@.ci/need compiler postgres || true
	go test $$(.ci/race) -timeout 15m -skip '$(UNRACED)' $(PKG)
	go test -timeout 15m -run '$(UNRACED)' $(UNRACED_PKG)

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
ci: test ci-rest ## what a merge must pass: test, examples, npm clients and browser, oracle, extensions, oldest and newest PostgreSQL

.PHONY: ci-rest
ci-rest: examples clients oracle huge extensions postgres-versions

.PHONY: examples
examples: build ## the example project is without findings, and its view tests pass
	bin/odsd -C examples check
	bin/odsd -C examples test

.PHONY: clients
clients: build ## npm clients and a headless browser against the demo
	@.ci/need npm chromium postgres
	cd clients && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci; }
	node clients/run.mjs $(if $(REWRITE),--rewrite) $(FILES)

# How long the oracle plays, and from which seed; a failure prints its seed. The
# ways to the same store take a third of it.
ORACLE_SECONDS ?= 180
WAYS_SECONDS ?= $(shell expr $(ORACLE_SECONDS) / 3)
ORACLE_CASES ?= 1000
FAULT_SECONDS ?= 60
FAILPOINT_KILLS ?= 12
ORACLE_SEED := $(or $(ORACLE_SEED),$(shell date +%s%N))

.PHONY: oracle
oracle: ## random views and transactions against the naive evaluator and in every way, that against PostgreSQL, and the program under faults
	@.ci/need compiler postgres
	ODSD_ORACLE_SECONDS=$(ORACLE_SECONDS) ODSD_ORACLE_SEED=$(ORACLE_SEED) \
		go test -count=1 -timeout 60m -run '^TestRandomCases$$' -v ./engine/enginetest
	ODSD_ORACLE_SECONDS=$(WAYS_SECONDS) ODSD_ORACLE_SEED=$(ORACLE_SEED) \
		go test -count=1 -timeout 60m -run '^(TestSameStoreWhateverTheWay|TestCrashAtAnyWriteOfABuildOrSwitch)$$' -v ./engine/enginetest
	go test -count=1 -timeout 60m -run '^TestReferenceEqualsPostgreSQL$$' -v ./engine/enginetest \
		-oracle.cases=$(ORACLE_CASES) -oracle.seed=$(ORACLE_SEED)
	ODSD_ORACLE_SECONDS=$(FAULT_SECONDS) ODSD_ORACLE_SEED=$(ORACLE_SEED) \
		go test -count=1 -timeout 60m -run '^(TestTheWholeProgramUnderFaults|TestTransfersBetweenTablesUnderKills)$$' -v ./internal/oracle
	ODSD_FAILPOINT_KILLS=$(FAILPOINT_KILLS) ODSD_ORACLE_SEED=$(ORACLE_SEED) \
		go test -count=1 -timeout 240m -run '^(TestKillsAtNamedPoints|TestInitialCopiesKilledAtNamedPoints)$$' -v ./internal/oracle

# How many rows each of the huge transactions has.
HUGE_ROWS ?= 1000000

.PHONY: huge
huge: ## transactions of HUGE_ROWS rows, and a row that as many documents show, through the program in 512 MiB, killed in the middle
	@.ci/need postgres
	ODSD_HUGE_ROWS=$(HUGE_ROWS) go test -count=1 -timeout 180m -run '^TestHuge' -v ./internal/oracle

.PHONY: extensions
extensions: ## values of PostGIS and pgvector, and money under other locales, where the system has packages of them
	@.ci/need postgres
	@.ci/need postgis pgvector locales || true
	go test -count=1 -timeout 15m -run '^Test(ValuesOfExtensions|RandomValues|ChangedValues|KeysOfEveryType|Money)' -v ./engine/postgres

# The oldest and the newest; `nightly` takes all between as well.
VERSIONS ?= 14 18

# Seconds for which the stalled source is stalled; more than 60 is more than any server waits by default.
STALL_SECONDS ?=

# Random cases of altered schemas on each version, besides those that its tests play.
SCHEMA_CASES ?= 0

.PHONY: postgres-versions
postgres-versions: ## the tests against databases, on the oldest and the newest PostgreSQL; VERSIONS=
	@.ci/need npm
	for version in $(VERSIONS); do \
		bin=$$(go run ./internal/pgcluster/pgfind $$version); \
		echo "PostgreSQL $$version: $$bin"; \
		ODSD_STALL_SECONDS=$(STALL_SECONDS) PATH="$$bin:$$PATH" go test -count=1 -timeout 15m ./internal/pgcluster ./engine/postgres ./cmd/odsd; \
		test $(SCHEMA_CASES) = 0 || PATH="$$bin:$$PATH" go test -count=1 -timeout 60m -run '^TestRandomSchemaChanges$$' ./engine/postgres -schema.cases=$(SCHEMA_CASES); \
	done

# Seconds that the random oracle plays against one mutant at most.
MUTANT_SECONDS ?= 60

.PHONY: mutants
mutants: ## a test build for each way to break the engine: every one must be caught
	@.ci/need postgres
	go test -count=1 -timeout 120m -run '^TestMutants$$' -v ./internal/mutants -mutants -mutants.oracle=$(MUTANT_SECONDS)

.PHONY: nightly
nightly: ## ci with an hour of the oracle, hundreds of kills, ten times the rows and every PostgreSQL from 14 to 18, the mutants and the costs of what is large
	$(MAKE) ci ORACLE_SECONDS=2500 ORACLE_CASES=10000 FAULT_SECONDS=1800 FAILPOINT_KILLS=300 HUGE_ROWS=10000000 STALL_SECONDS=70 SCHEMA_CASES=500 VERSIONS="14 15 16 17 18"
	$(MAKE) mutants cost

# The largest size that is counted. Ten million rows take the longest.
COST_LARGEST ?= 10000000

.PHONY: cost
cost: ## what one change reads and writes, for documents, tables, groups and unions of any size; bench/results/cost.*
	ODSD_COST=1 ODSD_COST_LARGEST=$(COST_LARGEST) go test -count=1 -timeout 120m -run '^TestCostOfAChange' -v ./engine/enginetest

.PHONY: bench
bench: ## the benchmarks beside the packages
	go test -run '^$$' -bench . -benchmem ./storage/... ./views/... ./engine/... ./query/...

# Flags of the backlog's benchmark, as BENCH='-rounds 5 -contenders odsd,rows'; see bench/README.md.
BENCH ?=

.PHONY: bench-backlog
bench-backlog: ## a backlog of 500,000 transactions through odsd, pg_recvlogical and a subscription, in turns
	@.ci/need postgres
	go run ./bench $(BENCH)
