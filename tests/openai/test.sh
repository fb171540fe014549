#!/usr/bin/env bash
# `plimsoll serve` as the official OpenAI client and curl have it. Skipped, with a word, where one of them is missing.
#
#   tests/openai/test.sh
#
# OPENAI_PYTHON, or else PYTHON, is a Python with what `requirements.txt` lists; PLIMSOLL is the program.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
python="${OPENAI_PYTHON:-${PYTHON:-python3}}"
PLIMSOLL="$(command -v "${PLIMSOLL:-plimsoll}")" || { echo "serve-test: skipped: there is no plimsoll: make build"; exit 0; }
command -v curl > /dev/null || { echo "serve-test: skipped: there is no curl"; exit 0; }
if ! "$python" -c 'import openai' 2> /dev/null; then
  echo "serve-test: skipped: $python has not $(tr '\n' ' ' < "$here/requirements.txt"): OPENAI_PYTHON=PROGRAM"
  exit 0
fi
PLIMSOLL="$(cd "$(dirname "$PLIMSOLL")" && pwd)/$(basename "$PLIMSOLL")"
export PLIMSOLL
exec "$python" "$here/test_client.py"
