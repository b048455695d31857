.PHONY: check format test train

test:
	pytest

check:
	ruff check .
	ruff format --check .

format:
	ruff check --fix .
	ruff format .

train:
	python -m jem_tf.train
