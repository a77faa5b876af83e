# Everything runs in .venv; each target fills it first when it is missing or out of date.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$p; break; }; done)
BIN := .venv/bin
# Where a machine forbids it, every process that a test starts compiles its imports anew: 2 s of 4.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install demo test check bench bench-deadlines bench-derivation bench-executive bench-history bench-identity bench-live bench-lookup bench-storm calendars crash judge histories mutants security simulate lock clean

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Threadline needs Python 3.11 or newer on the PATH (or: make PYTHON=/path/to/python3)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the dependencies of Threadline into .venv (once; about half a minute)…"
	@grep -A40 '^uv==' constraints.txt | awk 'NR==1 || /^    --hash/ {print; next} NR>1 {exit}' > .venv/uv.txt
	@{ $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement .venv/uv.txt \
		&& $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirement constraints.txt; } \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement constraints.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: install
	@$(BIN)/threadline demo

# On WORKERS processes side by side, more than two cores because tests also wait; 0: in this one.
WORKERS ?= 3
# In memory where there is room: every commit waits for the disk, and there are tens of thousands.
test: export TMPDIR := $(shell test "$$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)" -gt 4000000 2>/dev/null \
	&& test -w /dev/shm && echo /dev/shm || echo "$${TMPDIR:-/tmp}")
test: install
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/deptry .

bench: install
	@$(BIN)/python bench/intake.py

# Plays 90 days of 5,000 contracts; their requests are recorded once (some minutes) and kept in TAPE.
TAPE ?= .bench/history-5000
bench-history: install
	@PYTHONPATH=tests $(BIN)/python bench/history.py --tape $(TAPE)

# Feeds identity a world with all kinds of trouble and holds it against an oracle and the truth; then facts per
# second while IDENTIFIERS are known; then a link that comes late.
CONTRACTS ?= 100000
IDENTIFIERS ?= 5000000
bench-identity: install
	@PYTHONPATH=tests $(BIN)/python bench/identity/run.py --contracts $(CONTRACTS)
	@PYTHONPATH=tests $(BIN)/python bench/identity/known.py --identifiers $(IDENTIFIERS)
	@PYTHONPATH=tests $(BIN)/python bench/identity/late.py

# Derives the cases of all journeys from memory and from the store, beside pandas; then the questions of the executive
# page over a million finished cases; then deadlines among a million open ones, and how far cases are behind
# while 20,000 facts a second come in; then a hop that goes down under 50,000 cases. Each but the last two fills a
# store once.
bench-derivation bench-executive bench-deadlines bench-live bench-storm: bench-%: install
	@PYTHONPATH=tests $(BIN)/python bench/$*.py

# Asks for single contracts over 20 million facts; the store is filled once (10 minutes) and kept in STORE.
STORE ?= .bench/lookup-20
bench-lookup: install
	@PYTHONPATH=tests $(BIN)/python bench/lookup.py --store $(STORE)

# Breaks the service N times in ten ways, and kills it as often under load from the real exporters.
N ?= 25
crash: install
	@THREADLINE_KILLS=$(N) $(BIN)/pytest tests/crash

# Plays SEEDS worlds into a fresh service, each in three orders, and holds it against an oracle.
SEEDS ?= 6
judge: install
	@PYTHONPATH=tests $(BIN)/python -m judge --seeds $(SEEDS)

# Plays N small histories of facts, mixed up, and holds the store against an oracle after every batch.
histories: N = 10000
histories: install
	@THREADLINE_HISTORIES=$(N) $(BIN)/pytest tests/identity/test_histories.py

# Walks minute by minute around every change of clocks in every IANA zone, and through the holidays of 20 countries.
calendars: install
	@PYTHONPATH=tests $(BIN)/python bench/calendars.py

# Plays RUNS runs of alerting from SEED on, each a world, its people and its faults, on all cores.
RUNS ?= 2000
SEED ?= 0
simulate: install
	@PYTHONPATH=tests:tests/alerts $(BIN)/python -m simulation --runs $(RUNS) --seed $(SEED)

# Plants the faults of tests/mutants/mutants.yaml one at a time: the judge has to find each.
mutants: install
	@$(BIN)/python tests/mutants/run.py

# Attacks a service on loopback as an outsider, a machine, a role or a file's owner would.
security: install
	@$(BIN)/python bench/security/run.py

# After a change of dependencies: pin every version and hash anew, naming no index.
lock:
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --group dev \
		pyproject.toml --output-file constraints.txt

clean:
	rm -rf .venv data .pytest_cache .mypy_cache .ruff_cache .hypothesis
