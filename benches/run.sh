#!/bin/sh
# Times `plimsoll fit` and `plimsoll transfer` against baseline.py on the same synthetic scores. See README.md.
#
#   ROWS=10000000 BOOTSTRAP=1000 REPEATS=3 PYTHON=python3 benches/run.sh
set -eu
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}"
python="${PYTHON:-python3}"
rows="${ROWS:-10000000}"
"$python" -c 'import numpy, pandas, pyarrow, scipy, sklearn' || {
    echo "benches/run.sh: needs a Python with the packages of benches/requirements.txt; name it in PYTHON" >&2
    exit 2
}
cargo build --release --locked -p plimsoll
mkdir -p "$target/bench"
scores="$target/bench/scores-$rows.parquet"
[ -f "$scores" ] || {
    "$python" benches/make_scores.py "$rows" "$scores.new"
    mv "$scores.new" "$scores"
}
exec "$python" benches/run.py --program "$target/release/plimsoll" --scores "$scores" --out "$target/bench" \
    --bootstrap "${BOOTSTRAP:-1000}" --repeats "${REPEATS:-3}" ${SIDES:+--sides $SIDES}
