"""Compare the scores of adversarial masks with one PyTorch evaluation for each mask and strength, in the same minutes.

A residual bilinear layer of d = 512 on 60,000 images of 784 pixels, with random weights, images and masks. PyTorch: every mask at
every strength is added to all images, which then go through the whole network. That is linear in the number of masks, so it is
timed with a few of them, and the time for all is that times their ratio. Ours: the example `mask_scores`, built here, with all
masks. Times are CPU time of all threads, which other work on the machine changes least. Both find the same counts, but for images
whose best two logits are equal within float32.

    python masks_pytorch.py [--threads 1 2] [--images 60000] [--masks 60] [--timed 2]

60 masks are those of the analysis: 30, and 30 with shuffled pixels.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    import numpy as np
    import torch
except ImportError as error:
    print(f"comparison with PyTorch skipped: {error} (PYTHON={sys.executable})")
    sys.exit(0)

ROOT = Path(__file__).resolve().parents[3]
INPUTS, HIDDEN, CLASSES = 784, 512, 10
STRENGTHS = [step / 40 for step in range(1, 13)]
PROGRAM = "mask_scores"


def build():
    """The compiled example."""
    subprocess.run(
        ["cargo", "build", "--release", "--workspace", "--locked", "--quiet", "--example", PROGRAM], cwd=ROOT, check=True
    )
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release" / "examples" / PROGRAM


def make_case(images, masks):
    """Weights, images, labels, masks and their classes."""
    generator = np.random.default_rng(0)

    def weight(rows, columns):
        return (generator.normal(size=(rows, columns)) / np.sqrt(columns)).astype(np.float32)

    return {
        "embed.weight": weight(HIDDEN, INPUTS),
        "gate.weight": weight(2 * HIDDEN, HIDDEN),
        "unembed.weight": weight(CLASSES, HIDDEN),
        "inputs": generator.uniform(0, 1, (images, INPUTS)).astype(np.float32),
        "labels": generator.integers(0, CLASSES, images).astype("<u2"),
        "masks": generator.normal(size=(masks, INPUTS)).astype(np.float32),
        "targets": (np.arange(masks) % CLASSES).astype("<u2"),
    }


def write_case(case, folder):
    shape = {"inputs": INPUTS, "hidden": HIDDEN, "classes": CLASSES, "strengths": STRENGTHS}
    (folder / "case.json").write_text(json.dumps(shape))
    for name, values in case.items():
        values.tofile(folder / name)


def run_ours(program, folder, threads):
    """CPU seconds with reading the case, peak memory in MiB, correct and misclassified counts [masks, strengths]."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([program, folder, str(threads)], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    result = json.loads(done.stdout)
    counts = [np.array(result[name]).reshape(-1, len(STRENGTHS)) for name in ("correct", "misclassified")]
    return seconds, result["peak_kib"] / 1024, counts


@torch.no_grad()
def run_pytorch(case, threads, timed):
    """CPU seconds and counts of the first masks."""
    torch.set_num_threads(threads)
    tensors = {name: torch.from_numpy(values.astype(np.int64) if values.dtype.kind == "u" else values) for name, values in case.items()}
    embed, gate, unembed = (tensors[name] for name in ("embed.weight", "gate.weight", "unembed.weight"))
    x, labels = tensors["inputs"], tensors["labels"]
    correct, misclassified = np.zeros((2, timed, len(STRENGTHS)), np.int64)
    start = time.process_time()
    for m in range(timed):
        target = tensors["targets"][m]
        for s, strength in enumerate(STRENGTHS):
            h = (x + strength * tensors["masks"][m]) @ embed.T
            left, right = (h @ gate.T).chunk(2, dim=1)
            predicted = ((left * right + h) @ unembed.T).argmax(1)
            correct[m, s] = (predicted == labels).sum()
            misclassified[m, s] = ((predicted == target) & (labels != target)).sum()
    return time.process_time() - start, [correct, misclassified]


def main():
    parser = argparse.ArgumentParser(description="Compare the scores of masks with one PyTorch evaluation each.")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--masks", type=int, default=60)
    parser.add_argument("--timed", type=int, default=2)
    parser.add_argument("--program", help="the compiled example; built if it is not given")
    arguments = parser.parse_args()
    program = arguments.program or build()
    print(f"PyTorch {torch.__version__}, {len(os.sched_getaffinity(0))} cores, {arguments.images} images")
    case = make_case(arguments.images, arguments.masks)
    with tempfile.TemporaryDirectory() as folder:
        write_case(case, Path(folder))
        for threads in arguments.threads:
            timed = min(arguments.timed, arguments.masks)
            before, _, _ = run_ours(program, folder, threads)
            theirs, expected = run_pytorch(case, threads, timed)
            after, peak, found = run_ours(program, folder, threads)
            apart = max(np.abs(ours[:timed] - truth).max() for ours, truth in zip(found, expected, strict=True))
            ours, scaled = (before + after) / 2, theirs * arguments.masks / timed
            print(
                f"{arguments.masks} masks, {len(STRENGTHS)} strengths, {threads} threads: PyTorch {theirs:.1f} s of CPU time for {timed} masks, "
                f"{scaled:.0f} s for all; ours {before:.2f} and {after:.2f} s, {scaled / ours:.0f} times less; "
                f"peak {peak:.0f} MiB; counts at most {apart} apart; load {os.getloadavg()[0]:.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
