#!/bin/sh
# What thresholds are worth on datasets that they were not fitted on: fixed, adapted and tracked. See README.md.
#
#   PLIMSOLL_REAL_DATA=path/to/data benches/transfer/run.sh
#
# PROGRAM is the program to measure; without it, it is built.
set -eu
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
out="$target/bench/transfer"
mkdir -p "$out"
if [ -z "${PROGRAM:-}" ]; then
    cargo build --locked -p plimsoll
    PROGRAM="$target/debug/plimsoll"
fi

transfer() {
    suite="$1"
    scores="$2"
    shift 2
    "$PROGRAM" transfer --scores "$scores" --by dataset --ratio 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 \
        --llm-gap 0.01 0.02 0.03 0.05 0.1 "$@" --repeats 1 --bootstrap 0 --out "$out/$suite" --json \
        --quiet > "$out/$suite.json"
    suites="$suites $suite=$out/$suite.json"
}

# A run of a pipeline that imports, for its table of scores.
import() {
    "$PROGRAM" run "$2" --out "$out/$1-scores" --quiet > "$out/$1.log"
}

suites=""
transfer pocket calibration/pocket/tables/scores.parquet --accuracy 0.7 0.75 0.8 \
    --risk selective_error:0.2:0.1 joint_error:0.1:0.1 regret:0.1:0.1
if [ -n "${PLIMSOLL_REAL_DATA:-}" ]; then
    logs="$PLIMSOLL_REAL_DATA/real_outputs"
    MMLU_PRO_LOGS="$logs/tao-mmlu-pro-confidence" import tao pipelines/mmlu-pro-logs.yaml
    PLAUT_LOGS="$logs/plaut-mcq-confidence" import plaut pipelines/plaut-mcq-logs.yaml
    XIA_LOGS="$logs/xia-open-qa-token-probs" import xia benches/transfer/xia.yaml
    transfer tao "$out/tao-scores/tables/scores.parquet" --accuracy 0.45 0.5 0.55 \
        --risk selective_error:0.4:0.1 joint_error:0.1:0.1 regret:0.1:0.1
    transfer plaut "$out/plaut-scores/tables/scores.parquet" --accuracy 0.7 0.75 0.8 \
        --risk selective_error:0.2:0.1 joint_error:0.1:0.1 regret:0.1:0.1
    transfer xia "$out/xia-scores/tables/scores.parquet" --accuracy 0.5 0.6 0.7 \
        --risk selective_error:0.2:0.1 joint_error:0.1:0.1 regret:0.1:0.1
else
    echo "PLIMSOLL_REAL_DATA does not name the folder with real_outputs/: the toy suite alone" >&2
fi
# shellcheck disable=SC2086 # words of a list
exec "${PYTHON:-python3}" benches/transfer/figures.py $suites
