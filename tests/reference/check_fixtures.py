"""Check the committed fixtures without PyTorch: recompute them from their own weights by plain, separate formulas.

Reads the JSON as a test would, and shares only the digits loader with the scripts that made it. Prints one line per
check with the largest relative difference found; exits non-zero if one is above its limit.
"""

import itertools
import sys

import numpy as np
from digits_rows import TRAIN_ROWS, load_rows
from fixture_json import load_fixture
from scipy.special import betainc, betaincinv

PIXELS, LABELS = load_rows()
TEST_X, TEST_Y = PIXELS[TRAIN_ROWS:].astype(np.float64), LABELS[TRAIN_ROWS:]
FAILURES = []


def report(what, difference, limit):
    verdict = "ok" if difference <= limit else "FAILED"
    print(f"{verdict:6} {what}: {difference:.1e} (limit {limit:.0e})")
    if difference > limit:
        FAILURES.append(what)


def relative(found, expected):
    """max |found - expected| / max |expected|."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    return np.abs(found - expected).max() / np.abs(expected).max()


def arrays(model):
    return {name: np.array(model[name], np.float32).astype(np.float64) for name in "EWU"}


def check_model(model, kept, eigenvectors):
    name = f"d={model['hidden']} seed {model['seed']}"
    d, w = model["hidden"], arrays(model)
    left, right = w["W"][:d], w["W"][d:]
    q = np.zeros((10, d, d))
    for c, o in itertools.product(range(10), range(d)):
        q[c] += 0.5 * w["U"][c, o] * (np.outer(left[o], right[o]) + np.outer(right[o], left[o]))
    stored_q, values = np.array(model["Q"]), np.array(model["eigenvalues"])
    report(f"{name} Q", relative(stored_q, q), 1e-13)
    report(f"{name} trace = sum of eigenvalues", relative(values.sum(1), np.einsum("cii->c", q)), 1e-12)
    report(f"{name} ascending order", float((np.diff(values, axis=1) <= 0).sum()), 0)

    hidden = TEST_X @ w["E"].T
    logits = ((hidden @ left.T) * (hidden @ right.T)) @ w["U"].T
    from_q = np.stack([((hidden @ q_c) * hidden).sum(1) for q_c in stored_q], axis=1)
    rows = np.array(model["logit_rows"]) - TRAIN_ROWS
    report(f"{name} logits from Q", relative(from_q, logits), 1e-12)
    report(f"{name} stored logits", relative(model["logits"], logits[rows]), 1e-13)
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    loss = -np.log(probabilities[np.arange(len(TEST_Y)), TEST_Y]).mean()
    report(f"{name} loss", relative(model["test_loss"], loss), 1e-12)

    # The stored image z = E^T v gives v back through the pseudo-inverse; then Q v = lambda v and |v| = 1.
    v = np.array(eigenvectors) @ np.linalg.pinv(w["E"])
    residual = np.einsum("cij,ckj->cki", q, v) - values[:, kept, None] * v
    report(f"{name} eigenpair residual", np.abs(residual).max() / np.abs(values).max(), 1e-8)
    report(f"{name} unit norm", np.abs(np.linalg.norm(v, axis=2) - 1).max(), 1e-8)
    images = np.array(eigenvectors).reshape(-1, 64)
    largest = images[np.arange(len(images)), np.abs(images).argmax(1)]
    report(f"{name} negative signs", float((largest <= 0).sum()), 0)

    # Truncation by a rank-k matrix per class, eigenpairs taken afresh from the stored Q.
    counts = []
    for k in range(d + 1):
        scores = np.zeros_like(logits)
        for c in range(10):
            lam, vec = np.linalg.eigh(stored_q[c])
            top = np.argsort(-np.abs(lam))[:k]
            low_rank = (vec[:, top] * lam[top]) @ vec[:, top].T
            scores[:, c] = ((hidden @ low_rank) * hidden).sum(1)
        counts.append(int((scores.argmax(1) == TEST_Y).sum()))
    report(f"{name} truncated counts", float(np.abs(np.subtract(counts, model["truncation"]["correct"])).max()), 0)
    report(f"{name} full count", abs(counts[-1] - model["test_correct"]), 0)


def ranked(model, variant):
    """Input-space eigenvectors [C][rank] from the stored Q and E, ordered for the variant."""
    out = []
    for q_c in np.array(model["Q"]):
        lam, vec = np.linalg.eigh(q_c)
        order = np.argsort(lam) if variant == "published" else np.argsort(-np.abs(lam))
        out.append((vec[:, order].T @ arrays(model)["E"])[:5])
    return np.array(out)


def observations(models, variant, row, column, rank):
    """The |cosines| of one cell, with the pairs written out for seeds 0 and 1."""
    if variant == "published":
        pairs = [(0, 0), (0, 1), (1, 1)]
    else:
        pairs = [(0, 1)] if row == column else [(0, 0), (0, 1), (1, 0), (1, 1)]
    found = []
    for (i, j), c in itertools.product(pairs, range(10)):
        a, b = ranked(models[row, i], variant)[c, rank], ranked(models[column, j], variant)[c, rank]
        found.append(abs(a @ b) / np.sqrt((a @ a) * (b @ b)))
    return np.array(found)


def quantile_95(df):
    """t_{0.95, df} through the inverse incomplete beta function: I(df / (df + q^2), df/2, 1/2) = 0.1."""
    return np.sqrt(df * (1 / betaincinv(df / 2, 0.5, 0.1) - 1))


def check_similarity(truth):
    models = {(m["hidden"], m["seed"]): m for m in truth["models"]}
    worst = 0.0
    for row in truth["similarity"]:
        x = observations(models, row["variant"], 12, row["hidden"], row["rank"])
        n, mean = len(x), x.sum() / len(x)
        deviation = np.sqrt(((x - mean) ** 2).sum() / (n - 1))
        expected = [n, mean, deviation, quantile_95(n - 1) * deviation / np.sqrt(n)]
        found = [row[key] for key in ("n", "mean", "standard_deviation", "half_width")]
        worst = max(worst, np.abs(np.divide(found, expected) - 1).max())
    report("similarity table", worst, 1e-12)
    for variant, table in truth["size_map"].items():
        expected = [[observations(models, variant, r, c, 0).mean() for c in truth["sizes"]] for r in truth["sizes"]]
        report(f"size map {variant}", relative(table, expected), 1e-10)


def check_truncation_summary(truth):
    worst = 0.0
    for summary in truth["truncation_summary"]:
        pair = [m for m in truth["models"] if m["hidden"] == summary["hidden"]]
        error = [1 - np.array(m["truncation"]["correct"]) / 360 for m in pair]
        drop = [e - (1 - m["test_correct"] / 360) for e, m in zip(error, pair, strict=True)]
        for key, (a, b) in (("error", error), ("drop", drop)):
            half = quantile_95(1) * np.abs(a - b) / 2  # n = 2: s / sqrt(2) = |a - b| / 2
            worst = max(worst, np.abs(np.array(summary[key + "_mean"]) - (a + b) / 2).max())
            worst = max(worst, np.abs(np.array(summary[key + "_half_width"]) - half).max())
    report("truncation summary (absolute)", worst, 1e-12)


def check_training(truth):
    """AdamW and the gradients by hand, float64."""
    recipe = truth["recipe"]
    for case in truth["cases"]:
        p = {k: np.array(v, np.float32).astype(np.float64) for k, v in case["initial"].items()}
        first = {k: np.zeros_like(v) for k, v in p.items()}
        second = {k: np.zeros_like(v) for k, v in p.items()}
        losses = []
        for step, rows in enumerate(case["batches"]):
            epoch = step // recipe["batches_per_epoch"]
            rate = recipe["learning_rate"] * (1 + np.cos(np.pi * epoch / recipe["cosine_epochs"])) / 2
            loss, gradient = loss_and_gradient(p, PIXELS[rows].astype(np.float64), LABELS[rows])
            losses.append(loss)
            if step == 0:
                difference = max(relative(case["first_gradient_float64"][k], g) for k, g in gradient.items())
                report(f"training bias={case['bias']} first gradient", difference, 1e-12)
            for k, g in gradient.items():
                first[k] = recipe["beta1"] * first[k] + (1 - recipe["beta1"]) * g
                second[k] = recipe["beta2"] * second[k] + (1 - recipe["beta2"]) * g * g
                m_hat = first[k] / (1 - recipe["beta1"] ** (step + 1))
                v_hat = second[k] / (1 - recipe["beta2"] ** (step + 1))
                p[k] = p[k] * (1 - rate * recipe["weight_decay"]) - rate * m_hat / (np.sqrt(v_hat) + recipe["epsilon"])
        report(f"training bias={case['bias']} losses float64", relative(case["loss_float64"], losses), 1e-12)
        report(f"training bias={case['bias']} losses float32", relative(case["loss_float32"], losses), 1e-6)
        for kind, limit in (("float64", 1e-10), ("float32", 2e-6)):
            difference = max(relative(case[f"final_{kind}"][k], p[k]) for k in p)
            report(f"training bias={case['bias']} final weights {kind}", difference, limit)


def loss_and_gradient(p, x, y):
    n, d = len(x), p["U"].shape[1]
    hidden = x @ p["E"].T
    sides = hidden @ p["W"].T + p.get("b", 0.0)
    left, right = sides[:, :d], sides[:, d:]
    logits = (left * right) @ p["U"].T
    softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    loss = -np.log(softmax[np.arange(n), y]).mean()
    d_logits = softmax.copy()
    d_logits[np.arange(n), y] -= 1
    d_logits /= n
    d_product = d_logits @ p["U"]
    d_sides = np.concatenate([d_product * right, d_product * left], axis=1)
    gradient = {
        "E": (d_sides @ p["W"]).T @ x,
        "W": d_sides.T @ hidden,
        "U": d_logits.T @ (left * right),
    }
    if "b" in p:
        gradient["b"] = d_sides.sum(0)
    return loss, gradient


def check_quantiles(table):
    """The t distribution through the incomplete beta function: P(T <= q) = 1 - I(df / (df + q^2), df/2, 1/2) / 2."""
    worst = 0.0
    for df, row in zip(table["df"], table["quantile"], strict=True):
        for p, q in zip(table["p"], row, strict=True):
            worst = max(worst, abs(1 - betainc(df / 2, 0.5, df / (df + q * q)) / 2 - p))
    report("t quantiles (absolute, in probability)", worst, 1e-12)


def check_ground_truth(truth):
    """The folded matrix as the second derivative of the logits, taken by exact differences of the quadratic."""
    w = {name: np.array(truth[name], np.float32).astype(np.float64) for name in "EWbU"}
    d, x = truth["hidden"], np.array(truth["inputs"], np.float32).astype(np.float64)

    def logits(h):
        sides = w["W"] @ h + w["b"]
        return w["U"] @ (sides[:d] * sides[d:])

    unit, zero = np.eye(d), np.zeros(d)
    report("ground truth logits", relative(truth["logits"], [logits(w["E"] @ row) for row in x]), 1e-13)
    for (variant, constant), c in itertools.product((("corrected", 0), ("published", 1)), range(2)):
        stored, name = truth[variant][c], f"ground truth {variant} class {c}"
        q = np.zeros((d + 1, d + 1))
        for i in range(d):
            q[i, d] = q[d, i] = (logits(unit[i])[c] - logits(-unit[i])[c]) / 4
            for j in range(d):
                both = logits(unit[i] + unit[j])[c] - logits(unit[i])[c] - logits(unit[j])[c] + logits(zero)[c]
                q[i, j] = both / 2
        q[d, d] = logits(zero)[c] + constant
        report(f"{name} Q", relative(stored["Q"], q), 1e-13)
        report(f"{name} linear bias", relative(stored["linear_bias"], 2 * q[d, :d] @ w["E"]), 1e-13)
        v = np.append(np.array(stored["top_eigenvector"]) @ np.linalg.pinv(w["E"]), stored["bias_component"])
        report(f"{name} unit norm", abs(np.linalg.norm(v) - 1), 1e-12)
        report(f"{name} top eigenvalue", abs(v @ q @ v / stored["eigenvalues"][-1] - 1), 1e-12)
        report(f"{name} trace", abs(np.trace(q) / sum(stored["eigenvalues"]) - 1), 1e-12)


def divergence(joint, place):
    """KL(P || Q) over all pairs, in loops."""
    n = len(place)
    weight = np.array([[1 / (1 + ((a - b) ** 2).sum()) for b in place] for a in place])
    q = weight / (weight.sum() - n)
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j and joint[i, j] > 0]
    return sum(joint[i, j] * np.log(joint[i, j] / q[i, j]) for i, j in pairs)


def check_t_sne(truth, squared):
    """The perplexity of every row, and the gradient as a difference quotient of the divergence."""
    n, rows = len(squared), np.array(truth["conditional"])
    entropy = -(rows * np.log(rows)).sum(1)
    report("t-SNE row sums", np.abs(rows.sum(1) - 1).max(), 1e-12)
    report("t-SNE perplexity", np.abs(np.exp(entropy) / truth["perplexity"] - 1).max(), 1e-10)
    p = np.zeros((n, n))
    for i, row in enumerate(rows):
        p[i, sorted(range(n), key=lambda j: (squared[i, j], j))[: truth["neighbours"]]] = row
    # ln p is linear in the squared distance, with one slope a row.
    worst = 0.0
    for i in range(n):
        x, y = squared[i, p[i] > 0], np.log(p[i, p[i] > 0])
        worst = max(worst, np.abs(np.polyval(np.polyfit(x, y, 1), x) - y).max())
    report("t-SNE Gaussian rows", worst, 1e-9)
    joint, place = (p + p.T) / (2 * n), np.array(truth["map"])
    report("t-SNE divergence", abs(divergence(joint, place) / truth["divergence"] - 1), 1e-12)
    gradient, step = np.zeros((3, 2)), 1e-5
    for i, axis in itertools.product(range(3), range(2)):
        around = [place.copy(), place.copy()]
        around[0][i, axis] += step
        around[1][i, axis] -= step
        gradient[i, axis] = (divergence(joint, around[0]) - divergence(joint, around[1])) / (2 * step)
    report("t-SNE gradient", relative(truth["gradient"][:3], gradient), 1e-6)


def check_embedding_analysis(truth):
    x = np.array(truth["vectors"], np.float32).astype(np.float64)
    n, labels, predicted = len(x), truth["labels"], truth["predicted"]
    squared = np.array([[((a - b) ** 2).sum() for b in x] for a in x])
    np.fill_diagonal(squared, np.inf)
    order = [sorted(range(n), key=lambda j: (squared[i, j], j)) for i in range(n)]
    count = len(truth["nearest"][0])
    report("nearest others", float(sum(order[i][:count] != truth["nearest"][i] for i in range(n))), 0)
    expected = [[np.sqrt(squared[i, j]) for j in order[i][:count]] for i in range(n)]
    report("distances", np.abs(np.subtract(truth["distances"], expected)).max(), 1e-12)
    right = 0
    for i in range(n):
        votes = np.bincount([labels[j] for j in order[i][: truth["voters"]]])
        right += int(votes.argmax() == labels[i])
    report("vote accuracy", abs(truth["vote_accuracy"] - right / n), 1e-15)
    counts = np.zeros((4, 4), int)
    np.add.at(counts, (labels, predicted), 1)
    report("confusion counts", float(np.abs(counts - truth["confusion"]).max()), 0)
    centred = x - x.mean(0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, [-1, -2]]
    axes *= np.sign(axes[np.abs(axes).argmax(0), [0, 1]])
    report("principal components", relative(truth["principal_components"], centred @ axes), 1e-12)
    check_t_sne(truth["t_sne"], squared)


def check_power_law(law):
    """Normal equations and the interval by hand."""
    x, y = np.log(law["images"]), np.log(law["loss"])
    n = len(x)
    design = np.stack([np.ones(n), x], axis=1)
    inverse = np.linalg.inv(design.T @ design)
    intercept, slope = inverse @ design.T @ y
    residual = ((y - intercept - slope * x) ** 2).sum()
    half = quantile_95(n - 2) * np.sqrt(residual / (n - 2) * inverse[1, 1])
    found = [law[key] for key in ("coefficient", "exponent", "half_width", "r_squared")]
    expected = [np.exp(intercept), slope, half, 1 - residual / ((y - y.mean()) ** 2).sum()]
    report("power law", np.abs(np.divide(found, expected) - 1).max(), 1e-9)


def main():
    truth = load_fixture("bilinear_truth.json")
    for size in truth["sizes"]:
        stored = load_fixture(f"bilinear_eigenvectors_{size}.json")
        by_seed = {m["seed"]: m["eigenvectors"] for m in stored["models"]}
        for model in truth["models"]:
            if model["hidden"] == size:
                check_model(model, stored["eigenvalue_indices"], by_seed[model["seed"]])
    check_similarity(truth)
    check_truncation_summary(truth)
    check_training(load_fixture("training_truth.json"))
    check_ground_truth(load_fixture("ground_truth.json"))
    analysis = load_fixture("embedding_analysis_truth.json")
    check_embedding_analysis(analysis)
    check_power_law(analysis["power_law"])
    check_quantiles(load_fixture("t_quantile.json"))
    sys.exit(1 if FAILURES else 0)


if __name__ == "__main__":
    main()
