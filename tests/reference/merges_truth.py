"""Make merges_truth.json: every two of five classes merged in a small network, by NumPy.

The network is a linear layer with bias, the embedding e = W x + b, then tanh and a linear layer to the classes. Weights, inputs
and embeddings are float32, the rest is float64. No embedding is an outlier. With c the normalised mean embedding of a class,

    d = (c_1 - c_2) / |c_1 - c_2|   P = I - (1 - 1e-5) d d^T   W' = P W   b' = b

for each pair alone. The prediction is the class of largest logit; the fourth class has no images. Cosines are those of normalised
means.
"""

from itertools import combinations

import numpy as np
from fixture_json import save_fixture

CLASSES, EMPTY, IMAGES, INPUTS, WIDTH, SHRINK, SEED = 5, 3, 120, 6, 4, 1e-5, 7
MARGIN = 1e-4


def centroid(embeddings):
    mean = embeddings.mean(axis=0)
    return mean / np.linalg.norm(mean)


def correct(predicted, labels, pair):
    right, of_pair = predicted == labels, np.isin(labels, pair)
    return [int((right & of_pair).sum()), int((right & ~of_pair).sum())]


def main():
    generator = np.random.default_rng(SEED)
    labels = np.array([c for c in range(CLASSES) if c != EMPTY])[np.arange(IMAGES) % (CLASSES - 1)]
    means = generator.normal(size=(CLASSES, INPUTS))
    inputs = (means[labels] + 0.5 * generator.normal(size=(IMAGES, INPUTS))).astype(np.float32)
    weight = generator.uniform(-1, 1, (WIDTH, INPUTS)).astype(np.float32)
    bias = generator.uniform(-0.5, 0.5, WIDTH).astype(np.float32)
    # The classifier points at what the layers before make of the means.
    hidden = np.tanh(means @ weight.T.astype(np.float64) + bias)
    head = (3.0 * hidden).astype(np.float32)
    head_bias = (-1.5 * (hidden**2).sum(axis=1)).astype(np.float32)
    x, w, b, u, a = (values.astype(np.float64) for values in (inputs, weight, bias, head, head_bias))

    def predict(embeddings):
        logits = np.tanh(embeddings) @ u.T + a
        best = np.sort(logits, axis=1)
        assert (best[:, -1] - best[:, -2]).min() > MARGIN
        return logits.argmax(axis=1)

    embeddings = (x @ w.T + b).astype(np.float32).astype(np.float64)
    before = predict(embeddings)
    merges = []
    for pair in combinations([c for c in range(CLASSES) if c != EMPTY], 2):
        first, second = (centroid(embeddings[labels == c]) for c in pair)
        d = (first - second) / np.linalg.norm(first - second)
        edited = x @ (w - (1 - SHRINK) * np.outer(d, d @ w)).T + b
        first_after, second_after = (centroid(edited[labels == c]) for c in pair)
        merges.append(
            {
                "pair": list(pair),
                "cosine_before": float(first @ second),
                "cosine_after": float(first_after @ second_after),
                "correct_before": correct(before, labels, pair),
                "correct_after": correct(predict(edited), labels, pair),
            }
        )
    content = {
        "labels": labels,
        "inputs": inputs,
        "embeddings": embeddings.astype(np.float32),
        "predicted": before,
        "weight": weight,
        "bias": bias,
        "head": head,
        "head_bias": head_bias,
        "shrink": SHRINK,
        "merges": merges,
    }
    print(f"merges_truth.json: {save_fixture('merges_truth.json', content)} bytes")


if __name__ == "__main__":
    main()
