#!/usr/bin/env bash
# Installs what a build on Debian 12 needs, as root or with sudo; does nothing where all is there.
#   tools/setup.sh [--with-tests]     also what only the tests and checks need
set -euo pipefail

packages=(ca-certificates cmake ninja-build gcc libc6-dev pkg-config llvm-19-dev libdnnl-dev ocl-icd-opencl-dev
    libpcre2-dev libutf8proc-dev libjansson-dev libprotobuf-c-dev protobuf-c-compiler python3 python3-pip)
tests=(git perl-base clang-19 clang-format-19 clang-tidy-19 llvm-19-tools libclang-rt-19-dev libcmocka-dev python3-numpy
    python3-protobuf protobuf-compiler)

case ${1:-} in
    "") ;;
    --with-tests) packages+=("${tests[@]}") ;;
    *) echo "usage: tools/setup.sh [--with-tests]" >&2; exit 2 ;;
esac

missing=()
for package in "${packages[@]}"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "setup: missing: ${missing[*]}: run as root, or install sudo" >&2; exit 1; }
    as_root=(sudo)
fi
echo "setup: installing ${missing[*]}" >&2
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
