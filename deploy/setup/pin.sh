#!/usr/bin/env bash
# Pins what the .in files ask for, exactly and with hashes; run by hand when a version is to change.
# Options go to uv, e.g. `--upgrade`, or `--upgrade-package fastapi`.
set -euo pipefail
cd "$(dirname "$0")/../.."

pin() {
    .venv/bin/uv pip compile --quiet --generate-hashes --no-emit-index-url --python-version 3.11 \
        --python-platform linux --custom-compile-command 'deploy/setup/pin.sh' "${@:3}" --output-file "$2" "$1"
}

pin requirements.in requirements.txt "$@"
pin requirements-test.in requirements-test.txt --constraint requirements.txt "$@"
