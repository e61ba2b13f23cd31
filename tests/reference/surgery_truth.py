"""Make surgery_truth.json: isolation forests of scikit-learn, and two mergers of classes by NumPy.

`forest`: 200 points of three values with 12 outliers. The trees of one `IsolationForest` node by node and the scores that
it gives all points, 0.5 being its border between inliers and outliers. Over many forests with other random states, mean and
standard deviation of the scores of some points and of the fraction of outliers.

`merger`: a linear layer e = W x + b (float32 weights and inputs, embeddings in float64) and two pairs of classes merged one
after the other, no embedding being an outlier. With c the normalised mean embedding of a class,

    d = (c_1 - c_2) / |c_1 - c_2|   U from [d, e_2, e_3, ...] by a QR decomposition   P = U diag(1e-5, 1, ..., 1) U^T
    W' = P W   b' = b

The embeddings after are those of a forward pass through the edited layer. Cosines are those of normalised means.
"""

import numpy as np
from fixture_json import save_fixture
from sklearn.ensemble import IsolationForest

POINTS, TREES, SAMPLES, SEED = 200, 8, 64, 40
RANDOM_TREES, RANDOM_FORESTS, WATCHED = 50, 300, 25
CLASSES, IMAGES, INPUTS, WIDTH, SHRINK = 4, 60, 6, 5, 1e-5
PAIRS = [[0, 2], [3, 2]]


def forest_points(generator):
    """float32 [POINTS, 3]: an oblong cloud, and 12 points around it."""
    cloud = generator.normal(size=(POINTS - 12, 3)) * [3.0, 1.0, 0.3] + [5.0, 0.0, -2.0]
    around = generator.uniform(-9, 9, (12, 3))
    return np.concatenate([cloud, around]).astype(np.float32)


def export(tree):
    """Every node: children (-1 for a leaf), feature and threshold of its split, points that it was grown on."""
    leaf = tree.children_left < 0
    return {
        "low": tree.children_left,
        "high": tree.children_right,
        "feature": np.where(leaf, 0, tree.feature),
        "threshold": np.where(leaf, 0.0, tree.threshold),
        "points": tree.n_node_samples,
    }


def forest_truth(generator):
    points = forest_points(generator)
    forest = IsolationForest(n_estimators=TREES, max_samples=SAMPLES, random_state=SEED).fit(points)
    assert forest.offset_ == -0.5
    random = []
    for state in range(RANDOM_FORESTS):
        other = IsolationForest(n_estimators=RANDOM_TREES, max_samples=SAMPLES, random_state=state).fit(points)
        random.append(-other.score_samples(points))
    random = np.array(random)
    watched = np.arange(0, POINTS, POINTS // WATCHED)
    outliers = (random > 0.5).mean(axis=1)
    return {
        "points": points,
        "samples": SAMPLES,
        "trees": [export(tree.tree_) for tree in forest.estimators_],
        "scores": -forest.score_samples(points),
        "random": {
            "trees": RANDOM_TREES,
            "forests": RANDOM_FORESTS,
            "watched": watched,
            "score_mean": random[:, watched].mean(axis=0),
            "score_std": random[:, watched].std(axis=0, ddof=1),
            "outlier_fraction_mean": float(outliers.mean()),
            "outlier_fraction_std": float(outliers.std(ddof=1)),
        },
    }


def projector(d):
    """P by a QR decomposition of [d, e_2, e_3, ...]; the signs of the columns of U do not matter."""
    columns = np.eye(len(d))
    columns[:, 0] = d
    u, _ = np.linalg.qr(columns)
    return u @ np.diag([SHRINK] + [1.0] * (len(d) - 1)) @ u.T


def centroid(embeddings):
    mean = embeddings.mean(axis=0)
    return mean / np.linalg.norm(mean)


def merger_truth(generator):
    labels = np.arange(IMAGES) % CLASSES
    inputs = (generator.normal(size=(IMAGES, INPUTS)) + 2.0 * np.eye(CLASSES, INPUTS)[labels]).astype(np.float32)
    weight = generator.uniform(-1, 1, (WIDTH, INPUTS)).astype(np.float32)
    bias = generator.uniform(-1, 1, WIDTH).astype(np.float32)
    w, x, b = (values.astype(np.float64) for values in (weight, inputs, bias))
    embeddings = x @ w.T + b
    content = {
        "labels": labels,
        "inputs": inputs,
        "weight": weight,
        "bias": bias,
        "embeddings": embeddings,
        "shrink": SHRINK,
        "singular_values_before": np.linalg.svd(w, compute_uv=False),
        "operations": [],
    }
    for first, second in PAIRS:
        before = [centroid(embeddings[labels == c]) for c in (first, second)]
        d = before[0] - before[1]
        p = projector(d / np.linalg.norm(d))
        w = p @ w
        embeddings = x @ w.T + b
        after = [centroid(embeddings[labels == c]) for c in (first, second)]
        content["operations"].append(
            {
                "pair": [first, second],
                "centroids": before,
                "cosine_before": float(before[0] @ before[1]),
                "cosine_after": float(after[0] @ after[1]),
                "projector": p,
                "weight": w,
                "embeddings": embeddings,
            }
        )
    content["singular_values_after"] = np.linalg.svd(w, compute_uv=False)
    return content


def main():
    generator = np.random.default_rng(SEED)
    content = {"forest": forest_truth(generator), "merger": merger_truth(generator)}
    print(f"surgery_truth.json: {save_fixture('surgery_truth.json', content)} bytes")


if __name__ == "__main__":
    main()
