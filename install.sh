#!/bin/sh
# Makes .venv beside this file and installs the hash-pinned requirements of the file named, then the project itself.
# Used by the Makefile and the Dockerfile, so that both install the same. Needs nothing but Python 3.11 or newer.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit("Huixin needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
[ -x .venv/bin/python ] || "$python" -m venv .venv
# The file names everything there is to install, so nothing may be resolved: with --no-deps no pip, however old, looks for
# a package of its own accord; `pip check` says when the file is not complete.
pip() { .venv/bin/python -m pip --disable-pip-version-check "$@"; }
pip install --quiet --no-deps --require-hashes --requirement "$1"
pip install --quiet --no-deps --no-build-isolation --editable .
pip check
