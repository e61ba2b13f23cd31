"""Many tasks on a cluster, by eigenscope and by Snakemake's executor for Slurm: what each adds to the time of the tasks themselves.

Slurm is real: three nodes of four slots on this machine, from `tests/slurm/three_nodes` (root only). The tasks sleep, so that more
slots than cores are honest; what a tool computes around them is not free, and shares the cores of this machine. The graph is one source, and
short tasks (0.2 s) and long ones (5 s) that read it. A time is compared with the sum of the sleeps divided by the slots. Prints a table.

    cargo build --release --workspace --bins && cargo build --release -p eigenscope-pipeline --example fake_stage
    python3 -m venv env && env/bin/pip install snakemake snakemake-executor-plugin-slurm
    PATH=$PWD/env/bin:$PATH python3 crates/pipeline/benches/slurm_compare.py /some/folder [SHORT LONG [SNAKEMAKE_SHORT SNAKEMAKE_LONG]]

eigenscope runs the large graph (2,000 and 200 unless said otherwise) and the small one (100 and 10); Snakemake, if it is on the path,
the small one only.
"""

import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

WORKSPACE = Path(__file__).resolve().parents[3]
NODES, SLOTS_OF_A_NODE = 3, 4
SLOTS = NODES * SLOTS_OF_A_NODE
SHORT_SECONDS, LONG_SECONDS = 0.2, 5


class Cluster:
    """Slurm in a folder of its own, as long as this value is entered."""

    script = str(WORKSPACE / "tests/slurm/three_nodes")

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        # The memory is only said to be there: these tasks need next to none.
        options = ["--cpus", str(SLOTS_OF_A_NODE), "--memory", "100000", "--max-array-size", "4001"]
        self.process = subprocess.Popen(
            [self.script, "start", str(self.folder), *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if self.process.stdout.readline() != "ready\n":
            sys.exit("there is no Slurm here")
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def submissions(self):
        return (self.folder / "slurmctld.log").read_text().count("_slurm_rpc_submit_batch_job: JobId=")

    def call(self, arguments, folder):
        """Runs a command on the login node, which must succeed: seconds, submissions, CPU seconds of the command itself."""
        before, cpu_before, begun = self.submissions(), cpu_seconds(), time.perf_counter()
        with open(folder / "output", "w") as output:
            command = [self.script, "in", str(self.folder), *arguments]
            ended = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        seconds = time.perf_counter() - begun
        if ended.returncode:
            sys.exit(f"{arguments} failed in {folder}:\n{(folder / 'output').read_text()[-3000:]}")
        return seconds, self.submissions() - before, cpu_seconds() - cpu_before


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def eigenscope(folder, short, long):
    programs = folder / "bin"
    programs.mkdir(parents=True)
    built = WORKSPACE / "target/release"
    shutil.copy(built / "eigenscope", programs)
    for stage in ["ingest", "train", "import", "decompose", "metrics", "report"]:
        (programs / f"eigenscope-{stage}").symlink_to(built / "examples/fake_stage")
    tables = [
        f'[train.{name}]\nkind = "fit"\ndata = "data.set"\nsleep_ms = {int(seconds * 1000)}\npart = {list(range(count))}\n'
        for name, seconds, count in [("short", SHORT_SECONDS, short), ("long", LONG_SECONDS, long)]
    ]
    (folder / "p.toml").write_text('[data.set]\nkind = "make"\n\n' + "\n".join(tables))
    (folder / "eigenscope.toml").write_text('[executor]\ndefault = "slurm"\n\n[slurm]\ntime = 30\nmemory = 100\n')
    return [("eigenscope", [str(programs / "eigenscope"), "run", "p.toml"])]


def snakemake(folder, short, long):
    def rule(name, seconds):
        return (
            f"rule {name}:\n    input: 'source'\n    output: '{name}/{{i}}'\n    resources: mem_mb=1000, runtime=30\n"
            f"    shell: 'sleep {seconds}; cp {{input}} {{output}}'\n"
        )

    folder.mkdir(parents=True)
    (folder / "source").write_text("1\n")
    (folder / "Snakefile").write_text(
        f"rule all:\n    input: expand('short/{{i}}', i=range({short})), expand('long/{{i}}', i=range({long}))\n"
        + rule("short", SHORT_SECONDS)
        + rule("long", LONG_SECONDS)
    )
    plain = ["snakemake", "--executor", "slurm", "--jobs", "1000", "--slurm-no-account", "--slurm-status-command", "squeue"]
    tuned = [*plain, "--slurm-array-jobs", "all", "--slurm-init-seconds-before-status-checks", "5"]
    grouped = [*tuned, "--groups", "short=short", "--group-components", "short=50"]
    return [
        ("Snakemake", plain),
        ("Snakemake, arrays, jobs looked at every 5 s", tuned),
        ("Snakemake, the same, 50 short tasks in a job", grouped),
    ]


def main():
    root = Path(sys.argv[1]).resolve()
    counts = [int(word) for word in sys.argv[2:]]
    large = counts[0:2] or [2000, 200]
    small = counts[2:4] or [100, 10]
    rows = []
    with Cluster(root / "cluster") as cluster:
        for tool, (short, long) in [(eigenscope, large), (eigenscope, small), (snakemake, small)]:
            if shutil.which(tool.__name__) is None and tool is snakemake:
                print("snakemake: not on the path, left out", file=sys.stderr)
                continue
            folder = root / f"{tool.__name__}-{short}-{long}"
            shutil.rmtree(folder, ignore_errors=True)
            for name, arguments in tool(folder, short, long):
                for made in ["short", "long", ".snakemake"]:
                    shutil.rmtree(folder / made, ignore_errors=True)
                seconds, submissions, cpu = cluster.call(arguments, folder)
                least = (short * SHORT_SECONDS + long * LONG_SECONDS) / SLOTS
                rows.append((name, short, long, least, seconds, submissions, cpu))
                print(f"{name}: {seconds:.0f} s", file=sys.stderr)
    print("| tool | short, long tasks | work / slots s | took s | more s | submissions | CPU s of the tool |\n|---|---|---|---|---|---|---|")
    for name, short, long, least, seconds, submissions, cpu in rows:
        counts = f"{short:,}, {long}"
        print(f"| {name} | {counts} | {least:.1f} | {seconds:.1f} | {seconds - least:.1f} | {submissions} | {cpu:.1f} |")


if __name__ == "__main__":
    main()
