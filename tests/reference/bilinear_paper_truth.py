"""Make bilinear_paper_truth.json: what the bilinear paper does with the weights of one layer, by plain NumPy in float64.

The layer is that of bilinear_truth.json with d = 12 and seed 0 (or, with biases and the residual, the same weights and given
biases). For every class Q_c = 1/2 (L^T diag(U_c) R + its transpose):

- masks: the k largest eigenvectors of every class are the rows of the decoders, the columns of their pseudo-inverse the
  encoders; both mapped to pixels by E. Sign: the product of the encoder with the sum of the first 500 test images of each other
  class is positive. Mask = encoder / standard deviation over the pixels (n - 1). Counted: correct predictions and images of
  other classes predicted to be of the mask's, by a forward pass for each mask and strength.
- hosvd: the singular value decomposition of the interaction tensor flattened to [C, d^2]; the largest entry of every left vector is
  positive; every right vector as a matrix, with its eigenvalues and its extreme eigenvectors in pixels.
- explanation: lambda (v . x)^2 of every eigenpair of the three classes of largest logit, descending, for one image.
- participation: (l1 / l2)^2 of the eigenvalues, and of the five largest eigenvectors in pixels.
- completeness: |P_b Q_a P_b| / |Q_a| (Frobenius), P_b the projector on the k eigenvectors of largest |lambda| of class b.
- shared_basis: the k leading eigenvectors B of sum_c Q_c^2 (Tucker-2 by HOSVD), improved by B <- leading eigenvectors of
  sum_c Q_c B B^T Q_c while the share kept, sqrt(sum |B^T Q_c B|^2 / sum |Q_c|^2), grows; accuracy with B^T Q_c B in place of Q_c.

`uncertain` of a mask: images whose best two logits differ by less than 1e-5 of the largest, at each strength; a count in single
precision may differ by so many. Everywhere else it is checked that there is no such image.
"""

import numpy as np
from digits_rows import TRAIN_ROWS, load_rows
from fixture_json import load_fixture, round_significant, save_fixture

PIXELS, LABELS = load_rows()
X, Y = PIXELS[TRAIN_ROWS:].astype(np.float64), LABELS[TRAIN_ROWS:]
STRENGTHS = [0.05, 0.2, 0.5]
CLASSES, IMAGE, ITERATIONS = 10, 5, 5
SMALLEST_MARGIN = 1e-5


def layer(bias, residual):
    """E, L, R, U, b_l, b_r in float64 and whether it is residual."""
    record = next(m for m in load_fixture("bilinear_truth.json")["models"] if m["hidden"] == 12 and m["seed"] == 0)
    e, w, u = (np.array(record[name], np.float32).astype(np.float64) for name in "EWU")
    left, right = np.split(w, 2)
    biases = np.random.default_rng(5).uniform(-0.5, 0.5, (2, 12)).astype(np.float32)
    if not bias:
        biases = np.zeros_like(biases)
    return {"E": e, "L": left, "R": right, "U": u, "b": biases.astype(np.float64), "stored_b": biases, "residual": residual}


def forward(w, x):
    h = x @ w["E"].T
    hidden = (h @ w["L"].T + w["b"][0]) * (h @ w["R"].T + w["b"][1])
    return (hidden + (h if w["residual"] else 0)) @ w["U"].T


def interactions(w):
    half = np.einsum("co,oi,oj->cij", w["U"], w["L"], w["R"])
    return 0.5 * (half + half.transpose(0, 2, 1))


def uncertain(logits):
    best = np.sort(logits, axis=1)
    return int(((best[:, -1] - best[:, -2]) / np.abs(logits).max(axis=1) < SMALLEST_MARGIN).sum())


def predictions(logits):
    assert uncertain(logits) == 0, "a prediction hangs on rounding"
    return logits.argmax(axis=1)


