"""Make weight_quality_truth.json: norms, ranks, power-law tails and random bulks of small weights.

NumPy, SciPy and the packages powerlaw and weightwatcher, in float64 from float32 weights (fixed seed). A convolution is flattened to
[out, in * kh * kw]. Eigenvalues are those of W^T W, the squared singular values of W [n, p], min(n, p) of them.

    tail       weightwatcher's fit (maximum likelihood above every eigenvalue, xmin of the smallest Kolmogorov-Smirnov distance), which must
               be that of the package powerlaw; for fewer than 20 eigenvalues, of which weightwatcher fits a corrected variant, that of powerlaw alone
    bulk       sigma^2 = median of the eigenvalues / (N times the median of the Marchenko-Pastur law of variance 1 and ratio M / N), with M and N the
               smaller and the larger side of W; edge and soft rank by weightwatcher's functions for this sigma
    spikes     eigenvalues above the edge
"""

import contextlib
import io
import warnings

import numpy as np
from fixture_json import save_fixture
from scipy.integrate import quad
from scipy.optimize import brentq

with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    import powerlaw
    from weightwatcher import RMT_Util, WW_powerlaw

SEED = 11
SMALL = 20


def weights(generator):
    """Heavy-tailed, random with three directions added, and a convolution."""
    directions = [np.outer(generator.normal(size=36), generator.normal(size=48)) for _ in range(3)]
    added = sum(size * d / np.linalg.norm(d) for size, d in zip((4.0, 3.0, 2.5), directions))
    return {
        "heavy": generator.standard_t(2.5, size=(40, 30)),
        "spiked": generator.normal(0, 0.1, size=(36, 48)) + added,
        "square": generator.standard_t(4, size=(24, 24)),
        "convolution": generator.uniform(-0.2, 0.2, size=(12, 3, 5, 5)),
    }


def median_of_law(ratio):
    """The median of the Marchenko-Pastur law of variance 1 and ratio at most 1."""
    a, b = (1 - np.sqrt(ratio)) ** 2, (1 + np.sqrt(ratio)) ** 2

    def below(x):
        # x = a + (x - a) sin^2: no singular factor at a.
        def density(t):
            y = a + (x - a) * np.sin(t) ** 2
            inner = (x - a) * np.sin(t) ** 2 * (b - y)
            return np.sqrt(inner) / (2 * np.pi * ratio * y) * (x - a) * 2 * np.sin(t) * np.cos(t)

        return quad(density, 0, np.pi / 2, epsabs=1e-14, epsrel=1e-13, limit=400)[0]

    return brentq(lambda x: below(x) - 0.5, a + 1e-9, b - 1e-9, xtol=1e-15, rtol=1e-14)


def tail(eigenvalues):
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        other = powerlaw.Fit(eigenvalues, verbose=False).power_law
        found = other if len(eigenvalues) < SMALL else WW_powerlaw.WWFit(eigenvalues)
    assert abs(found.xmin / other.xmin - 1) < 1e-12, (found.xmin, other.xmin)
    assert abs(found.alpha / other.alpha - 1) < 1e-12, (found.alpha, other.alpha)
    count = int((eigenvalues >= found.xmin).sum())
    sigma = (found.alpha - 1) / np.sqrt(count)
    assert abs(found.sigma / sigma - 1) < 1e-12
    return {"alpha": found.alpha, "error": sigma, "minimum": found.xmin, "count": count, "distance": found.D}


def bulk(eigenvalues, shape):
    smaller, larger = sorted(shape)
    ratio = smaller / larger
    scaled = eigenvalues / larger
    sigma = np.sqrt(np.median(scaled) / median_of_law(ratio))
    edge = RMT_Util.calc_lambda_plus(larger / smaller, sigma)
    return {
        "edge": larger * edge,
        "soft_rank": RMT_Util.calc_mp_soft_rank(scaled, larger / smaller, sigma),
        "spikes": int((scaled > edge).sum()),
    }


def measures(weight, initial):
    matrix, start = (array.astype(np.float64).reshape(len(array), -1) for array in (weight, initial))
    singular = np.linalg.svd(matrix, compute_uv=False)
    eigenvalues = np.sort(singular**2)
    found = tail(eigenvalues)
    return {
        "spectral_norm": np.linalg.norm(matrix, 2),
        "frobenius_norm": np.linalg.norm(matrix),
        "log_frobenius_norm": np.log10(np.linalg.norm(matrix)),
        "stable_rank": RMT_Util.stable_rank(eigenvalues),
        "weighted_alpha": found["alpha"] * np.log10(eigenvalues.max()),
        "distance": np.linalg.norm(matrix - start),
        "relative_distance": np.linalg.norm(matrix - start) / np.linalg.norm(start),
        "tail": found,
        "bulk": bulk(eigenvalues, matrix.shape),
    }


def main():
    generator = np.random.default_rng(SEED)
    layers = []
    for name, weight in weights(generator).items():
        weight = weight.astype(np.float32)
        initial = (weight + generator.normal(0, 0.05, weight.shape)).astype(np.float32)
        layers.append(
            {
                "name": name,
                "shape": list(weight.shape),
                "weight": weight.ravel(),
                "initial": initial.ravel(),
                **measures(weight, initial),
            }
        )
        print(name, {key: value for key, value in layers[-1].items() if key not in ("weight", "initial")})
    print(f"weight_quality_truth.json: {save_fixture('weight_quality_truth.json', {'layers': layers})} bytes")


if __name__ == "__main__":
    main()
