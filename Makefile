# make run: install what is missing and serve. make test: everything, nothing skipped.
# The environment is made once and again only when requirements.txt has changed.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
export PIP_DISABLE_PIP_VERSION_CHECK = 1

# Followed by a package: installs it where that can be done without asking anybody (root on Debian or Ubuntu).
AS_ROOT := test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -qq -y

.PHONY: run test bench lint install browser proxy clean

run: install
	@exec $(BIN)/python app.py

# All of them, a file per core at once; those that assert a time after that, by themselves. ARGS: only what it names.
test: install browser proxy
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder -m "not alone"
	$(BIN)/python -m pytest -m alone
endif

# Ratios to raw drivers in the same run; asyncpg is one of those, and of no use to anything else here.
bench: install browser proxy
	$(BIN)/python -m pip install --quiet asyncpg==0.32.0
	$(BIN)/python -m tests.bench $(ARGS)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: $(INSTALLED)

$(INSTALLED): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "convstore needs Python 3.11 or newer; say which: make PYTHON=python3.12 …")'
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { $(AS_ROOT) python3-venv && $(PYTHON) -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	@cp requirements.txt $(INSTALLED)

# A real browser: the one that is there, or one that is fetched.
browser: install
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do \
		command -v $$name >/dev/null && exit 0; done; \
	ls -d "$${PLAYWRIGHT_BROWSERS_PATH:-$$HOME/.cache/ms-playwright}"/chromium-* >/dev/null 2>&1 \
		|| { $(AS_ROOT) chromium; } \
		|| $(BIN)/python -m playwright install chromium

# A real nginx, for several instances behind one address.
proxy:
	@PATH="$$PATH:/usr/sbin:/usr/local/sbin" command -v "$${NGINX:-nginx}" >/dev/null \
		|| { $(AS_ROOT) nginx-light; } \
		|| { echo "The tests need nginx: install nginx-light, or name the program in NGINX." >&2; exit 1; }

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache test-results
