#!/usr/bin/env bash
# The wheel as an app has it: installed without a network into a new environment of each Python from 3.10 on that is here, with
# the conformance vectors, untrusted input and the README's programs; then its types, where mypy is there, and the licences of what
# is built into it.
#
#   bindings/python/test.sh WHEEL WORK     the wheel, and a folder for environments
#
# PYTHON is one Python, MYPY the program mypy.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
wheel="$(cd "$(dirname "$1")" && pwd)/$(basename "$1")"
mkdir -p "$2"
work="$(cd "$2" && pwd)"
package="$root/bindings/python"
export PLIMSOLL_VECTORS="$root/schemas/conformance" PYTHONDONTWRITEBYTECODE=1

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

tested=0
while read -r version python; do
  venv="$work/venv-$version"
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps "$wheel"
  echo "Python $version:"
  (cd "$package/tests" && "$venv/bin/python" -m unittest --quiet)
  tested=$((tested + 1))
done < <(pythons)
[ "$tested" -gt 0 ] || { echo "Python: there is no Python from 3.10 on with venv" >&2; exit 1; }

mypy="$(command -v "${MYPY:-mypy}" || true)"
if [ -n "$mypy" ]; then
  export MYPY_CACHE_DIR="$work/mypy"
  (cd "$package/tests" && "$mypy" --strict --python-executable "$venv/bin/python" ./*.py)
  site="$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')"
  PYTHONPATH="$site" "$(dirname "$mypy")/stubtest" plimsoll_router._native
else
  echo "Python: mypy is not there: the types are not checked"
fi

version="$(sed -n '/^\[workspace.package\]/,/^$/s/^version = //p' "$root/Cargo.toml")"
grep -q "^version = $version\$" "$package/Cargo.toml" || { echo "Python: the package has not the version $version" >&2; exit 1; }
# As `tests/tidy/licences.rs` does for the workspace.
cargo metadata --format-version 1 --locked --offline --manifest-path "$package/Cargo.toml" \
  --filter-platform "$(rustc -vV | sed -n 's/^host: //p')" | "$venv/bin/python" "$package/tests/licences.py"
size="$(wc -c < "$wheel")"
[ "$size" -lt 1000000 ] || { echo "Python: the wheel has $size bytes" >&2; exit 1; }
echo "Python: $tested versions; $(basename "$wheel") has $((size)) bytes"
