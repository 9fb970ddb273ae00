# Copyright 2026 The Dragoman Authors
# SPDX-License-Identifier: Apache-2.0

# `make help` lists the targets. Everything that a target needs and Go can build is pinned, with checksums, in
# tools/go.mod, tools/golangci/go.mod, tools/conformance/go.mod and tools/packaging/go.mod, and built once into .tmp/bin.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules --no-print-directory --warn-undefined-variables

ROOT := $(abspath .)
TMP := $(ROOT)/.tmp
BIN := $(TMP)/bin
export PATH := $(BIN):$(PATH):/usr/sbin:/sbin
# The cache keeps places as paths: that of another checkout would have the wrong ones.
export GOLANGCI_LINT_CACHE := $(TMP)/golangci-cache

# Programs that tests start, as Debian packages.
TEST_PROGRAMS := etcd-server iproute2 nftables chromium nodejs npm ngtcp2-client prometheus redis-server
# Folders that `make generate` and `make console` write, and `make check-generated` compares.
GENERATED := gen bench/gen transcoder/schema/wellknown gateway/admin/console/dist
# What to test; one package while working on it: make test PACKAGES=./balancer/...
PACKAGES ?= ./...
# More flags for go test: make test TESTFLAGS='-run Match -v'
TESTFLAGS ?=
# How long each fuzz target runs.
FUZZTIME ?= 30s
# How often each benchmark runs, and which.
BENCH ?= .
BENCH_COUNT ?= 6
# What runs the measurement of make balance-real.
REALTIME ?=
# How often each test of a fault runs: the worst counts.
FAULTS_COUNT ?= 1
# Arguments of the gateway in `make run`.
ARGS ?= demo

# Folders with a go.mod, the root first.
MODULES = $(shell find . -name go.mod -not -path './.tmp/*' -not -path '*/testdata/*' -not -path '*/node_modules/*' -printf '%h\n' | sort)
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# The time of what is built, in seconds since 1970: that of the last commit, so that everybody who builds it gets the same bytes.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
# What make dist and make packages make, and for what.
DIST := $(TMP)/dist
PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64
ARCHITECTURES ?= amd64 arm64
# The name of the image that make image builds.
IMAGE ?= dragoman:$(VERSION)

.PHONY: all
all: generate test lint ## Generate, test and lint

.PHONY: help
help: ## Describe the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "%-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the gateway, a static binary, into .tmp/bin/dragoman
	tools/build.sh $(VERSION) $(SOURCE_DATE_EPOCH) $(BIN)/dragoman

.PHONY: dist
dist: ## Build archives for PLATFORMS into .tmp/dist
	tools/dist.sh $(VERSION) $(SOURCE_DATE_EPOCH) $(DIST) $(PLATFORMS)

.PHONY: packages
packages: $(BIN)/nfpm ## Build packages for Debian and RPM systems, for ARCHITECTURES, into .tmp/dist
	tools/packages.sh $(VERSION) $(SOURCE_DATE_EPOCH) $(DIST) $(ARCHITECTURES)

.PHONY: image
image: ## Build the image IMAGE (needs Docker)
	docker build -f deploy/docker/Dockerfile --build-arg VERSION=$(VERSION) --build-arg SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) -t $(IMAGE) .

.PHONY: reproducible
reproducible: ## Build the gateway twice, in two folders and without a common cache; the bytes must be the same
	@tools/reproducible.sh $(VERSION) $(SOURCE_DATE_EPOCH)

.PHONY: package-check
package-check: build $(BIN)/helm $(BIN)/nfpm ## Check the image, the chart and the packages: what they hold, and that the gateway runs from it
	@tools/setup.sh iproute2 lintian rpm systemd
	tools/packages.sh $(VERSION) $(SOURCE_DATE_EPOCH) $(DIST)/check amd64
	cd tools/packaging && go test -count=1 -timeout 10m $(TESTFLAGS) . -bin $(BIN) -packages $(DIST)/check

.PHONY: run
run: build ## Build the gateway and run it: make run ARGS='run -c dragoman.yaml'
	$(BIN)/dragoman $(ARGS)

.PHONY: test
test: programs ## Run all tests, with the race detector and in random order
	go test -race -shuffle=on -timeout 20m $(TESTFLAGS) $(PACKAGES)
	go test -race -shuffle=on -tags xds $(TESTFLAGS) ./balancer/xds ./gateway/backend ./gateway/internal/e2e/xds

