"""Compare our t-SNE with openTSNE and scikit-learn, in turns, on the same cores: time, divergence, neighbours.

    cargo build --release --workspace --example t_sne
    python crates/metrics/benches/t_sne_compare.py DATA_FOLDER [--program target/release/examples/t_sne]

Points are the MNIST test images (`DATA_FOLDER/mnist/t10k-*.gz`) projected on their first 128 principal components. All three
get perplexity 30, a start from principal components and 1000 steps. With more than 10,000 `--images` they are the pixels of the
training images, scikit-learn is left out, and openTSNE (by Fourier transforms) has our settings of many points: 250 steps with
exaggeration 12, momentum 0.5 and rate n / 12, then 500 with momentum 0.8 and rate n. Ours is timed as a whole process with its
files, the others without their imports. CPU times tell more than wall times where other programs run. The Kullback-Leibler
divergence is computed anew for each map, over all pairs in float64, with one and the same P over 91 exact neighbours, since that is
what ours and scikit-learn minimise (openTSNE takes 90). Neighbour accuracy: images whose 10 nearest others vote for their class,
by scikit-learn.

Needs numpy, scikit-learn and openTSNE.
"""

import argparse
import gzip
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import openTSNE
import sklearn
from scipy.sparse import csr_matrix
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, _utils
from sklearn.neighbors import NearestNeighbors

PERPLEXITY, COMPONENTS, VOTERS, FEW = 30, 128, 10, 10_000


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder that holds mnist/")
    parser.add_argument("--program", type=Path, default=Path("target/release/examples/t_sne"))
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args()


def read_images(folder, count):
    def content(name, header):
        return np.frombuffer(gzip.decompress((folder / "mnist" / name).read_bytes())[header:], np.uint8)

    part = "t10k" if count <= FEW else "train"
    labels = content(f"{part}-labels-idx1-ubyte.gz", 8)[:count].astype(int)
    pixels = content(f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 784)[:count] / np.float32(255)
    if count > FEW:
        return pixels, labels
    points = PCA(COMPONENTS, svd_solver="full").fit_transform(pixels)
    return points.astype(np.float32), labels


def ours(points, options):
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "points.f32", Path(folder) / "map.f64"
        points.tofile(source)
        command = [options.program, source, points.shape[1], PERPLEXITY, options.threads, target]
        subprocess.run([str(part) for part in command], check=True)
        return np.fromfile(target).reshape(-1, 2)


def open_tsne(points, options):
    many = {"negative_gradient_method": "fft", "initial_momentum": 0.5} if len(points) > FEW else {}
    model = openTSNE.TSNE(
        **many,
        perplexity=PERPLEXITY,
        initialization="pca",
        early_exaggeration_iter=250,
        n_iter=500 if many else 750,
        n_jobs=options.threads,
        random_state=0,
    )
    return np.asarray(model.fit(points))


def scikit_learn(points, options):
    model = TSNE(perplexity=PERPLEXITY, init="pca", max_iter=1000, n_jobs=options.threads, random_state=0)
    return model.fit_transform(points)


def clocks():
    """Wall time, and CPU time of this process and of those it has started, in seconds."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return np.array([time.perf_counter(), sum(one.ru_utime + one.ru_stime for one in used)])


def joint_probabilities(points):
    """Indices [n, k], and the conditional probabilities of these neighbours [n, k]."""
    count = 3 * PERPLEXITY + 1
    distances, indices = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(points).kneighbors()
    return indices, _utils._binary_search_perplexity((distances**2).astype(np.float32), PERPLEXITY, 0)


def divergence(conditional, place):
    """KL(P || Q) over all pairs in float64."""
    indices, rows = conditional
    n, place = len(place), place.astype(np.float64)
    points = np.repeat(np.arange(n), indices.shape[1])
    joint = csr_matrix((rows.ravel().astype(np.float64), (points, indices.ravel())), (n, n))
    joint = ((joint + joint.T) / (2 * n)).tocoo()
    p, squared = joint.data / joint.data.sum(), ((place[joint.row] - place[joint.col]) ** 2).sum(1)
    near = p > 0
    total, normaliser = (p[near] * np.log(p[near] * (1 + squared[near]))).sum(), 0.0
    x, y = place.T
    for start in range(0, n, 500):
        block = slice(start, start + 500)
        normaliser += (1 / (1 + (x[block, None] - x) ** 2 + (y[block, None] - y) ** 2)).sum()
    return total + np.log(normaliser - n)


def neighbour_accuracy(points, labels):
    indices = NearestNeighbors(n_neighbors=VOTERS, algorithm="brute").fit(points).kneighbors(return_distance=False)
    votes = np.array([np.bincount(labels[row]).argmax() for row in indices])
    return (votes == labels).mean()


def main():
    options = arguments()
    points, labels = read_images(options.data, options.images)
    conditional = joint_probabilities(points)
    print(f"{len(points)} points of {points.shape[1]} values, {options.threads} threads, load {os.getloadavg()[0]:.1f}")
    print(f"openTSNE {openTSNE.__version__}, scikit-learn {sklearn.__version__}, numpy {np.__version__}")
    print(f"accuracy of {VOTERS} neighbours among the points: {neighbour_accuracy(points, labels):.4f}")
    times = {}
    for turn in range(options.rounds):
        for run in (ours, open_tsne, scikit_learn) if len(points) <= FEW else (ours, open_tsne):
            start = clocks()
            place = run(points, options)
            elapsed = clocks() - start
            times.setdefault(run.__name__, []).append(elapsed)
            print(
                f"round {turn + 1} {run.__name__:13} {elapsed[0]:7.2f} s, CPU {elapsed[1]:7.2f} s  KL {divergence(conditional, place):.4f}"
                f"  accuracy {neighbour_accuracy(place, labels):.4f}",
                flush=True,
            )
    best = {name: np.min(found, axis=0) for name, found in times.items()}
    for name, (wall, cpu) in best.items():
        ratios = best[name] / best["ours"]
        print(f"best {name:13} {wall:7.2f} s, CPU {cpu:7.2f} s: {ratios[0]:.1f} and {ratios[1]:.1f} times ours")


if __name__ == "__main__":
    main()
