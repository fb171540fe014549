#!/usr/bin/env bash
# Reads the released folders as the hub's users do. Skipped, with a word, where the readers are not installed.
#
#   tests/hub/test.sh FOLDER...
#
# HUB_PYTHON, or else PYTHON, is a Python with what `requirements.txt` lists.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
python="${HUB_PYTHON:-${PYTHON:-python3}}"
if ! "$python" -c 'import datasets, duckdb, huggingface_hub, pandas, polars, pyarrow, yaml' 2> /dev/null; then
  echo "hub-test: skipped: $python has not all of $(tr '\n' ' ' < "$here/requirements.txt"): HUB_PYTHON=PROGRAM"
  exit 0
fi
exec "$python" "$here/read_back.py" "$@"
