#!/usr/bin/env bash
# The JS package as an app has it: conformance vectors and untrusted input, its types where tsc is there, and the README's
# program with the packed package, in an empty folder without a network.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
package="$root/bindings/js"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

cd "$package"
node --test test/

# The packed package in an empty folder.
npm pack --silent --pack-destination "$work" > /dev/null
mkdir "$work/app"
cd "$work/app"
npm init --yes > /dev/null
npm install --silent --offline --no-audit --no-fund "$work"/plimsoll-router-*.tgz
cp "$root/schemas/conformance/example.thresholds.json" thresholds.json
awk '/^```js$/ { on = 1; next } /^```/ { on = 0 } on' "$package/README.md" > decide.mjs
node decide.mjs | tee decided
grep -q '"route":"slm"' decided && grep -q '^stopped after token' decided
echo "JS: the README's program runs"

if command -v "${TSC:-tsc}" > /dev/null; then
  cp "$package/test/types.ts" .
  "${TSC:-tsc}" --noEmit --strict --target es2022 --module nodenext --lib es2022,dom types.ts
  echo "JS: the types are right"
else
  echo "JS: tsc is not there: its types are not checked"
fi