.PHONY: allocs
allocs: ## Run the tests that count allocations, without the race detector, under which they cannot; those of the whole gateway for each scenario, too
	@tools/setup.sh nghttp2-client
	go test -count=1 -run 'Alloc|Hostile|TenThousandParameters' $(TESTFLAGS) \
		$$(grep -rlE --include='*_test.go' 'internal/race"|AllocsPerRun' . | xargs -r -n 1 dirname | sort -u)
	cd bench && go test -count=1 -run TestAllocations $(TESTFLAGS) .

.PHONY: e2e
e2e: programs ## Run the end-to-end tests alone
	go test -race -shuffle=on $(TESTFLAGS) ./gateway/internal/e2e/...

.PHONY: registrations
registrations: programs ## Register and deregister a hundred servers in etcd under load; no call may fail
	go test -race $(TESTFLAGS) -run TestEtcdRegistrationsUnderLoad -v ./gateway/internal/e2e/balancing -registrations 100

.PHONY: conformance
conformance: $(BIN)/connectconformance $(BIN)/referenceserver $(BIN)/grpcserver ## Run the conformance suite of gRPC, gRPC-Web and Connect
	cd tools/conformance && go build -o $(BIN)/conformance .
	@tools/conformance.sh $(BIN)

.PHONY: interop
interop: ## Run the interoperability tests of gRPC, with grpc-go's client and server
	@mkdir -p $(TMP)
	@cd tools/interop && go run . 2>$(TMP)/interop.log || { tail -n 40 $(TMP)/interop.log; exit 1; }

.PHONY: programs
programs: ## Install what the tests start and this machine lacks
	@tools/setup.sh $(TEST_PROGRAMS)

.PHONY: cover
cover: programs ## Measure what the tests reach; the report is .tmp/cover.html
	@mkdir -p $(TMP)
	go test -shuffle=on -coverpkg=./... -coverprofile=$(TMP)/cover.out $(TESTFLAGS) $(PACKAGES)
	@# Generated code is not ours to cover.
	@grep -v '/dragoman/gen/' $(TMP)/cover.out >$(TMP)/cover.own.out
	go tool cover -html=$(TMP)/cover.own.out -o $(TMP)/cover.html
	go tool cover -func=$(TMP)/cover.own.out | tail -n 1

.PHONY: bench
bench: ## Run the benchmarks; the result is docs/bench/<version>-<machine>.txt
	@mkdir -p docs/bench
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(BENCH_COUNT) $(PACKAGES) | \
		tee "docs/bench/$(VERSION)-$$(uname -m)-$$(getconf _NPROCESSORS_ONLN)cpu.txt"

# How often each scenario runs with each peer.
BENCH_ROUNDS ?= 9

.PHONY: bench-peers
bench-peers: ## Compare with other gateways and proxies, in 20 minutes; the result is docs/bench/peers.md and the table in README.md. It needs a machine with nothing else to do
	@tools/setup.sh nghttp2-client wrk haproxy nginx-light
	@mkdir -p docs/bench
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.buildVersion=$(VERSION)' -o $(BIN)/dragoman ./cmd/dragoman
	cd bench && go build -o $(BIN)/peers .
	PATH="$$PATH:/usr/sbin" $(BIN)/peers -dragoman $(BIN)/dragoman -rounds $(BENCH_ROUNDS) -out docs/bench -readme README.md

.PHONY: faults
faults: programs ## Run the tests of faults and threats, and others that hold figures of time, alone, one after the other, with their times held; FAULTS_COUNT times each
	DRAGOMAN_FAULTS=1 go test -count=$(FAULTS_COUNT) -p 1 -parallel 1 -timeout 60m -run 'Fault|Threat|TestD[789]_|TenThousandParameters|HostileRequests|PoliciesAllocate|CostsAtMost' $(TESTFLAGS) $(PACKAGES)

.PHONY: balance
balance: ## Simulate the balancing policies; the result is docs/balancing/simulation.md
	go run ./balancer/picker/simulation/... -out docs/balancing

.PHONY: balance-real
balance-real: ## Compare the balancing policies on real processes; the result is docs/balancing/processes.md
	@# On a machine with other work on it: make balance-real REALTIME='chrt -r 1'
	go build -o $(BIN)/processes ./balancer/picker/processes
	$(REALTIME) $(BIN)/processes -out docs/balancing

.PHONY: traffic
traffic: ## Measure a canary and a mirror over 100,000 calls
	go test -count 1 -v -timeout 30m -run 'TestCanaryAndMirrorOverManyCalls|TestABlackHoledMirrorCostsCallsNothing' ./gateway/internal/e2e -traffic.calls 100000

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME
	@tools/fuzz.sh $(FUZZTIME)

