#!/usr/bin/env bash
# Tests every binding that this machine can, and says at the end which were skipped and why. It fails only if one that was
# run fails. `make bindings-test` calls it, with the variables of the Makefile.
set -euo pipefail
cd "$(dirname "$0")/.."
skipped=()

has() { command -v "$1" > /dev/null; }
skip() { skipped+=("$1: $2"); }

# Whether the compiler has the standard library of WebAssembly, or another cargo was given that does.
has_wasm() {
  [ -n "${WASM_CARGO:-}" ] && [ "$WASM_CARGO" != "${CARGO:-cargo}" ] && return 0
  [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib" ]
}

# Whether the crates of a package of its own are here, or can be had within two minutes.
has_crates() {
  local fetch=(cargo fetch --quiet --locked --manifest-path "$1/Cargo.toml")
  "${fetch[@]}" --offline 2> /dev/null && return 0
  has timeout && timeout --kill-after=10 120 "${fetch[@]}" < /dev/null
}

if has "${CC:-cc}"; then make bindings-c; else skip C "there is no C compiler"; fi

if ! has node || ! has npm; then
  skip JS "there is no Node with npm"
elif ! has_wasm; then
  skip JS "there is no standard library for WebAssembly: rustup target add wasm32-unknown-unknown"
else
  make bindings-js
fi

if ! has java; then
  skip Kotlin "there is no Java"
elif ! has "${KOTLINC:-kotlinc}"; then
  skip Kotlin "there is no kotlinc"
elif [ ! -e "${JNA:-/usr/share/java/jna.jar}" ]; then
  skip Kotlin "there is no ${JNA:-/usr/share/java/jna.jar}"
else
  make bindings-kotlin
fi

python="${PYTHON:-python3}"
if ! "$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 10))' 2> /dev/null; then
  skip Python "there is no Python from 3.10 on with venv"
elif ! has "${MATURIN:-maturin}"; then
  skip Python "there is no maturin: pip install maturin"
elif ! has_crates bindings/python; then
  skip Python "the crates of bindings/python/Cargo.lock cannot be had"
else
  make bindings-python
  if has_crates bindings/python-plimsoll; then
    make bindings-plimsoll
  else
    skip "Python's plimsoll" "the crates of bindings/python-plimsoll/Cargo.lock cannot be had"
  fi
fi

if has "${CLANG:-clang}" || has swift; then make bindings-swift; else skip Swift "there is neither clang nor swift"; fi
has swift || skip "Swift's own tests" "there is no Swift compiler"

# An older bash takes an empty list for an unset one.
for reason in ${skipped[@]+"${skipped[@]}"}; do echo "bindings: skipped $reason"; done
