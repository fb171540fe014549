#!/usr/bin/env bash
# The wheel as a person has it: installed without a network into a new environment of each Python from 3.10 on that is here, with the
# tests, the doctests and the README's programs; then its types, where mypy is there, and what is built into it. READERS is a Python
# with polars, pandas, pyarrow or duckdb, whose frames are then tried, too.
#
#   bindings/python-plimsoll/test.sh WHEEL WORK     the wheel, and a folder for environments
#
# PYTHON is one Python, MYPY the program mypy.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
wheel="$(cd "$(dirname "$1")" && pwd)/$(basename "$1")"
mkdir -p "$2"
work="$(cd "$2" && pwd)"
package="$root/bindings/python-plimsoll"
export PYTHONDONTWRITEBYTECODE=1

. "$root/bindings/pythons.sh"

tests() { # tests PYTHON: in a folder that has the tests alone, so that the installed package is tested
  (cd "$package/tests" && "$1" -m unittest --quiet)
  "$1" - << 'PROGRAM'
import doctest, sys
import plimsoll._commands, plimsoll.adapters, plimsoll.results
results = [doctest.testmod(module) for module in (plimsoll._commands, plimsoll.adapters, plimsoll.results)]
sys.exit(any(result.failed for result in results) or sum(result.attempted for result in results) < 6)
PROGRAM
}

in_every_python "$wheel" "$work" tests

site="$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')"
if [ -n "${READERS:-}" ]; then
  echo "Frames of polars, pandas, pyarrow, duckdb:"
  PYTHONPATH="$site" tests "$READERS"
fi

mypy="$(command -v "${MYPY:-mypy}" || true)"
if [ -n "$mypy" ]; then
  export MYPY_CACHE_DIR="$work/mypy-plimsoll"
  "$mypy" --strict --ignore-missing-imports --python-executable "$venv/bin/python" "$package/tests" "$package/python/plimsoll"
  PYTHONPATH="$site" "$(dirname "$mypy")/stubtest" plimsoll._native
else
  echo "Python: mypy is not there: the types are not checked"
fi

version="$(sed -n '/^\[workspace.package\]/,/^$/s/^version = //p' "$root/Cargo.toml")"
grep -q "^version = $version\$" "$package/Cargo.toml" || { echo "Python: the package has not the version $version" >&2; exit 1; }
# What is built for the program serves the package only as long as both have the same versions.
"$venv/bin/python" "$package/tests/lock.py" "$root/Cargo.lock" "$package/Cargo.lock"
echo "Python: $tested versions; $(basename "$wheel") has $(($(wc -c < "$wheel"))) bytes"
