"""Times the import of a large file of weights, and planning with it.

Writes a model of 97 MB as safetensors (linear layers of 64 x 4900, 4900 x 4900 and 4900 x 10 random numbers) into a temporary folder.
Each round imports it into a new folder of results, all of `eigenscope run`, and then asks for the status of what is up to date. Medians
of wall time, CPU time and page faults.

Usage: large_file.py PROGRAM [ROUNDS], the program `eigenscope` and how often to measure.
"""

import json
import os
import random
import resource
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PIPELINE = """
[data.digits]

[model.large]
kind = "mlp"
file = "large.safetensors"
data = "data.digits"
"""
SHAPES = [(4900, 64), (4900, 4900), (10, 4900)]


def write_model(path):
    """Uniform numbers of either sign: their exponents compress, their fractions do not."""
    header, end = {}, 0
    for index, (rows, columns) in enumerate(SHAPES):
        start, end = end, end + 4 * rows * columns
        header[f"{index}.weight"] = {"dtype": "F32", "shape": [rows, columns], "data_offsets": [start, end]}
    header = json.dumps(header).encode()
    numbers = random.Random(1)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for rows, columns in SHAPES:
            for _ in range(rows):
                row = (numbers.uniform(-0.1, 0.1) for _ in range(columns))
                file.write(struct.pack(f"<{columns}f", *row))


def measured(command, folder):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "wall s": wall,
        "user s": after.ru_utime - before.ru_utime,
        "system s": after.ru_stime - before.ru_stime,
        "page faults": after.ru_minflt - before.ru_minflt,
    }


def main():
    program = Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "p.toml").write_text(PIPELINE)
        (folder / "data").mkdir()
        write_model(folder / "data" / "large.safetensors")
        found = {"run": [], "status": []}
        for _ in range(rounds):
            shutil.rmtree(folder / "artifacts", ignore_errors=True)
            os.sync()
            for name in found:
                found[name].append(measured([program, name, "p.toml"], folder))
    for name, rows in found.items():
        medians = {what: statistics.median(row[what] for row in rows) for what in rows[0]}
        print(f"{name}: " + ", ".join(f"{value:.3g} {what}" for what, value in medians.items()))


main()
