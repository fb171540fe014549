#!/usr/bin/env bash
# Runs the notebooks of docs/notebooks and compares what they print. Skipped, with a word, where something is missing.
#
#   tests/notebook/test.sh [--write]
#
# NOTEBOOK_PYTHON, or else PYTHON, is a Python with what `requirements.txt` lists and with plimsoll-router (`make bindings-python`);
# PLIMSOLL is the program.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
python="${NOTEBOOK_PYTHON:-${PYTHON:-python3}}"
PLIMSOLL="$(command -v "${PLIMSOLL:-plimsoll}")" || { echo "notebook-test: skipped: there is no plimsoll: make build"; exit 0; }
if ! "$python" -c 'import ipykernel, nbclient, nbformat, plimsoll_router' 2> /dev/null; then
  echo "notebook-test: skipped: $python has not all of $(tr '\n' ' ' < "$here/requirements.txt")plimsoll-router: NOTEBOOK_PYTHON=PROGRAM"
  exit 0
fi
PLIMSOLL="$(cd "$(dirname "$PLIMSOLL")" && pwd)/$(basename "$PLIMSOLL")"
export PLIMSOLL
exec "$python" "$here/run.py" "$@" "$here"/../../docs/notebooks/*.ipynb
