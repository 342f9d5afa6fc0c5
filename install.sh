#!/bin/sh
# Makes .venv beside this file and installs the hash-pinned requirements of the file named, then the project itself.
# Used by the Makefile and the Dockerfile, so that both install the same. Needs nothing but Python 3.11 or newer, with
# the pip that comes with it: 22.3 came with 3.11.0 and is the oldest that will do.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}
# What another project asked of Python or pip is not for this one.
unset PYTHONPATH PYTHONHOME
# Python before 3.13 reads where the project lies in the locale's encoding: with LC_ALL=C a folder 信用 would break it.
case ${LC_ALL:-} in C | POSIX) export LC_ALL=C.UTF-8 ;; esac
export PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_DISABLE_PIP_VERSION_CHECK=1
"$python" -c 'import sys; sys.exit("Huixin needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
# Made anew where there is none, where it was left half made, and where its Python has gone.
.venv/bin/python -c 'import pip' 2>/dev/null || "$python" -m venv --clear .venv
.venv/bin/python -c 'import pip, sys; version = tuple(map(int, pip.__version__.split(".")[:2]))
sys.exit(f"Huixin needs pip 22.3 or newer, .venv has {pip.__version__}: rm -rf .venv" if version < (22, 3) else 0)'
# The file names everything there is to install, so nothing may be resolved: with --no-deps no pip, however old, looks for
# a package of its own accord; `pip check` says when the file is not complete.
pip() { .venv/bin/python -m pip "$@"; }
pip install --quiet --no-deps --require-hashes --requirement "$1"
pip install --quiet --no-deps --no-build-isolation --editable .
pip check