def masks(bias, residual, count, kept):
    w = layer(bias, residual)
    values, vectors = np.linalg.eigh(interactions(w))
    decoders = vectors[:, :, ::-1][:, :, :count].transpose(0, 2, 1)
    encoders = np.linalg.pinv(decoders.reshape(CLASSES * count, -1)).T.reshape(decoders.shape)
    decoders, encoders = decoders @ w["E"], encoders @ w["E"]
    sums = np.stack([X[Y == c][:500].sum(axis=0) for c in range(CLASSES)])
    rows = []
    for c in range(CLASSES):
        others = sums.sum(axis=0) - sums[c]
        for k in range(kept):
            sign = np.sign(encoders[c, k] @ others)
            deviation = encoders[c, k].std(ddof=1)
            mask = sign * encoders[c, k] / deviation
            logits = [forward(w, X + s * mask) for s in STRENGTHS]
            predicted = [found.argmax(axis=1) for found in logits]
            rows.append(
                {
                    "class": c,
                    "rank": k + 1,
                    "eigenvalue": float(values[c, -1 - k]),
                    "encoder_std": float(deviation),
                    "eigenvector": round_significant(sign * decoders[c, k], 9),
                    "mask": round_significant(mask, 9),
                    "correct": [int((p == Y).sum()) for p in predicted],
                    "misclassified": [int(((p == c) & (Y != c)).sum()) for p in predicted],
                    "uncertain": [uncertain(found) for found in logits],
                }
            )
    return {
        "biases": w["stored_b"],
        "bias": bias,
        "residual": residual,
        "count": count,
        "kept": kept,
        "correct": int((predictions(forward(w, X)) == Y).sum()),
        "masks": rows,
    }


def hosvd(w, q):
    left, singular, right = np.linalg.svd(q.reshape(CLASSES, -1), full_matrices=False)
    signs = np.sign(left[np.abs(left).argmax(axis=0), np.arange(CLASSES)])
    left, right = left * signs, right * signs[:, None]
    values, vectors = np.linalg.eigh(right.reshape(q.shape))
    extremes = []
    for k in range(CLASSES):
        images = vectors[k][:, [0, -1]].T @ w["E"]
        largest = images[np.arange(2), np.abs(images).argmax(axis=1)]
        extremes.append(round_significant(images * np.sign(largest)[:, None], 9))
    return {"singular": singular, "contributions": left.T, "eigenvalues": values, "extremes": np.array(extremes)}


def explanation(w, q):
    x = X[IMAGE]
    logits = forward(w, x[None])[0]
    values, vectors = np.linalg.eigh(q)
    shown = np.argsort(-logits)[:3]
    terms = [np.sort(values[c] * (x @ w["E"].T @ vectors[c]) ** 2)[::-1] for c in shown]
    return {"image": TRAIN_ROWS + IMAGE, "logits": logits, "classes": shown, "contributions": np.array(terms)}


def participation(w, q):
    values, vectors = np.linalg.eigh(q)
    images = vectors.transpose(0, 2, 1)[:, -5:] @ w["E"]

    def ratio(x):
        return (np.abs(x).sum(-1) / np.sqrt((x**2).sum(-1))) ** 2

    return {"eigenvalues": ratio(values), "eigenvectors": ratio(images)[:, ::-1]}


def completeness(q, kept):
    values, vectors = np.linalg.eigh(q)
    shares = np.zeros((CLASSES, CLASSES))
    for b in range(CLASSES):
        leading = vectors[b][:, np.argsort(-np.abs(values[b]))[:kept]]
        projector = leading @ leading.T
        for a in range(CLASSES):
            shares[a, b] = np.linalg.norm(projector @ q[a] @ projector) / np.linalg.norm(q[a])
    return {"kept": kept, "shares": shares}


def leading(matrix, rank):
    return np.linalg.eigh(matrix)[1][:, ::-1][:, :rank]


def shared_basis(w, q):
    h, total = X @ w["E"].T, (q**2).sum()

    def share(basis):
        return np.sqrt((np.einsum("ik,cij,jl->ckl", basis, q, basis) ** 2).sum() / total)

    rows = []
    for rank in range(1, q.shape[1] + 1):
        basis = leading(np.einsum("cij,cjk->ik", q, q), rank)
        for _ in range(ITERATIONS):
            inner = np.einsum("cij,jk->cik", q, basis)
            better = leading(np.einsum("cik,cjk->ij", inner, inner), rank)
            if share(better) <= share(basis):
                break
            basis = better
        cores = np.einsum("ik,cij,jl->ckl", basis, q, basis)
        z = h @ basis
        predicted = predictions(np.einsum("nk,ckl,nl->nc", z, cores, z))
        rows.append({"rank": rank, "share": float(share(basis)), "correct": int((predicted == Y).sum())})
    return rows


def main():
    w = layer(False, False)
    q = interactions(w)
    content = {
        "strengths": STRENGTHS,
        "masks": [masks(False, False, 1, 1), masks(False, True, 3, 2), masks(True, True, 2, 1)],
        "hosvd": hosvd(w, q),
        "explanation": explanation(w, q),
        "participation": participation(w, q),
        "completeness": [completeness(q, kept) for kept in (1, 3, 12)],
        "shared_basis": shared_basis(w, q),
    }
    size = save_fixture("bilinear_paper_truth.json", content)
    print(f"bilinear_paper_truth.json: {size} bytes")


if __name__ == "__main__":
    main()
