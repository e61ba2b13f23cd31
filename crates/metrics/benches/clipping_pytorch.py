"""Compare a clipping curve with one PyTorch evaluation a rank, on the same inputs, cores and in the same minutes.

An MLP 1024-512-256-10 with random weights, 10,000 random images, and a random orthonormal basis of 512 vectors of what one
layer reads. PyTorch: for every rank k, W V_k^T V_k, then the whole network on all images (layer 1), or from what the layer reads,
computed once (layer 2). Ours: the example `clipping_curve`, built here. The runs alternate; times are without reading or
making the inputs. Both find the same counts, but for images whose best two logits are equal within float32.

    python clipping_pytorch.py [--threads 1 4] [--repeats 2] [--images 10000] [--ranks 512] [--layers layer1 layer2]
"""

import argparse
import json
import os
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
INPUTS, WIDTHS, CLASSES = 1024, [512, 256], 10
PROGRAM = "clipping_curve"


def build():
    """The compiled example."""
    subprocess.run(
        ["cargo", "build", "--release", "--workspace", "--locked", "--quiet", "--example", PROGRAM], cwd=ROOT, check=True
    )
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release" / "examples" / PROGRAM


def make_case(images, ranks, layer):
    """Inputs, labels, weights in order, and a basis [ranks, inputs of the layer]; all float32."""
    generator = np.random.default_rng(0)
    sizes = [INPUTS, *WIDTHS, CLASSES]
    weights = {
        f"layer{i + 1}": generator.uniform(-1, 1, (b, a)).astype(np.float32) / np.float32(np.sqrt(a))
        for i, (a, b) in enumerate(zip(sizes, sizes[1:]))
    }
    width = weights[layer].shape[1]
    columns = np.linalg.qr(generator.normal(size=(width, min(ranks, width))))[0]
    return {
        "inputs": generator.normal(size=(images, INPUTS)).astype(np.float32),
        "labels": generator.integers(0, CLASSES, images),
        "weights": weights,
        "basis": np.ascontiguousarray(columns.T.astype(np.float32)),
        "layer": layer,
    }


def write_case(case, folder):
    shape = {"inputs": INPUTS, "widths": WIDTHS, "classes": CLASSES, "layer": case["layer"]}
    (folder / "case.json").write_text(json.dumps(shape))
    case["inputs"].tofile(folder / "inputs")
    case["labels"].astype("<u2").tofile(folder / "labels")
    case["basis"].tofile(folder / "basis")
    for name, weight in case["weights"].items():
        weight.tofile(folder / f"{name}.weight")


def run_ours(program, folder, threads):
    """Seconds, peak memory in MiB and counts."""
    done = subprocess.run([program, folder, str(threads)], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    return result["seconds"], result["peak_kib"] / 1024, result["correct"]


@torch.no_grad()
def run_pytorch(case, threads):
    """Seconds and counts."""
    torch.set_num_threads(threads)
    x, labels = torch.from_numpy(case["inputs"]), torch.from_numpy(case["labels"])
    weights, v = {name: torch.from_numpy(w) for name, w in case["weights"].items()}, torch.from_numpy(case["basis"])
    names, start, correct = list(weights), time.perf_counter(), []
    while names[0] != case["layer"]:
        x = torch.relu(x @ weights[names.pop(0)].T)
    whole = weights[case["layer"]]
    for k in range(1, len(v) + 1):
        h = x @ (whole @ v[:k].T @ v[:k]).T
        for name in names[1:]:
            h = torch.relu(h) @ weights[name].T
        correct.append(int((h.argmax(1) == labels).sum()))
    return time.perf_counter() - start, correct


def peak_mib():
    """Peak memory of this process (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main():
    parser = argparse.ArgumentParser(description="Compare a clipping curve with one PyTorch evaluation a rank.")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--ranks", type=int, default=512)
    parser.add_argument("--layers", nargs="+", default=["layer1", "layer2"])
    arguments = parser.parse_args()
    program = build()
    print(f"PyTorch {torch.__version__}, {len(os.sched_getaffinity(0))} cores, {arguments.images} images")
    for layer in arguments.layers:
        case = make_case(arguments.images, arguments.ranks, layer)
        with tempfile.TemporaryDirectory() as folder:
            write_case(case, Path(folder))
            for threads in arguments.threads * arguments.repeats:
                theirs, expected = run_pytorch(case, threads)
                ours, peak, correct = run_ours(program, folder, threads)
                apart = max(abs(a - b) for a, b in zip(correct, expected, strict=True))
                print(
                    f"{layer}, {len(correct)} ranks, {threads} threads: PyTorch {theirs:.2f} s, ours {ours:.2f} s, "
                    f"{theirs / ours:.1f} times faster; peak {peak_mib():.0f} and {peak:.0f} MiB; "
                    f"counts at most {apart} apart; load {os.getloadavg()[0]:.1f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
