"""Doing nothing, by eigenscope, Ninja, DVC and Snakemake: how long each takes to find that all its steps are up to date.

Every tool gets the same graph: one source, n models of it, a figure of each model (2 n steps). Each is brought up to date once;
then all commands are measured in turns, so that whatever else the machine does hits all of them. Prints a table.

    cargo bench --workspace --locked --bench noop -- --generate /some/folder/eigenscope 50000
    python3 -m venv env && env/bin/pip install dvc snakemake       # and Ninja: apt-get install ninja-build
    PATH=$PWD/env/bin:$PATH python3 crates/pipeline/benches/noop_compare.py /some/folder

Tools that are not on the path are left out. All have as many steps as the generated project, but DVC and Snakemake no more than
they handle in seconds.
"""

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 5
# The most models for these.
DVC_MODELS = 500
SNAKEMAKE_MODELS = 2500


def call(arguments, folder):
    """Runs a command that must succeed: seconds, peak resident set in MiB (of the largest process), output."""
    begun = time.perf_counter()
    with open(folder / "output", "w+") as output:
        child = subprocess.Popen(arguments, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begun
        output.seek(0)
        text = output.read()
    if status:
        sys.exit(f"{arguments} failed in {folder}:\n{text[-2000:]}")
    return seconds, usage.ru_maxrss / 1024, text


def ninja(folder, models):
    lines = ["rule copy", "  command = cp $in $out"]
    for model in range(models):
        lines += [f"build model/{model}: copy source", f"build figure/{model}: copy model/{model}"]
    (folder / "build.ninja").write_text("\n".join(lines) + "\n")
    (folder / "source").write_text("1\n")
    call(["ninja", "--quiet"], folder)
    return [(["ninja"], "no work to do")]


def dvc(folder, models):
    stages = ["stages:"]
    for model in range(models):
        for name, source, target in [
            ("model", "source", f"model/{model}"),
            ("figure", f"model/{model}", f"figure/{model}"),
        ]:
            stages += [
                f"  {name}{model}:",
                f"    cmd: cp {source} {target}",
                f"    deps: [{source}]",
                f"    outs: [{target}]",
            ]
    for name in ["model", "figure"]:
        (folder / name).mkdir()
        for model in range(models):
            (folder / name / str(model)).write_text("1\n")
    (folder / "source").write_text("1\n")
    call(["dvc", "init", "--no-scm", "--quiet"], folder)
    call(["dvc", "config", "core.analytics", "false"], folder)
    (folder / "dvc.yaml").write_text("\n".join(stages) + "\n")
    # The outputs are what the commands make: recording them is the same as running 2 n of them, which takes far longer.
    call(["dvc", "commit", "--force", "--quiet"], folder)
    return [(["dvc", "status"], "up to date"), (["dvc", "repro"], "up to date")]


def snakemake(folder, models):
    (folder / "Snakefile").write_text(
        f"rule all:\n    input: expand('figure/{{i}}', i=range({models}))\n"
        "rule figure:\n    input: 'model/{i}'\n    output: 'figure/{i}'\n    shell: 'cp {input} {output}'\n"
        "rule model:\n    input: 'source'\n    output: 'model/{i}'\n    shell: 'cp {input} {output}'\n"
    )
    (folder / "source").write_text("1\n")
    time.sleep(0.1)
    for name in ["model", "figure"]:
        (folder / name).mkdir()
        for model in range(models):
            (folder / name / str(model)).write_text("1\n")
        time.sleep(0.1)
    # Records the outputs as made by these rules.
    call(["snakemake", "--cores", "1", "--touch", "--quiet"], folder)
    return [(["snakemake", "--cores", "1"], "Nothing to be done")]


def main():
    root = Path(sys.argv[1]).resolve()
    ours = root / "eigenscope"
    program = str(ours / "bin/eigenscope")
    call([program, "run", "p.toml"], ours)
    _, _, text = call([program, "status", "p.toml"], ours)
    tasks = int(text.split(" of ")[0])
    entries = [
        ("eigenscope status", tasks, ours, [program, "status", "p.toml"], f"{tasks} of {tasks} tasks are up to date"),
        ("eigenscope run", tasks, ours, [program, "run", "p.toml"], f"{tasks} up to date"),
    ]
    for tool, prepare, models in [
        ("ninja", ninja, (tasks - 1) // 2),
        ("dvc", dvc, min((tasks - 1) // 2, DVC_MODELS)),
        ("snakemake", snakemake, min((tasks - 1) // 2, SNAKEMAKE_MODELS)),
    ]:
        if shutil.which(tool) is None:
            print(f"{tool}: not on the path, left out", file=sys.stderr)
            continue
        folder = root / tool
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        begun = time.perf_counter()
        for arguments, words in prepare(folder, models):
            name = " ".join(arguments[:2] if tool == "dvc" else arguments[:1])
            entries.append((name, 2 * models, folder, arguments, words))
        print(f"{tool}: prepared in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    found = {name: [] for name, *_ in entries}
    for turn in range(1 + ROUNDS):
        for name, _, folder, arguments, words in entries:
            seconds, peak, text = call(arguments, folder)
            if words not in text:
                sys.exit(f"{name} found something to do:\n{text[-2000:]}")
            if turn:  # The first one warms up.
                found[name].append((seconds, peak))
    print("| command | steps | best s | median s | µs a step | peak MiB |\n|---|---|---|---|---|---|")
    for name, steps, *_ in entries:
        seconds = [seconds for seconds, _ in found[name]]
        best, median, peak = min(seconds), statistics.median(seconds), max(peak for _, peak in found[name])
        print(f"| `{name}` | {steps:,} | {best:.3f} | {median:.3f} | {median / steps * 1e6:.1f} | {peak:.0f} |")


if __name__ == "__main__":
    main()
