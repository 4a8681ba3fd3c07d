#!/bin/sh
# bare.sh install|run ROOT [FOLDER ARGUMENT…], as root in mount and process namespaces of its own:
#
# install  runs containers/install.sh in a bare Debian, with pip's settings from the environment.
# run      runs the container's snakemake on a folder by a user without rights; all else is read-only.
set -eu
what=$1 root=$2
mount --make-rprivate /

if [ "$what" = install ]; then
  mount -t proc proc "$root/proc"
  # Of a proxy that signs for itself; installing ca-certificates would remove what lies in its folder.
  [ -z "${PIP_CERT:-}" ] || { mkdir -p "$root/etc/ssl"; cp "$PIP_CERT" "$root/etc/ssl/outer.crt"; }
  # A folder with a wheel of torch, where its index cannot be reached.
  if [ -d "${PIP_FIND_LINKS:-}" ]; then
    mkdir -p "$root/wheels"
    mount --bind "$PIP_FIND_LINKS" "$root/wheels"
    links=/wheels index=
  fi
  exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root ${PIP_CERT:+PIP_CERT=/etc/ssl/outer.crt} \
    ${links:+PIP_FIND_LINKS="$links" PIP_EXTRA_INDEX_URL="$index"} ${PIP_INDEX_URL:+PIP_INDEX_URL="$PIP_INDEX_URL"} \
    chroot "$root" sh /opt/tomodenoise/containers/install.sh cpu
fi

folder=$3
shift 3
mkdir -p "$root/data" "$root/dev/shm"
mount --bind "$root" "$root"
mount --bind "$folder" "$root/data"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -o remount,bind,ro "$root"
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/nowhere OMP_NUM_THREADS=1 chroot --userspec=12345:12345 "$root" \
  sh -c 'cd /data && exec sh /opt/tomodenoise/containers/run.sh "$@"' run "$@"
