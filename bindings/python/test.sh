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

. "$root/bindings/pythons.sh"

tests() { # tests PYTHON: in a folder that has the tests alone, so that the installed package is tested
  (cd "$package/tests" && "$1" -m unittest --quiet)
}

in_every_python "$wheel" "$work" tests

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
