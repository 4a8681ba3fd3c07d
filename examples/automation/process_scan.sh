#!/bin/bash
# Denoise a scan in its own folder, below the current one: process_scan.sh /path/to/scan.h5
# beamtime.yaml in the current folder holds the settings of all scans; TARGETS="all shelve" also stores each model on a shelf.
# sbatch starts a copy of this file elsewhere: with it, set TOMODENOISE to the folder of tomodenoise.
set -euo pipefail
home=$(realpath "${TOMODENOISE:-$(dirname "$0")/../..}")
raw=$(realpath "$1")
settings=$(realpath beamtime.yaml)
name=$(basename "${raw%.*}")
if [ ! -s beamtime.yaml ]; then
  echo "process_scan: no settings in $PWD/beamtime.yaml: write some there, such as effort: quick" >&2
  exit 1
fi
mkdir -p "runs/$name"
cd "runs/$name"
if [ "$(cat raw.txt 2> /dev/null || echo "$raw")" != "$raw" ]; then
  echo "process_scan: runs/$name is of $(cat raw.txt), not of $raw: rename one of them" >&2
  exit 1
fi
echo "$raw" > raw.txt
if [ ! -e config.yaml ]; then
  "$home/.venv/bin/python" "$home/workflow/scripts/write_config.py" config.yaml "$raw" > drafted.txt
fi
read -ra targets <<< "${TARGETS:-all}"
exec "$home/.venv/bin/snakemake" "${targets[@]}" --snakefile "$home/Snakefile" --profile "$home/profiles/local" \
  --cores "${SLURM_CPUS_PER_TASK:-all}" --configfile config.yaml "$settings"
