#!/bin/sh
# Makes .venv complete: OS packages, Python packages of the lock with bytecode, tinyops itself.
# Safe to repeat and to interrupt; does nothing when nothing has changed since it last ended well.
set -eu
cd "$(dirname "$0")/.."

venv=.venv
stamp=$venv/.tinyops-setup
wanted=$(cat requirements.txt pyproject.toml packages.txt scripts/setup.sh | sha256sum)
wanted="${wanted%% *} $(pwd -P)"

# Without bytecode every process compiles every import again: `airflow standalone` takes 61 s
# instead of 17 (Airflow 3.3.2, two cores).
unset PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH

say() { printf '%s\n' "$*"; }

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# One command of each OS package: quicker than asking dpkg, and true on any distribution.
missing_commands() {
    for command in gcc g++ arm-none-eabi-gcc qemu-system-arm sx; do
        command -v "$command" >/dev/null 2>&1 || printf '%s ' "$command"
    done
}

if [ -x "$venv/bin/tinyops" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] &&
    [ -z "$(missing_commands)" ]; then
    exit 0
fi

find_python() {
    for candidate in ${PYTHON:-} python3.11 python3; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
            >/dev/null 2>&1; then
            command -v "$candidate"
            return
        fi
    done
}

missing_packages() {
    command -v dpkg-query >/dev/null 2>&1 || return 0
    for package in $(cat packages.txt) "$@"; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$state" = installed ] || printf '%s ' "$package"
    done
}

install_packages() {
    install="apt-get install -y --no-install-recommends $*"
    if [ "$(id -u)" = 0 ]; then
        root=
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        root='sudo -n'
    else
        fail "OS packages are missing and need root; run: sudo $install"
    fi
    say "installing OS packages: $*"
    # Old lists may still do when the mirror cannot be reached.
    $root env DEBIAN_FRONTEND=noninteractive apt-get update -qq ||
        say "apt-get update failed; trying with the lists that are here"
    $root env DEBIAN_FRONTEND=noninteractive $install >/dev/null ||
        fail "OS packages cannot be installed; run: sudo apt-get update && sudo $install"
}

python=$(find_python)
if [ -z "$python" ]; then
    have=$(python3 --version 2>/dev/null || echo 'no python3')
    fail "Python 3.11 is needed ($have found). Debian 12: apt-get install python3 python3-venv." \
        "Elsewhere: uv python install 3.11, then make setup PYTHON=\"\$(uv python find 3.11)\""
fi

extra=
"$python" -c 'import ensurepip, venv' 2>/dev/null || extra=python3-venv
packages=$(missing_packages $extra)
[ -z "$packages" ] || install_packages $packages
commands=$(missing_commands)
[ -z "$commands" ] ||
    fail "not found: $commands(on Debian these come with: $(tr '\n' ' ' <packages.txt))"

if ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
    say "making $venv with $python"
    rm -rf "$venv"
    "$python" -m venv "$venv" || fail "no virtual environment can be made: install python3-venv"
fi
rm -f "$stamp"

uv=$(grep '^uv==' requirements.txt)
if ! "$venv/bin/uv" --version 2>/dev/null | grep -qF "${uv#uv==}"; then
    "$venv/bin/python" -c 'import pip' 2>/dev/null ||
        "$venv/bin/python" -m ensurepip >/dev/null
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$uv" ||
        fail "$uv cannot be installed: is a package index reachable?"
fi

say "installing Python packages (a minute or two, 3.7 GB)"
VIRTUAL_ENV="$PWD/$venv"
export VIRTUAL_ENV
"$venv/bin/uv" pip sync --quiet --compile-bytecode requirements.txt
# The lock holds setuptools, so nothing is downloaded for building.
"$venv/bin/uv" pip install --quiet --no-deps --no-build-isolation --editable .
"$venv/bin/python" -m compileall -q include plugins dags

printf '%s\n' "$wanted" >"$stamp.part"
mv "$stamp.part" "$stamp"
say "ready: .venv/bin/tinyops --help"
