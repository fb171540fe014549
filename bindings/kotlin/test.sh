#!/usr/bin/env bash
# The Kotlin binding as an app has it: compiled, the conformance vectors and untrusted input, and the README's program in an
# empty folder.
#
#   bindings/kotlin/test.sh LIBRARIES     the folder that `make bindings-c` builds into
#
# KOTLINC is the compiler, JNA a class path with JNA in it. Debian's JNA has its native half in the system's folders, and
# wants to be told that it may look there.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
libraries="$(cd "$1" && pwd)"
kotlinc="${KOTLINC:-kotlinc}"
jna="${JNA:-/usr/share/java/jna.jar}"
java=(java -Djna.nosys=false -Djna.library.path="$libraries")
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
quiet() { "$@" 2> "$work/said" || { cat "$work/said" >&2; return 1; }; }

binding="$root/bindings/kotlin"
# Warnings are errors with CI's compiler, whose version is known.
strict=(${CI:+-Werror})
quiet "$kotlinc" ${strict[@]+"${strict[@]}"} "$binding"/src/*.kt -cp "$jna" -d "$work/plimsoll.jar"
quiet "$kotlinc" ${strict[@]+"${strict[@]}"} "$binding"/test/*.kt -cp "$work/plimsoll.jar:$jna" -include-runtime -d "$work/test.jar"
"${java[@]}" -cp "$work/test.jar:$work/plimsoll.jar:$jna" plimsoll.test.ConformanceKt "$root/schemas/conformance"

# The README, followed in an empty folder: its program is the block marked `kotlin`.
mkdir "$work/app"
cd "$work/app"
awk '/^```kotlin$/ { on = 1; next } /^```/ { on = 0 } on' "$binding/README.md" > Decide.kt
cp "$root/schemas/conformance/example.thresholds.json" thresholds.json
quiet "$kotlinc" Decide.kt -cp "$work/plimsoll.jar:$jna" -include-runtime -d decide.jar
"${java[@]}" -cp "decide.jar:$work/plimsoll.jar:$jna" DecideKt | tee decided
grep -q '"route":"slm"' decided && grep -q '^stopped after token' decided
echo "Kotlin: the README's program runs; plimsoll.jar has $(wc -c < "$work/plimsoll.jar") bytes"
