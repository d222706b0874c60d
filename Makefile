# Needs only python3 (3.11 or newer) and make; everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
NEWEST := $(addprefix tests/test_,package.py reference.py drivers.py cli.py cache.py compiler.py world.py rules.py)

.PHONY: demo test check format bench newest reference stamp worlds calibration clean

demo: $(VENV)/.demo  ## compare the policies with the defaults
	$(BIN)/kamsim compare

test: $(VENV)/.test  ## the whole suite, on all cores
	$(BIN)/python -m pytest -n logical --dist worksteal

check: $(VENV)/.test  ## lint, format, types, direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

newest:  ## what depends most on other libraries, with the newest of each: make newest PYTHON=python3.13
	$(PYTHON) -m venv --clear build/newest
	build/newest/bin/python -m pip --disable-pip-version-check --quiet install --editable '.[test,cluster]'
	build/newest/bin/python -m pytest -n logical --dist worksteal $(NEWEST)

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.demo  ## speed, as ratios measured in one run
	$(BIN)/python -m benchmarks

reference: $(VENV)/.demo  ## refresh the frozen default comparison
	rm -rf build/reference
	$(BIN)/kamsim compare --replications 100 --sets 0 --seed 1 --out build/reference
	mkdir -p results/reference
	cp build/reference/comparison.csv build/reference/bridge.csv build/reference/manifest.json results/reference/

stamp: $(VENV)/.test  ## after the model was rewritten and plays the same: the shipped posterior still holds
	$(BIN)/python -m pytest tests/test_reference.py tests/test_drivers.py
	$(BIN)/python -m kamsim.evidence.adopt --stamp

worlds: $(VENV)/.demo  ## fit the worlds to books anew: the default's, and the two named ones; takes some minutes
	for world in default steady lively; do $(BIN)/kamsim calibrate --world $$world --seed 1000 --out build/$$world; done
	$(BIN)/python -m kamsim.evidence.adopt build/default
	cp build/steady/fitted.toml scenarios/steady.toml
	cp build/lively/fitted.toml scenarios/lively.toml

calibration: $(VENV)/.demo  ## then fit the program, and the posterior, anew; takes some minutes
	$(BIN)/kamsim calibrate population --seed 1000 --posterior 80 --out build/calibration
	$(BIN)/python -m kamsim.evidence.adopt build/calibration
	$(BIN)/kamsim evidence --markdown > docs/evidence.md

mutants: $(VENV)/.test  ## does a test notice? rules, measures and statistics changed one operator at a time; takes an hour
	PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt $(PIP) install --editable '.[mutants]'
	$(BIN)/python tests/mutants.py

clean:
	rm -rf $(VENV) build dist

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing kamsim and the pinned libraries into $(VENV), once"
	PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt $(PIP) install --editable .
	@touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing kamsim, the pinned libraries and the test tools into $(VENV), once"
	PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt $(PIP) install --editable '.[test,cluster]'
	@touch $@ $(VENV)/.demo
