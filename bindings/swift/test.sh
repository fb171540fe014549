#!/usr/bin/env bash
# The module map by clang; with a Swift compiler the package and the conformance vectors too.
#
#   bindings/swift/test.sh LIBRARIES     the folder that `make bindings-c` builds into
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
libraries="$(cd "$1" && pwd)"
package="$root/bindings/swift"
clang="${CLANG:-clang}"
if command -v "$clang" > /dev/null; then
  work="$(mktemp -d)"
  trap 'rm -rf "$work"' EXIT
  printf '@import CPlimsoll;\nint main(void) { plimsoll_decision none = {0}; return none.route + plimsoll_last_status(); }\n' |
    "$clang" -fmodules -fmodules-cache-path="$work" -fmodule-map-file="$package/Sources/CPlimsoll/module.modulemap" \
      -Wall -Wextra -Werror -fsyntax-only -x objective-c -
  echo "Swift: clang reads the module map"
else
  echo "Swift: clang is not there: the module map was not read"
fi
if command -v swift > /dev/null; then
  cd "$package"
  export LD_LIBRARY_PATH="$libraries" DYLD_LIBRARY_PATH="$libraries"
  swift run --scratch-path "$libraries/swift" -Xlinker "-L$libraries" Conformance "$root/schemas/conformance"
else
  echo "Swift: there is no Swift compiler: the Swift file was not compiled"
fi
