"""Make t_sne_descent_truth.json: how far openTSNE's descent by interpolation gets.

1,200 vectors of 10 components (float32, by a formula) around 6 centres; exact neighbours, perplexity 15 over 46 of them, start from
principal components; 250 steps with exaggeration 12, momentum 0.5 and rate n / 12, then 500 with momentum 0.8 and rate n, none longer
than 5. The divergence of the map is computed anew over all pairs in float64.

Needs numpy, scipy and openTSNE 1.0.
"""

import numpy as np
import openTSNE
from fixture_json import save_fixture

POINTS, WIDTH, CENTRES, PERPLEXITY, NEIGHBOURS = 1200, 10, 6, 15, 46


def vectors():
    """Value k of vector i: a fraction that the golden ratio scatters, and 0.6 more where k = i mod 6."""
    place = np.arange(POINTS * WIDTH, dtype=np.uint64).reshape(POINTS, WIDTH)
    mixed = place * np.uint64(2654435761) % np.uint64(1 << 32)
    mixed = (mixed ^ (mixed >> np.uint64(15))) * np.uint64(2246822519) % np.uint64(1 << 32)
    fractions = (mixed >> np.uint64(8)).astype(np.float64) / (1 << 24)
    own = np.arange(WIDTH)[None] == np.arange(POINTS)[:, None] % CENTRES
    return (fractions + 0.6 * own).astype(np.float32)


def divergence(p, place):
    squared = ((place[:, None] - place[None]) ** 2).sum(2)
    w = 1 / (1 + squared)
    np.fill_diagonal(w, 0)
    q = w / w.sum()
    near = p > 0
    return float((p[near] * np.log(p[near] / q[near])).sum())


def main():
    x = vectors()
    affinities = openTSNE.affinity.PerplexityBasedNN(
        x, perplexity=PERPLEXITY, k_neighbors=NEIGHBOURS, method="exact", random_state=0
    )
    p = affinities.P.toarray()
    place = openTSNE.TSNEEmbedding(
        openTSNE.initialization.pca(x, random_state=0), affinities, negative_gradient_method="fft", random_state=0
    )
    place.optimize(250, exaggeration=12, momentum=0.5, learning_rate="auto", inplace=True)
    place.optimize(500, exaggeration=1, momentum=0.8, learning_rate="auto", inplace=True)
    content = {
        "points": POINTS,
        "width": WIDTH,
        "perplexity": PERPLEXITY,
        "neighbours": NEIGHBOURS,
        "first": x[:2],
        "divergence": divergence(p, np.asarray(place)),
    }
    print(f"t_sne_descent_truth.json: {save_fixture('t_sne_descent_truth.json', content)} bytes")


if __name__ == "__main__":
    main()