.PHONY: golden
golden: ## Rewrite the golden files from what the code says now
	@packages=$$(grep -rlE --include='*_test.go' 'flag\.Bool\("update"' . | xargs -r -n 1 dirname | sort -u || true); \
	if [[ -z $$packages ]]; then echo 'no test has golden files'; else go test $$packages -update; fi

.PHONY: generate
generate: tools ## Generate what is generated: Go from proto/, and the protos that everybody imports
	go generate ./...
	buf generate
	buf generate --template tools/oracle.gen.yaml
	buf generate --template bench/buf.gen.yaml
	@tools/header.sh gen bench/gen

.PHONY: swagger-ui
swagger-ui: ## Get Swagger UI from npm, for the page of the documentation; it is committed (needs the network)
	@tools/swaggerui.sh

.PHONY: console
console: ## Build what browsers load of the console (needs Node and npm; the result is committed)
	@tools/console.sh $(TMP)/console

.PHONY: check-generated
check-generated: generate console ## Fail when what is generated is not what is committed
	@changed=$$(git status --porcelain -- $(GENERATED)); \
	if [[ -n $$changed ]]; then \
		printf '%s\n' "$$changed"; git --no-pager diff --stat -- $(GENERATED); \
		echo 'generated files differ from what is committed: run make generate console and commit the result' >&2; exit 1; \
	fi; \
	echo 'generated files are up to date'

.PHONY: lint
lint: tools $(BIN)/golangci-lint ## Check style, mistakes, module files and the schemas
	@tools/lint.sh $(MODULES)

.PHONY: lint-fix
lint-fix: tools $(BIN)/golangci-lint ## Mend what lint can mend by itself
	golangci-lint fmt
	golangci-lint run --fix
	buf format --write proto
	@for module in $(MODULES); do (cd "$$module" && go mod tidy); done

.PHONY: staticcheck
staticcheck: $(BIN)/staticcheck ## Run staticcheck alone, faster than lint
	staticcheck $(PACKAGES)

.PHONY: vuln
vuln: $(BIN)/govulncheck ## Look for known vulnerabilities in what we link (needs the network)
	govulncheck ./...

.PHONY: upgrade
upgrade: ## Move dependencies and tools to their newest versions
	@# A version is only taken when all of what it needs can be fetched; go says what is missing.
	go get -u -t ./...
	cd tools && go get -u tool
	cd tools/golangci && go get -u tool
	@for module in $(MODULES); do (cd "$$module" && go mod tidy); done

.PHONY: tools
tools: $(BIN)/buf $(BIN)/protoc-gen-go $(BIN)/protoc-gen-go-grpc $(BIN)/protoc-gen-grpc-gateway ## Build the pinned tools into .tmp/bin

.PHONY: clean
clean: ## Remove what the targets above made outside of version control
	rm -rf $(TMP)

# Each tool is built from its pinned version; go checks it against go.sum.
define tool
$(BIN)/$(1): $(2)/go.mod $(2)/go.sum
	@echo 'building $(1)'
	@mkdir -p $(BIN)
	@cd $(2) && CGO_ENABLED=0 go build -trimpath -buildvcs=false -o $$@ $(3)
	@touch $$@
endef
$(eval $(call tool,buf,tools,github.com/bufbuild/buf/cmd/buf))
$(eval $(call tool,govulncheck,tools,golang.org/x/vuln/cmd/govulncheck))
$(eval $(call tool,protoc-gen-go,tools,google.golang.org/protobuf/cmd/protoc-gen-go))
$(eval $(call tool,protoc-gen-go-grpc,tools,google.golang.org/grpc/cmd/protoc-gen-go-grpc))
$(eval $(call tool,protoc-gen-grpc-gateway,tools,github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-grpc-gateway))
$(eval $(call tool,staticcheck,tools,honnef.co/go/tools/cmd/staticcheck))
$(eval $(call tool,connectconformance,tools/conformance,connectrpc.com/conformance/cmd/connectconformance))
$(eval $(call tool,referenceserver,tools/conformance,connectrpc.com/conformance/cmd/referenceserver))
$(eval $(call tool,grpcserver,tools/conformance,connectrpc.com/conformance/cmd/grpcserver))
$(eval $(call tool,helm,tools/packaging,helm.sh/helm/v4/cmd/helm))
$(eval $(call tool,nfpm,tools/packaging,github.com/goreleaser/nfpm/v2/cmd/nfpm))
$(eval $(call tool,golangci-lint,tools/golangci,github.com/golangci/golangci-lint/v2/cmd/golangci-lint))
