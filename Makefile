# Only names for what the scripts do; nothing needs make.
.PHONY: run test check ci catalogue lock

run:
	./run

test:
	./test

check:
	.ci/run checks

ci:
	.ci/run

catalogue:
	.venv/bin/python .ci/catalogues.py extract

lock:
	.ci/lock
