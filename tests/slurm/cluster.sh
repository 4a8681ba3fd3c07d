#!/usr/bin/env bash
# A real SLURM on this machine, to be thrown away: cluster.sh start | stop | crash NODE
#
# start  installs Debian's packages, writes a configuration, starts what does not run, and waits until all nodes are
#        idle; again after a crash it brings the node back.
# stop   cancels all jobs, ends what start started, and removes what it wrote; the packages stay.
# crash  kills a node's daemon and all its processes, as a power cut does; its disk is the machine's and stays.
#
# Nodes cpu1, cpu2, gpu1 and gpu2, the latter with two graphics cards each that do not exist. As root, without systemd,
# control groups or a database. Where the kernel allows, each node has a network and a name of its own, so that one's
# localhost is not another's; else, or with CLUSTER_NETWORK=loopback, all are on this host's, as plain containers need,
# and none can crash.
set -euo pipefail

DIR=/var/tmp/tomodenoise-cluster
FILES="slurm.conf gres.conf cgroup.conf"
NODES="cpu1 cpu2 gpu1 gpu2"
BRIDGE=tomo-cluster
SUBNET=10.77.0
SWITCH="$SUBNET.1"

fail() { echo "cluster.sh: $*" >&2; exit 1; }

# Tries until a command succeeds: seconds, command.
wait_for() {
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do [ "$SECONDS" -lt "$end" ] || return 1; sleep 0.1; done
}

# A process that we started and that still is that program: name of its pid file.
running() {
  local pid; pid=$(cat "$DIR/run/$1.pid" 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "${1%%-*}" ]
}

