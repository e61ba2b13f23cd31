"""Make embedding_analysis_truth.json: what can be computed from embeddings, and the power law of a test loss.

60 vectors of 6 components around 4 centres (fixed seed, float32), some of them equal and many distances tied:

* nearest others of every vector, scipy.spatial.distance.cdist sorted by (distance, index); scikit-learn's brute-force
  search agrees where there are no ties
* 5-neighbour votes, sklearn.neighbors.KNeighborsClassifier, one vector left out at a time
* confusion counts, sklearn.metrics.confusion_matrix
* first two principal components, sklearn.decomposition.PCA (full SVD), signs as in the README
* t-SNE: conditional probabilities over the nearest neighbours by scipy.optimize.brentq (scikit-learn's own search,
  float32 to 1e-5 in entropy, agrees to that), joint probabilities, and the divergence and its gradient at a random map by
  scikit-learn's sklearn.manifold._t_sne._kl_divergence over all pairs
* least squares in logarithms, scipy.stats.linregress, with its 90% interval
"""

import numpy as np
from fixture_json import save_fixture
from scipy.optimize import brentq
from scipy.spatial.distance import cdist, squareform
from scipy.stats import linregress, t
from sklearn.decomposition import PCA
from sklearn.manifold import _utils
from sklearn.manifold._t_sne import _kl_divergence
from sklearn.metrics import confusion_matrix
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

POINTS, WIDTH, CLASSES, SEED = 60, 6, 4, 5
NEIGHBOURS, VOTERS, PERPLEXITY = 12, 5, 7.0


def embeddings(generator):
    """float32 [60, 6]; rows 50..59 repeat rows 0..9 with their classes, rows 40..49 lie on a grid of halves: ties."""
    labels = generator.integers(0, CLASSES, POINTS)
    centres = generator.normal(0, 2, (CLASSES, WIDTH))
    vectors = (centres[labels] + generator.normal(0, 1.5, (POINTS, WIDTH))).astype(np.float32)
    vectors[40:50] = np.round(2 * vectors[40:50]) / 2
    vectors[50:], labels[50:] = vectors[:10], labels[:10]
    return vectors, labels


def nearest(vectors, count):
    """Indices and float64 distances of the nearest others, [60, count]; equal distances in order of index."""
    distances = cdist(vectors.astype(np.float64), vectors.astype(np.float64))
    np.fill_diagonal(distances, np.inf)
    order = np.argsort(distances, axis=1, kind="stable")[:, :count]
    found = np.take_along_axis(distances, order, axis=1)
    brute = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(vectors.astype(np.float64))
    np.testing.assert_allclose(found, brute.kneighbors()[0], rtol=1e-7, atol=1e-6)
    return order, found


def vote_accuracy(vectors, labels):
    right = 0
    for point in range(POINTS):
        others = np.arange(POINTS) != point
        model = KNeighborsClassifier(VOTERS, algorithm="brute").fit(vectors[others].astype(np.float64), labels[others])
        right += int(model.predict(vectors[point : point + 1].astype(np.float64))[0] == labels[point])
    return right / POINTS


def conditional(squared):
    """p_{j|i} over the neighbours of one point, whose entropy is ln(PERPLEXITY)."""

    def weights(precision):
        p = np.exp(-precision * (squared - squared.min()))
        return p / p.sum()

    def excess(logarithm):
        p = weights(np.exp(logarithm))
        return -(p[p > 0] * np.log(p[p > 0])).sum() - np.log(PERPLEXITY)

    return weights(np.exp(brentq(excess, -30, 30, xtol=1e-15, rtol=1e-15)))


def t_sne(vectors, generator):
    count = int(3 * PERPLEXITY + 1)
    order, distances = nearest(vectors, count)
    rows = np.array([conditional(row) for row in distances**2])
    searched = _utils._binary_search_perplexity((distances**2).astype(np.float32), PERPLEXITY, 0)
    np.testing.assert_allclose(rows, searched, rtol=0, atol=2e-5)
    p = np.zeros((POINTS, POINTS))
    np.put_along_axis(p, order, rows, axis=1)
    joint = (p + p.T) / (2 * POINTS)
    place = generator.normal(0, 3, (POINTS, 2))
    divergence, gradient = _kl_divergence(place.ravel(), squareform(joint), 1, POINTS, 2)
    return {
        "perplexity": PERPLEXITY,
        "neighbours": count,
        "conditional": rows,
        "map": place,
        "divergence": float(divergence),
        "gradient": gradient.reshape(POINTS, 2),
    }


def principal_components(vectors):
    model = PCA(2, svd_solver="full").fit(vectors.astype(np.float64))
    largest = np.abs(model.components_).argmax(1)
    signs = np.sign(model.components_[np.arange(2), largest])
    return model.transform(vectors.astype(np.float64)) * signs


def power_law():
    images = np.array([3750, 7500, 15000, 30000, 60000])
    loss = np.array([0.0602, 0.0378, 0.0308, 0.0247, 0.0209])
    fit = linregress(np.log(images), np.log(loss))
    return {
        "images": images,
        "loss": loss,
        "coefficient": float(np.exp(fit.intercept)),
        "exponent": float(fit.slope),
        "half_width": float(t.ppf(0.95, len(images) - 2) * fit.stderr),
        "r_squared": float(fit.rvalue**2),
    }


def main():
    generator = np.random.default_rng(SEED)
    vectors, labels = embeddings(generator)
    predicted = np.where(generator.uniform(size=POINTS) < 0.7, labels, generator.integers(0, CLASSES, POINTS))
    order, distances = nearest(vectors, NEIGHBOURS)
    content = {
        "vectors": vectors,
        "labels": labels,
        "predicted": predicted,
        "confusion": confusion_matrix(labels, predicted, labels=range(CLASSES)),
        "nearest": order,
        "distances": distances,
        "voters": VOTERS,
        "vote_accuracy": vote_accuracy(vectors, labels),
        "principal_components": principal_components(vectors),
        "t_sne": t_sne(vectors, generator),
        "power_law": power_law(),
    }
    print(f"embedding_analysis_truth.json: {save_fixture('embedding_analysis_truth.json', content)} bytes")


if __name__ == "__main__":
    main()
