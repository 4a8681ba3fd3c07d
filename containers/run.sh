#!/bin/sh
# run.sh ARGUMENT…: snakemake of the container, in the working directory, which is all that it writes to.
set -eu
CACHE="$PWD/.snakemake/cache"
mkdir -p "$CACHE"
export HOME="$CACHE" XDG_CACHE_HOME="$CACHE" XDG_CONFIG_HOME="$CACHE" TMPDIR="${TMPDIR:-/tmp}"
# A user whom the image does not know has no name but this.
export USER="${USER:-$(id -u)}"
# A user's own packages and environment would take the place of the container's.
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV
export PYTHONNOUSERSITE=1
export PATH="/opt/tomodenoise/.venv/bin:$PATH"
exec snakemake "$@" --snakefile /opt/tomodenoise/Snakefile
