"""Reading 60,000 small PNG files: `image-folder` of eigenscope and ImageFolder with DataLoader of torchvision, in turns.

    python folders.py PROGRAM [ROUNDS] [WORKERS]

PROGRAM is `eigenscope`, beside its stage programs. Both read every file from the cache of the machine, decode it, and end with all
images in one array of bytes: eigenscope writes its artifact, torchvision collects tensors of float32 and makes them bytes again. It
prints the seconds of each round and the ratio of the medians, then the time of a survey of the unchanged folder.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

IMAGES, CLASSES, SIDE = 60_000, 10, 28


def make(folder):
    draw = np.random.default_rng(0)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    for split, count in [("train", IMAGES), ("test", 100)]:
        for number in range(count):
            label = number % CLASSES
            centre = 14 + 8 * np.cos(label * 0.6), 14 + 8 * np.sin(label * 0.6)
            stroke = 255 * np.exp(-((columns - centre[0]) ** 2 + (rows - centre[1]) ** 2) / 20)
            values = np.clip(stroke + 80 * (draw.random((SIDE, SIDE)) > 0.97), 0, 255).astype(np.uint8)
            path = folder / split / str(label) / f"{number:05}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(values).save(path)


def torchvision_seconds(folder, workers):
    start = time.perf_counter()
    to_tensor = transforms.Compose([transforms.Grayscale(), transforms.ToTensor()])
    for split in ["train", "test"]:
        loader = DataLoader(ImageFolder(folder / split, to_tensor), batch_size=512, num_workers=workers)
        images = torch.cat([(batch * 255).round().to(torch.uint8) for batch, _ in loader])
    assert images.shape[1:] == (1, SIDE, SIDE)
    return time.perf_counter() - start


def main():
    program = str(Path(sys.argv[1]).resolve())
    rounds, workers = (int(word) for word in (sys.argv[2:] + ["5", "2"][len(sys.argv) - 2 :])[:2])
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        make(work / "data/big")
        (work / "big.toml").write_text('[data.big]\nkind = "image-folder"\nfolder = "big"\n')

        def run(artifacts):
            start = time.perf_counter()
            command = [program, "--artifacts", artifacts, "run", "big.toml", "--jobs", str(workers)]
            subprocess.run(command, cwd=work, check=True, capture_output=True)
            return time.perf_counter() - start

        ours, theirs = [], []
        for number in range(rounds):
            ours.append(run(f"artifacts{number}"))
            theirs.append(torchvision_seconds(work / "data/big", workers))
            print(f"eigenscope {ours[-1]:.2f} s, torchvision {theirs[-1]:.2f} s", flush=True)
        ratio = statistics.median(theirs) / statistics.median(ours)
        print(f"medians {statistics.median(ours):.2f} / {statistics.median(theirs):.2f}, ratio {ratio:.1f}")
        time.sleep(3)
        run("artifacts0")
        print("unchanged:", [round(run("artifacts0"), 3) for _ in range(5)])


main()
