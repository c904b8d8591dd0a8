# labctl. `make help` lists the targets.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Ignore the caller's settings of pip and Python, except those that say where packages come from.
unexport PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_PYTHON PIP_REQUIRE_VIRTUALENV PIP_REQUIRE_HASHES PIP_PRE
unexport PIP_CONSTRAINT PIP_BUILD_CONSTRAINT PIP_REQUIREMENT PIP_EDITABLE PIP_NO_DEPS PIP_DRY_RUN PIP_GROUP
unexport PIP_NO_BINARY PIP_ONLY_BINARY PIP_NO_BUILD_ISOLATION PIP_IGNORE_INSTALLED PIP_FORCE_REINSTALL
unexport PIP_IGNORE_REQUIRES_PYTHON PIP_PLATFORM PIP_PYTHON_VERSION PIP_ABI PIP_IMPLEMENTATION PIP_SRC
unexport PYTHONPATH PYTHONHOME PYTHONWARNINGS PYTHONOPTIMIZE PYTHONSTARTUP PYTHONINSPECT PYTHONSAFEPATH
unexport PYTHONUSERBASE PYTHONIOENCODING PYTHONVERBOSE PYTHONDEVMODE PYTHONEXECUTABLE PYTHONPLATLIBDIR
# Every process of the tests would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE
unexport PYTEST_ADDOPTS PYTEST_PLUGINS MYPYPATH UV_PYTHON UV_PROJECT_ENVIRONMENT VIRTUAL_ENV
unexport LD_PRELOAD LD_LIBRARY_PATH

# Find the environment's own programs first.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The stamp makes a second run skip the installation unless the locked dependencies changed.
$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "labctl needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
		|| { echo "cannot create $(VENV): is the venv module installed (Debian: python3-venv)?" >&2; exit 1; }
	@echo "installing into $(VENV) (the locked versions of constraints.txt) ..."
	@$(BIN)/python -m pip install --no-user --quiet --disable-pip-version-check "pip>=25.1"
	@$(BIN)/python -m pip install --no-user --quiet --disable-pip-version-check -c constraints.txt -e . --group dev
	@touch $@

.PHONY: install
install: $(VENV)/installed ## create the environment in .venv

# A lab with a name of its own has ports of its own, so it does not disturb any other lab.
DEMO      := --name make-demo --runtime local
DEMO_DOWN := labctl down --name make-demo --runtime local

.PHONY: demo
demo: install ## start the embedded lab, run the demos and a short load, tear it down
	@set -e; trap "$(DEMO_DOWN)" EXIT; trap "exit 130" INT TERM; \
	labctl up $(DEMO); \
	labctl demo coalescing $(DEMO); \
	labctl demo data-loss $(DEMO); \
	labctl load basic --duration 10 $(DEMO)

# Tests wait more than they compute.
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadgroup

.PHONY: test
test: install ## run the tests, without the long sweeps
	@$(PYTEST) -m "not slow"

.PHONY: test-all
test-all: test ## run the tests, then the long sweeps
	@$(PYTEST) -m slow

.PHONY: check
check: install ## static checks; edits nothing
	@ruff check .
	@ruff format --check .
	@mypy
	@lint-imports
	@$(BIN)/python -m tests.page_types

.PHONY: fix
fix: install ## let ruff repair what it can
	@ruff check --fix .
	@ruff format .

.PHONY: bench
bench: install ## measure; prints ratios against ceilings taken in the same run
	@$(BIN)/python -m bench

.PHONY: lock
lock: install ## pin the newest versions that pyproject.toml admits
	@$(BIN)/python -m pip install --no-user --quiet uv
	@uv pip compile --quiet --universal --python-version 3.11 --all-extras --group dev --no-emit-index-url \
		--upgrade --custom-compile-command "make lock" pyproject.toml -o constraints.txt
	@uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-annotate \
		--custom-compile-command "make lock" -c constraints.txt stack/assets/requirements.in \
		-o stack/assets/requirements.txt

.PHONY: clean
clean: ## remove the environment and all caches
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .npm_cache