# Also a zombie is, which waits for the machine's first process to take notice.
gone() { ! grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$1/status"; }

end() {
  local pid
  if running "$1"; then
    pid=$(cat "$DIR/run/$1.pid")
    kill "-${2:-TERM}" "$pid"
    wait_for 10 gone "$pid" || kill -KILL "$pid" 2>/dev/null || true
  fi
  rm -f "$DIR/run/$1.pid"
}

install_packages() {
  if ! dpkg -s slurm-wlm munge iproute2 util-linux >/dev/null 2>&1; then
    # No service may start by itself: there may be no init at all.
    [ -e /usr/sbin/policy-rc.d ] || { printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
      chmod +x /usr/sbin/policy-rc.d; trap 'rm -f /usr/sbin/policy-rc.d' EXIT; }
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      slurm-wlm munge iproute2 util-linux >/dev/null
  fi
}

# Whether a node can have a network and a name of its own: in some containers only the first step of it works.
try_network() {
  ip netns add tomo-probe && ip link add tomo-probe type bridge &&
    ip link add to-probe type veth peer name eth0 netns tomo-probe && ip link set to-probe master tomo-probe up &&
    ip -n tomo-probe addr add "$SUBNET.99/24" dev eth0 && nsenter --net=/run/netns/tomo-probe unshare --uts hostname probe
}

choose_network() {
  local network=${CLUSTER_NETWORK:-own}
  if [ "$network" = own ] && ! try_network; then
    echo "cluster.sh: nodes cannot have networks of their own here; all are on this host's" >&2
    network=loopback
  fi
  { ip link del to-probe; ip link del tomo-probe; ip netns del tomo-probe; } 2>/dev/null || true
  echo "$network" >"$DIR/network"
}

own_networks() { [ "$(cat "$DIR/network")" = own ]; }

# Position of a node in the list, from 1.
number() { echo "$NODES" | tr ' ' '\n' | grep -nx "$1" | cut -d: -f1; }

address() { if own_networks; then echo "$SUBNET.$((10 + $(number "$1")))"; else echo "127.0.1.$((10 + $(number "$1")))"; fi; }

# /etc/hosts may be mounted, and then cannot be replaced: write into it.
forget_names() { local rest; rest=$(grep -v '# tomodenoise-cluster$' /etc/hosts); printf '%s\n' "$rest" >/etc/hosts; }

connect() {
  local node
  forget_names
  for node in $NODES; do echo "$(address "$node") $node # tomodenoise-cluster" >>/etc/hosts; done
  own_networks || return 0
  ip link show "$BRIDGE" >/dev/null 2>&1 || ip link add "$BRIDGE" type bridge
  ip addr replace "$SWITCH/24" dev "$BRIDGE"
  ip link set "$BRIDGE" up
  for node in $NODES; do
    [ ! -e "/run/netns/$node" ] || continue
    ip netns add "$node"
    ip link add "to-$node" type veth peer name eth0 netns "$node"
    ip link set "to-$node" master "$BRIDGE" up
    ip -n "$node" addr add "$(address "$node")/24" dev eth0
    ip -n "$node" link set eth0 up
    ip -n "$node" link set lo up
  done
}

disconnect() {
  local node
  forget_names
  own_networks || return 0
  for node in $NODES; do ip netns del "$node" 2>/dev/null || true; ip link del "to-$node" 2>/dev/null || true; done
  ip link del "$BRIDGE" 2>/dev/null || true
}

configure() {
  local node host file
  host=$(hostname -s)
  # A graphics card needs a file of its own, with a number at the end of its name.
  for file in "$DIR"/card{0,1}; do [ -e "$file" ] || mknod "$file" c 1 3 2>/dev/null || touch "$file"; done
  cat >"$DIR/slurm.conf" <<SLURM
ClusterName=tomodenoise
SlurmctldHost=$host($(if own_networks; then echo "$SWITCH"; else echo 127.0.0.1; fi))
SlurmctldPort=16817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation=$DIR/state
SlurmdSpoolDir=$DIR/spool-%n
SlurmctldPidFile=$DIR/run/slurmctld.pid
SlurmdPidFile=$DIR/run/slurmd-%n.pid
SlurmctldLogFile=$DIR/slurmctld.log
SlurmdLogFile=$DIR/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
# A job that holds more than it asked for is killed.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
# The nodes' sizes are what this file says, whatever the machine has.
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
GresTypes=gpu
# What ended stays in squeue for so many seconds, and can be looked at.
MinJobAge=3600
KillWait=20
CompleteWait=0
# A node that does not answer is down after so many seconds.
SlurmdTimeout=10
ReturnToService=2
SLURM
  for node in $NODES; do
    echo "NodeName=$node NodeHostname=$(if own_networks; then echo "$node"; else echo "$host"; fi)" \
      "NodeAddr=$(address "$node") Port=$((17000 + $(number "$node"))) CPUs=4 RealMemory=32000" \
      "$(case $node in gpu*) echo Gres=gpu:2 ;; esac) State=UNKNOWN" >>"$DIR/slurm.conf"
  done
  echo "PartitionName=cpu Nodes=cpu[1-2] Default=YES MaxTime=2-0 State=UP" >>"$DIR/slurm.conf"
  echo "PartitionName=gpu Nodes=gpu[1-2] MaxTime=2-0 State=UP" >>"$DIR/slurm.conf"
  printf 'AutoDetect=off\nNodeName=gpu[1-2] Name=gpu File=%s/card[0-1]\n' "$DIR" >"$DIR/gres.conf"
  # Where no control groups are mounted at all, a node that looks for their kind does not start.
  echo CgroupPlugin=cgroup/v1 >"$DIR/cgroup.conf"
  # Jobs lose the variable SLURM_CONF, so the files must be where SLURM looks by itself.
  mkdir -p /etc/slurm
  for file in $FILES; do ln -sfn "$DIR/$file" "/etc/slurm/$file"; done
}

# Key and daemon that the parts of SLURM know each other by; another one that runs already will do.
start_munge() {
  if munge -n </dev/null 2>/dev/null | unmunge >/dev/null 2>&1; then return; fi
  if [ ! -s /etc/munge/munge.key ]; then
    install -o munge -g munge -m 600 <(head -c 128 /dev/urandom) /etc/munge/munge.key
  fi
  install -d -o munge -g munge -m 755 /run/munge
  runuser -u munge -- munged --force
  wait_for 10 sh -c 'munge -n </dev/null | unmunge' || fail "munged does not answer"
  cp /run/munge/munged.pid "$DIR/run/munged.pid"
}

start_node() {
  if running "slurmd-$1"; then return; fi
  mkdir -p "$DIR/spool-$1"
  if own_networks; then
    # Not `ip netns exec`, which mounts another /sys, that slurmd does not bear.
    nsenter --net="/run/netns/$1" unshare --uts sh -c "hostname $1; exec slurmd -N $1"
  else
    slurmd -N "$1"
  fi
}

idle() { sinfo -h -n "$1" -o %T | grep -qx idle; }

start() {
  local node file
  install_packages
  for file in $FILES; do
    if [ -e "/etc/slurm/$file" ] && [ ! -L "/etc/slurm/$file" ]; then
      fail "/etc/slurm/$file is not ours: this machine belongs to a cluster"
    fi
  done
  mkdir -p "$DIR/run" "$DIR/state"
  if ! running slurmctld; then choose_network; configure; connect; fi
  start_munge
  running slurmctld || slurmctld -i
  wait_for 20 scontrol show partition cpu || fail "slurmctld does not answer, see $DIR/slurmctld.log"
  for node in $NODES; do start_node "$node"; done
  for node in $NODES; do
    wait_for 20 idle "$node" || { scontrol update NodeName="$node" State=RESUME || true; wait_for 20 idle "$node"; } ||
      fail "$node is $(sinfo -h -n "$node" -o '%T, %E'), see $DIR/slurmd-$node.log"
  done
}

crash() {
  running "slurmd-$1" || fail "no such node: $1"
  own_networks || fail "which processes are those of $1 is only known where nodes have networks of their own"
  end "slurmd-$1" KILL
  ip netns pids "$1" | xargs -r kill -KILL
}

stop() {
  local node file
  [ -d "$DIR/run" ] || return 0
  if running slurmctld; then
    timeout 10 squeue -h -o %A | xargs -r timeout 10 scancel 2>/dev/null || true
    wait_for 30 sh -c '[ -z "$(squeue -h)" ]' || true
  fi
  # Not gently, which takes seconds for each: nothing of theirs is kept.
  for node in $NODES; do
    end "slurmd-$node" KILL
    ! own_networks || { ip netns pids "$node" 2>/dev/null | xargs -r kill -KILL; } || true
  done
  end slurmctld KILL
  end munged
  disconnect
  for file in $FILES; do rm -f "/etc/slurm/$file"; done
  rm -rf "$DIR"
}

[ "$(id -u)" = 0 ] || fail "only root can start a cluster"
case ${1:-} in
  start | stop) "$1" ;;
  crash) crash "${2:?which node}" ;;
  *) sed -n '2,12p' "$0"; exit 2 ;;
esac
