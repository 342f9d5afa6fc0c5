#!/bin/sh
# Makes .venv beside this file and installs the hash-pinned requirements of the file named, then the project itself.
# Used by the Makefile and the Dockerfile, so that both install the same. Needs nothing but Python 3.11 or newer.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit("Huixin needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
[ -x .venv/bin/python ] || "$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$1"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
