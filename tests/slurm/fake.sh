#!/bin/sh
# The programs of Slurm for tests, by the name that this is called under: jobs are child processes of nobody, their states are
# files in $FAKE_SLURM/state. What stands in $FAKE_SLURM decides what goes wrong: `hold` keeps elements waiting, `lose` makes
# the next job vanish as a lost node does, `refuse` and `busy` are what the next `sbatch` says.
set -u
d=$FAKE_SLURM
mkdir -p "$d/state" "$d/pid"
echo "$(basename "$0") $*" >> "$d/calls"
env | sed -n 's/^\(\(SBATCH\|SQUEUE\|SCANCEL\|SINFO\|SACCT\)_[A-Z_]*\)=.*/\1/p' >> "$d/variables"
case $(basename "$0") in
sbatch)
    if [ -e "$d/busy" ]; then rm "$d/busy"; echo "sbatch: error: Unable to contact slurm controller (connect failure)" >&2; exit 1; fi
    if [ -e "$d/refuse" ]; then cat "$d/refuse" >&2; exit 1; fi
    job=$(($(cat "$d/last" 2>/dev/null || echo 100) + 1)); echo $job > "$d/last"
    for word in "$@"; do
        case $word in
        --job-name=*) name=${word#*=} ;;
        --array=0-*) last=${word##*-} ;;
        --output=*) output=${word#*=} ;;
        esac
    done
    cat > "$d/script-$job"
    chmod +x "$d/script-$job"
    lost=; [ -e "$d/lose" ] && { lost=$(cat "$d/lose"); rm "$d/lose"; }
    index=0
    while [ $index -le "$last" ]; do
        state="$d/state/$job.$index"
        if [ -n "$lost" ]; then
            echo "$job|$index|$lost|$name" > "$state"
        elif [ -e "$d/hold" ]; then
            echo "$job|$index|PENDING|JobHeldUser|$name" > "$state"
        else
            echo "$job|$index|RUNNING|None|$name" > "$state"
            log=$(echo "$output" | sed "s/%a/$index/")
            (
                trap '' HUP
                SLURM_ARRAY_JOB_ID=$job SLURM_ARRAY_TASK_ID=$index SLURMD_NODENAME=n1 "$d/script-$job" >> "$log" 2>&1 &
                echo $! > "$d/pid/$job.$index"
                if wait $!; then end=COMPLETED; else end=FAILED; fi
                grep -q CANCELLED "$state" || echo "$job|$index|$end|None|$name" > "$state"
            ) < /dev/null > /dev/null 2>&1 &
        fi
        index=$((index + 1))
    done
    echo $job
    ;;
squeue) cat "$d"/state/* 2>/dev/null || : ;;
scancel)
    for word in "$@"; do
        for state in "$d/state/$word".* "$d/state/$(echo "$word" | tr _ .)"; do
            [ -e "$state" ] || continue
            sed -i 's/|[A-Z]*|[A-Za-z]*|/|CANCELLED|None|/' "$state"
            pid="$d/pid/$(basename "$state")"
            [ -e "$pid" ] || continue
            # As Slurm does: all processes of the job, those further down first.
            kill $(cat /proc/"$(cat "$pid")"/task/*/children 2>/dev/null) "$(cat "$pid")" 2>/dev/null
        done
    done
    exit 0
    ;;
scontrol)
    case $2 in
    config) echo "MaxArraySize            = 1001"; echo "MaxJobCount             = 10000" ;;
    *) exit 1 ;;
    esac
    ;;
sinfo) echo "4 4000 1:00:00 main*" ;;
*) exit 1 ;;
esac
