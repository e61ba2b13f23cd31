"""Make representation_truth.json: how alike representations of the same images are, by every measure.

NumPy and SciPy, float64 from float32 values (fixed seed). Columns are centred.

    cka           |Y^T X|^2 / (|X^T X| |Y^T Y|), Frobenius norms
    debiased-cka  HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)), the unbiased estimator of Song et al. (2012), equation 5
    rsa           scipy's Spearman correlation of scipy's Euclidean distances of every two rows
    procrustes, shape, cca
                  the angular distance of netrep's LinearMetric (alpha = 1, `alpha`, 0), with every representation first scaled so that the root
                  mean square of its non-zero singular values is 1, and columns of zeros added to the narrower one. netrep is on GitHub
                  only; where it can be imported, its distances must be these.
    map           classical scaling of the Procrustes distances: two coordinates, the entry of largest absolute value positive, and the share of
                  the positive eigenvalues

The representations: 7 values; 5 others; the first turned, with noise; the first again, in another scale and twice; and more values than images.
"""

import numpy as np
from fixture_json import save_fixture
from scipy.spatial.distance import pdist
from scipy.stats import ortho_group, spearmanr

try:
    from netrep.metrics import LinearMetric
except ImportError:
    LinearMetric = None

IMAGES, ALPHA, SEED = 20, 0.5, 4


def representations(generator):
    first = generator.normal(size=(IMAGES, 7)) * np.linspace(2, 0.3, 7) + 1
    turned = first @ ortho_group.rvs(7, random_state=1) + 0.3 * generator.normal(size=first.shape)
    return [
        first,
        np.maximum(generator.normal(size=(IMAGES, 5)), 0),
        turned,
        np.hstack([10 * first, 10 * first]),
        generator.normal(size=(IMAGES, 30)) + first[:, :1],
    ]


def centred(x):
    return x - x.mean(0)


def cka(x, y):
    x, y = centred(x), centred(y)
    return np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))


def hsic(x, y):
    n = len(x)
    k, l = x @ x.T, y @ y.T
    np.fill_diagonal(k, 0)
    np.fill_diagonal(l, 0)
    ones = np.ones(n)
    products = np.trace(k @ l)
    sums = (ones @ k @ ones) * (ones @ l @ ones) / ((n - 1) * (n - 2))
    return (products + sums - 2 / (n - 2) * (ones @ k @ l @ ones)) / (n * (n - 3))


def debiased_cka(x, y):
    return hsic(x, y) / np.sqrt(hsic(x, x) * hsic(y, y))


def rsa(x, y):
    return spearmanr(pdist(x), pdist(y)).statistic


def in_units(x):
    """Centred, with the root mean square 1 of the non-zero singular values."""
    x = centred(x)
    values = np.linalg.svd(x, compute_uv=False)
    kept = values[values**2 > 1e-7 * values[0] ** 2]
    return x / np.sqrt((kept**2).mean())


def whiten(x, alpha):
    """netrep's partial whitening, with null directions left at 0."""
    values, vectors = np.linalg.eigh(x.T @ x)
    kept = values > 1e-7 * values.max()
    scale = np.where(kept, alpha + (1 - alpha) / np.sqrt(np.where(kept, values, 1)), 0)
    return x @ (vectors * scale) @ vectors.T


def angle(x, y, alpha):
    width = max(x.shape[1], y.shape[1])
    x, y = (np.pad(in_units(z), ((0, 0), (0, width - z.shape[1]))) for z in (x, y))
    one, other = whiten(x, alpha), whiten(y, alpha)
    u, _, vt = np.linalg.svd(one.T @ other)
    one, other = one @ u, other @ vt.T
    cosine = (one * other).sum() / (np.linalg.norm(one) * np.linalg.norm(other))
    found = np.arccos(np.clip(cosine, -1, 1))
    if LinearMetric is not None:
        theirs = LinearMetric(alpha=alpha, center_columns=True).fit(x, y).score(x, y)
        assert abs(theirs - found) < 1e-6, (theirs, found)
    return found


def scaled(distances):
    n = len(distances)
    centring = np.eye(n) - 1 / n
    values, vectors = np.linalg.eigh(-0.5 * centring @ distances**2 @ centring)
    points = vectors[:, [-1, -2]] * np.sqrt(values[[-1, -2]])
    points *= np.sign(points[np.abs(points).argmax(0), [0, 1]])
    return {"points": points, "share": values[-2:].sum() / values[values > 0].sum()}


def main():
    made = [x.astype(np.float32).astype(np.float64) for x in representations(np.random.default_rng(SEED))]
    measures = {
        "cka": cka,
        "debiased-cka": debiased_cka,
        "rsa": rsa,
        "procrustes": lambda x, y: angle(x, y, 1),
        "shape": lambda x, y: angle(x, y, ALPHA),
        "cca": lambda x, y: angle(x, y, 0),
    }
    values = {name: np.array([[of(x, y) for y in made] for x in made]) for name, of in measures.items()}
    for name, matrix in values.items():
        print(name, matrix.round(4), sep="\n")
    distances = values["procrustes"].copy()
    np.fill_diagonal(distances, 0)
    content = {
        "images": IMAGES,
        "alpha": ALPHA,
        "representations": [x.astype(np.float32).ravel() for x in made],
        "values": values,
        "map": scaled(distances),
    }
    print(f"representation_truth.json: {save_fixture('representation_truth.json', content)} bytes")


if __name__ == "__main__":
    main()
