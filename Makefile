# Everything a developer types. Each target first makes .venv and installs what it needs; nothing else is required.
BIN := .venv/bin
# See install.sh: in a folder with a Chinese name Python before 3.13 does not start under these two.
ifneq (,$(filter C POSIX,$(LC_ALL)))
export LC_ALL := C.UTF-8
endif

.PHONY: demo test test-clock check check-install bench openapi schema requirements install install-dev clean

demo: install  ## start a demo city, play the main job in it, stay up until Ctrl-C
	$(BIN)/huixin demo $(ARGS)

test: install-dev  ## run the tests
	$(BIN)/python -m pytest $(ARGS)

test-clock: install-dev  ## run the tests as if it were AT='2028-02-29 23:58' in Shanghai; needs libfaketime
	.ci/clock "$(AT)" $(ARGS)

check-install: install-dev  ## install as a stranger would, with the oldest pip we take, and compare with the lock
	.ci/install

check: install-dev  ## format, lint, types, imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install-dev  ## measure, each figure beside its ceiling
	$(BIN)/python -m load_tests.bench $(ARGS)

openapi: install-dev  ## write openapi/openapi.json and openapi/refusals.md again
	$(BIN)/huixin openapi

schema: install-dev  ## write migrations/schema.sql again, from a database that is migrated for it
	$(BIN)/huixin schema

UPGRADE := --upgrade
PIN = $(BIN)/uv pip compile --quiet $(UPGRADE) --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header
# The second file names the first and repeats none of its pins; what uv lists at the end as left out goes, too.
requirements: install-dev  ## pin the requirements anew; with UPGRADE= only what is new
	$(PIN) requirements.in --output-file requirements.txt
	$(PIN) $$(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package \1/p' requirements.txt) \
		requirements-dev.in --output-file requirements-dev.txt
	{ echo '-r requirements.txt'; sed '/^$$/d; /^# The following packages/,$$d' requirements-dev.txt; } > .venv/pins
	mv .venv/pins requirements-dev.txt

install: .venv/installed

install-dev: .venv/installed-dev

.venv/installed: requirements.txt pyproject.toml install.sh
	./install.sh requirements.txt
	touch $@

.venv/installed-dev: requirements.txt requirements-dev.txt pyproject.toml install.sh
	./install.sh requirements-dev.txt
	touch $@ .venv/installed

clean:  ## forget the embedded city and what was installed
	rm -rf .venv var
