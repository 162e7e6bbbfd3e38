# The commands of CodeStar Dash. Each does its own set-up first (setup/ensure), once.
#
#   make up       start the dashboard; PORT=8000 HOST=127.0.0.1 AWS=sandbox|real may be given
#   make test     all tests: on SQLite, then those that need it again on Postgres and Redis
#   make check    format, lint, types, import contracts, migrations, templates
#   make bench    the measurements of docs/performance.md
#   make screenshots  pictures of the main pages into var/screenshots (SHOTS="home project": only those)
#   make lighthouse   how quick and how accessible home, a project and a build are, by Lighthouse
#   make format   rewrite code and templates in the house's format
#   make lock     lock requirements/*.in and package.json again (UPGRADE=1: to newest versions)
#   make clean    remove what set-up and the tools made; var/ (your data) stays

MAKEFLAGS += --no-print-directory
PY = .venv/bin/python

# `exec`: exit codes and signals pass between make's caller and the program.
.PHONY: help up test check bench screenshots lighthouse format lock clean
help:
	@sed -n 's/^#   //p' Makefile

up:
	@sh setup/ensure run && exec $(PY) manage.py up

test:
	@sh setup/ensure test && exec $(PY) setup/run_tests.py

check:
	@sh setup/ensure check && exec sh setup/check

bench:
	@sh setup/ensure test && exec $(PY) -m bench

screenshots:
	@sh setup/ensure test && exec $(PY) -m screens.photograph $(SHOTS)

lighthouse:
	@sh setup/ensure test && sh screens/install && exec $(PY) -m screens.lighthouse

format:
	@sh setup/ensure check && exec sh setup/format

lock:
	@sh setup/ensure check && exec sh setup/lock

clean:
	@rm -rf .venv .setup node_modules screens/node_modules static/vendor build .mypy_cache .ruff_cache .pytest_cache \
	  .import_linter_cache .hypothesis .schemathesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
