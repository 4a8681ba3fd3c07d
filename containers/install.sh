#!/bin/sh
# install.sh [cuda|cpu]: turn a bare Debian 12 with these sources into the container, as root.
#
# Debian's Python, then the versions of envs/constraints.txt from PyPI: torch with CUDA, or for processors only.
set -eu
cd "$(dirname "$0")/.."

case ${1:-cuda} in
  cuda) ;;
  # The index of torch's builds, unless this site has one of its own.
  cpu) export PIP_EXTRA_INDEX_URL="${PIP_EXTRA_INDEX_URL-https://download.pytorch.org/whl/cpu}" ;;
  *) echo "install.sh: torch has no build $1 here: cuda or cpu" >&2; exit 2 ;;
esac

apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ca-certificates make python3 python3-venv >/dev/null
rm -rf /var/lib/apt/lists/*

PIP_NO_CACHE_DIR=1 make --silent PACKAGES="run crate" .venv/installed
# Nobody can write compiled modules into a container. Some packages have files for other versions of Python, which fail.
.venv/bin/python -m compileall -qq workflow/scripts .venv/lib || true
chmod -R a+rX .
