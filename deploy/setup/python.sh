#!/usr/bin/env bash
# Brings .venv to what the requirement files pin, with the command `yinqiao`; at once when it is there.
# `python.sh run` for what a node needs, `python.sh test` for tests and checks too.
source "$(dirname "$0")/common.sh"

works() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# The stamp of a set is the digest of what it was installed from; the tests' set holds the other.
digest() { cat "$@" pyproject.toml | sha256sum; }
files() { if [ "$1" = test ]; then echo requirements.txt requirements-test.txt; else echo requirements.txt; fi; }
# shellcheck disable=SC2046
current() { [ -f ".venv/$1.stamp" ] && [ "$(cat ".venv/$1.stamp")" = "$(digest $(files "$1"))" ]; }

make_venv() {
    local python
    for python in python3.11 python3 python3.12 python3.13 ''; do
        works "$python" && break
    done
    [ -n "$python" ] || stop 'found no Python 3.11 or newer' 'install Python 3.11'
    "$python" -c 'import ensurepip' 2>/dev/null || debian "$python cannot make virtual environments" python3-venv
    say "virtual environment from $("$python" --version)"
    "$python" -m venv --clear .venv
}

install() {
    say "installing what $1 pins"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$1" ||
        stop "pip could not install what $1 pins (its words are above)" \
            'give pip a package index it can reach (`pip config list` shows the present one)'
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
        --editable .
}

set=${1:-run}
works .venv/bin/python || make_venv
if current test || current "$set"; then exit 0; fi
# shellcheck disable=SC2046
install "$(files "$set" | awk '{ print $NF }')"
# shellcheck disable=SC2046
digest $(files "$set") >".venv/$set.stamp"
