#!/bin/sh
# Tests the feature `cloud` against the S3 of moto, which runs on this machine: make store-test.
# Needs a Python with moto[server]; PORT is a free port.
set -eu
cd "$(dirname "$0")/../../.."
PYTHON=${PYTHON:-python3} CARGO=${CARGO:-cargo} PORT=${PORT:-5759}
"$PYTHON" -c 'import moto.server' 2>/dev/null || {
    echo "store-test needs moto: pip install 'moto[server]' into a virtual environment, then make store-test PYTHON=ITS/bin/python" >&2
    exit 1
}
"$PYTHON" -c "from moto.server import main; main(['-p', '$PORT'])" >/dev/null 2>&1 &
server=$!
trap 'kill $server' EXIT
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1
export AWS_ENDPOINT_URL=http://127.0.0.1:$PORT AWS_ALLOW_HTTP=true
"$PYTHON" - <<'END'
import os, time, boto3
client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="us-east-1")
for attempt in range(100):
    try:
        client.create_bucket(Bucket="plimsoll")
        break
    except Exception:
        if attempt == 99:
            raise
        time.sleep(0.2)
END
PLIMSOLL_TEST_STORE=s3://plimsoll/test "$CARGO" test --locked -p plimsoll-objects --features cloud "$@"
