#!/usr/bin/env bash
# The C library as a program has it: the conformance vectors and untrusted input with AddressSanitizer and valgrind where
# they are there, and the README's program, built in an empty folder against either library.
#
#   bindings/c/test.sh LIBRARIES     the folder that `make bindings-c` builds into
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
libraries="$(cd "$1" && pwd)"
cc="${CC:-cc}"
changes="${CHANGES:-2000}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
warnings=(-std=c99 -Wall -Wextra -Werror -pedantic)
system=(-lpthread -ldl -lm)
vectors="$root/schemas/conformance"

# build NAME FLAG...: the test program against the static library.
build() {
  local name="$1"
  shift
  "$cc" "${warnings[@]}" -g -O1 "$@" -I"$root/bindings/c/include" "$root/bindings/c/tests/conformance.c" \
    "$root/bindings/c/tests/json.c" -o "$work/$name" "$libraries/libplimsoll_c.a" "${system[@]}"
}

# shellcheck disable=SC2054
sanitize=(-fsanitize=address,undefined -fno-sanitize-recover=all)
build plain
if echo 'int main(void) { return 0; }' | "$cc" "${sanitize[@]}" -xc - -o "$work/try" 2> /dev/null && "$work/try"; then
  echo "C, conformance vectors and $changes changed files with AddressSanitizer:"
  build sanitized "${sanitize[@]}"
  "$work/sanitized" "$vectors" "$changes"
else
  echo "C: $cc has no AddressSanitizer: skipped. Without it:"
  "$work/plain" "$vectors" "$changes"
fi
if command -v valgrind > /dev/null; then
  echo "C, with valgrind:"
  valgrind --quiet --leak-check=full --errors-for-leak-kinds=all --error-exitcode=1 "$work/plain" "$vectors" 20
else
  echo "C: valgrind is not there: skipped"
fi

# The README, followed in an empty folder: its program is the block marked `c`.
mkdir "$work/app"
cd "$work/app"
awk '/^```c$/ { on = 1; next } /^```/ { on = 0 } on' "$root/bindings/c/README.md" > decide.c
cp "$vectors/example.thresholds.json" thresholds.json
for library in "$libraries/libplimsoll_c.a" "$libraries"/libplimsoll_c.so "$libraries"/libplimsoll_c.dylib; do
  [ -e "$library" ] || continue
  "$cc" "${warnings[@]}" -I"$root/bindings/c/include" decide.c "$library" "${system[@]}" -o decide
  LD_LIBRARY_PATH="$libraries" DYLD_LIBRARY_PATH="$libraries" ./decide thresholds.json | tee decided
  grep -q '"route":"slm"' decided && grep -q '^stopped after token' decided
done
echo "C: the README's program runs"
