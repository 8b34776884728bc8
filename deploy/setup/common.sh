# What the set-up scripts share. Each stops at the first thing that cannot be had, and names its remedy.
# shellcheck shell=bash

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

say() { printf '%s\n' "set-up: $*"; }

# stop WHAT REMEDY
stop() {
    printf '\n%s\n%s\n' "set-up cannot go on: $1." "Remedy: $2, then run the same command again." >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# debian WHY PACKAGE...  installs Debian packages when we may, else says what to install.
debian() {
    local why=$1
    shift
    local order="apt-get install --yes --no-install-recommends $*"
    if [ "$(id -u)" -ne 0 ] || ! have apt-get; then
        stop "$why" "let an administrator run \`$order\` (or what your system has in its place)"
    fi
    say "$why; installing $*"
    mkdir -p .run
    # shellcheck disable=SC2086
    if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive $order -qq; } >.run/apt.log 2>&1; then
        tail -n 20 .run/apt.log >&2
        stop "$why, and apt-get failed (all of it in .run/apt.log)" "mend the package source or the line"
    fi
}
