#!/bin/sh
# Prints a Python that can run this project. Names everything that is missing, with the way to
# get it, and fails then.
set -u
missing=0

lacks() {
    [ "$missing" = 1 ] || echo "Missing on this machine:" >&2
    missing=1
    printf '  %s\n      %s\n' "$1" "$2" >&2
}

python=
for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$(command -v "$candidate")
        break
    fi
done
if [ -z "$python" ]; then
    lacks "Python 3.11 or later" \
        "Debian, Ubuntu: apt install python3 python3-venv; else: python.org/downloads"
elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    lacks "Python's venv module (of $python)" "Debian, Ubuntu: apt install python3-venv"
fi

# 1.88 is the workspace's rust-version (Cargo.toml).
cargo_minor=$(cargo --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p')
if [ "${cargo_minor:-0}" -lt 88 ]; then
    lacks "cargo 1.88 or later" "install Rust with rustup: rustup.rs"
fi

if ! command -v "${CC:-cc}" >/dev/null 2>&1; then
    lacks "a C compiler, with which cargo links and LMDB is built" \
        "Debian, Ubuntu: apt install build-essential; Fedora: dnf install gcc"
fi

[ "$missing" = 0 ] || exit 1
echo "$python"
