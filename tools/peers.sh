#!/bin/sh
# Has PostgreSQL 15 and Redis, which the benchmarks and their tests compare with, valgrind, which
# counts instructions, and Chromium, in which a test opens a report: installs Debian's packages where
# they are missing and we are root, and names them else. Their services stay off: what is compared
# with starts servers of its own.
set -u
missing=

[ -x /usr/lib/postgresql/15/bin/initdb ] || missing="$missing postgresql-15"
command -v redis-server >/dev/null 2>&1 || missing="$missing redis-server"
command -v redis-benchmark >/dev/null 2>&1 || missing="$missing redis-tools"
command -v valgrind >/dev/null 2>&1 || missing="$missing valgrind"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Missing for benchmarks and tests; Debian, as root: apt-get install$missing" >&2
    exit 1
fi

# This file is asked whether a service may start; 101 is no.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy
fi

echo "Installing$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
# shellcheck disable=SC2086 # one word each
if apt-get update >"$log" 2>&1 &&
    apt-get install --yes --no-install-recommends $missing >>"$log" 2>&1; then
    rm -f "$log"
else
    tail -n 20 "$log" >&2
    echo "Missing for benchmarks and tests; could not be installed:$missing" >&2
    rm -f "$log"
    exit 1
fi
