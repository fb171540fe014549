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

# The first of each version from 3.10 on: PYTHON, those on the PATH, those of pyenv.
pythons() {
  local python version seen=" "
  for python in "${PYTHON:-python3}" python3.{10..19} "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[0-9]*/bin/python; do
    version="$("$python" -c 'import ensurepip, sys; print("%d.%d" % sys.version_info[:2] if sys.version_info >= (3, 10) else "")' \
      2> /dev/null)" || continue
    if [ -z "$version" ] || [[ "$seen" == *" $version "* ]]; then continue; fi
    seen+="$version "
    echo "$version $python"
  done
}

tests() { # tests PYTHON: in a folder that has the tests alone, so that the installed package is tested
  (cd "$package/tests" && "$1" -m unittest --quiet)
  "$1" - << 'PROGRAM'
import doctest, sys
import plimsoll._commands, plimsoll.adapters, plimsoll.results
results = [doctest.testmod(module) for module in (plimsoll._commands, plimsoll.adapters, plimsoll.results)]
sys.exit(any(result.failed for result in results) or sum(result.attempted for result in results) < 6)
PROGRAM
}

tested=0
while read -r version python; do
  venv="$work/venv-$version"
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps "$wheel"
  echo "Python $version:"
  tests "$venv/bin/python"
  tested=$((tested + 1))
done < <(pythons)
[ "$tested" -gt 0 ] || { echo "Python: there is no Python from 3.10 on with venv" >&2; exit 1; }

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
