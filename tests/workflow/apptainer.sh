#!/bin/sh
# Stand-in for Apptainer, as Snakemake calls it: exec --home FOLDER [--nv] [--bind PATH[:PLACE]]… IMAGE COMMAND…
#
# It starts the command on this machine, and adds the image and the command to the file CALLS.
set -eu
case $1 in --version) echo "apptainer version 1.3.0"; exit ;; esac
while :; do
  case $1 in
    exec | --quiet | --silent | --nv) shift ;;
    --home | --bind) shift 2 ;;
    *) break ;;
  esac
done
echo "$1 $4" | head -n 1 >> "$CALLS"
shift
exec "$@"
