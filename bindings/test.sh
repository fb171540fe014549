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

if has "${CLANG:-clang}" || has swift; then make bindings-swift; else skip Swift "there is neither clang nor swift"; fi
has swift || skip "Swift's own tests" "there is no Swift compiler"

# An older bash takes an empty list for an unset one.
for reason in ${skipped[@]+"${skipped[@]}"}; do echo "bindings: skipped $reason"; done
