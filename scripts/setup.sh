#!/bin/sh
# Installs what building and testing need beyond Rust, and nothing that is there already. Safe to repeat.
#
#   scripts/setup.sh guest      a compiler for wasm32-unknown-unknown, which the bundled filters are built for
#   scripts/setup.sh libraries  the parser of those servers, which ours is compared with (Debian package)
#   scripts/setup.sh fuzz       that, and a compiler for the fuzzer's runtime
#   scripts/setup.sh servers    the real XMPP servers of the end-to-end tests (Debian packages)
#   scripts/setup.sh            all of these but for fuzz
set -eu

cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

is_installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null || :)" = installed ]
}

# Installs the Debian packages among the arguments that are missing.
packages() {
    missing=
    for package; do
        is_installed "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null; then
        say "missing:$missing, and there is no apt-get to install them with" >&2
        return 1
    fi
    say "installing Debian packages:$missing"
    as_root apt-get update -q
    # shellcheck disable=SC2086 # a list of words
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
}

compiler() {
    command -v cc >/dev/null || packages gcc libc6-dev
}

has_guest_target() {
    library=$(rustc --print target-libdir --target wasm32-unknown-unknown 2>/dev/null) && [ -d "$library" ]
}

# The places where plugins/build.rs looks for one.
has_wasm_linker() {
    [ -n "$(find "$(rustc --print sysroot)/lib/rustlib" -name rust-lld 2>/dev/null)" ] && return 0
    for linker in wasm-ld $(seq -f wasm-ld-%.0f 18 30); do
        command -v "$linker" >/dev/null && return 0
    done
    return 1
}

guest() {
    if has_guest_target; then
        return 0
    elif command -v rustup >/dev/null; then
        say 'adding the target wasm32-unknown-unknown with rustup'
        rustup target add wasm32-unknown-unknown
    else
        # Debian carries the target's standard library as source only; plugins/build.rs compiles it along.
        packages rustc-web cargo-web rust-web-src
        has_wasm_linker || packages lld-22
    fi
}

libraries() {
    packages libexpat1-dev
}

fuzz() {
    compiler && libraries
    command -v c++ >/dev/null || packages g++
}

servers() {
    started=
    is_installed prosody || started="$started prosody"
    is_installed ejabberd || started="$started ejabberd"
    is_installed jabberd2 || started="$started jabberd"
    [ -z "$started" ] ||
        say "Debian starts a server when it installs it: \"systemctl disable --now$started\" if you do not want that"
    packages prosody lua-unbound ejabberd jabberd2
}

case "${1:-all}" in
guest) compiler && guest ;;
libraries) compiler && libraries ;;
fuzz) fuzz ;;
servers) servers ;;
all) compiler && guest && libraries && servers ;;
*)
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
