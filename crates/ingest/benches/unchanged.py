"""How long it takes to find that nothing has changed in a folder of 60,000 pictures.

    python unchanged.py PROGRAM [ROUNDS]

PROGRAM is `eigenscope`, beside its stage programs. The folder is made, read once and surveyed once; then `eigenscope status` is timed:
wall time, and CPU time of the program and of all that it starts. The names and states of the files come from the cache of the machine.
"""

import os
import resource
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

IMAGES, CLASSES, SIDE = 60_000, 10, 8


def picture(number):
    chunk = lambda name, data: struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    rows = b"".join(b"\0" + bytes((number * (row + 3) + 31 * column) % 256 for column in range(SIDE)) for row in range(SIDE))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def main():
    program = str(Path(sys.argv[1]).resolve())
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        for label in range(CLASSES):
            (work / f"data/big/train/{label}").mkdir(parents=True)
        for number in range(IMAGES):
            (work / f"data/big/train/{number % CLASSES}/{number:05}.png").write_bytes(picture(number))
        (work / "big.toml").write_text('[data.big]\nkind = "image-folder"\nfolder = "big"\n')

        def call(*arguments):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            start = time.perf_counter()
            subprocess.run([program, *arguments], cwd=work, check=True, capture_output=True)
            wall = time.perf_counter() - start
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

        print(f"read: {call('run', 'big.toml')[0]:.2f} s", flush=True)
        # What was touched less than two seconds before it was read is read again.
        time.sleep(3)
        print(f"first survey: {call('status', 'big.toml')[0]:.2f} s", flush=True)
        for command in [["status", "big.toml", "--check"], ["run", "big.toml"]]:
            walls, cpus = zip(*(call(*command) for _ in range(rounds)))
            medians = statistics.median(walls) * 1e3, min(walls) * 1e3, statistics.median(cpus) * 1e3
            print("{}: wall median {:.0f} ms, best {:.0f} ms; CPU median {:.0f} ms".format(command[0], *medians))
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


main()
