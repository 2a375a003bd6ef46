#!/usr/bin/env bash
# A Slurm of one node on the loopback, for tests: `ci/slurm.sh start FOLDER` and `ci/slurm.sh stop FOLDER`.
# Everything lies in FOLDER and the ports are free ones, so several can run at a time; munge's daemon is shared and stays.
# Needs root and Debian's slurmctld, slurmd, slurm-client and munge. Afterwards: export SLURM_CONF=FOLDER/slurm.conf
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"
what=$1
folder=$(realpath -m "$2")
export SLURM_CONF=$folder/slurm.conf

if [ "$what" = stop ]; then
    scancel --me 2>/dev/null || true
    timeout 5 bash -c 'while squeue --noheader | grep -q .; do sleep 0.1; done' 2>/dev/null || true
    for daemon in slurmd slurmctld; do
        [ -f "$folder/$daemon.pid" ] || continue
        pid=$(cat "$folder/$daemon.pid")
        kill "$pid" 2>/dev/null || continue
        timeout 5 bash -c "while kill -0 $pid 2>/dev/null; do sleep 0.1; done" || kill -9 "$pid" 2>/dev/null || true
    done
    exit 0
fi

mkdir -p "$folder/state" "$folder/spool"
read -r first second < <(python3 -c '
import socket
found = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in found))')
cat > "$SLURM_CONF" <<END
ClusterName=zoo
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
SlurmctldPort=$first
SlurmdPort=$second
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2
KillWait=300
ReturnToService=2
NodeName=localhost NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END

if ! munge -n 2>/dev/null | unmunge >/dev/null 2>&1; then
    install -d -o munge -g munge -m 755 /run/munge
    setpriv --reuid=munge --regid=munge --clear-groups munged --force 2>/dev/null
fi
slurmctld
slurmd -N localhost
for _ in $(seq 100); do
    [ "$(sinfo --noheader --format=%T 2>/dev/null)" != idle ] || exit 0
    sleep 0.2
done
echo "Slurm did not start; $folder/slurmctld.log and slurmd.log say why:" >&2
tail -n 5 "$folder"/*.log >&2
exit 1
