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


def samples_of(image, kernel, stride):
    """Every window of an image [channels, height, width], flattened channel by channel, by plain slicing."""
    starts = [range(0, side - kernel + 1, stride) for side in image.shape[1:]]
    return [image[:, y : y + kernel, x : x + kernel].ravel() for y, x in itertools.product(*starts)]


def check_layer(name, layer, samples):
    """The covariance sample by sample; eigenvalues through traces of powers, eigenvectors through C v = lambda v."""
    weight, stored = np.array(layer["weight"], np.float32).astype(np.float64), layer["activations"]
    covariance = sum(np.outer(phi, phi) for phi in samples) / len(samples)
    report(f"{name} samples", abs(stored["samples"] - len(samples)), 0)
    report(f"{name} diagonal", relative(stored["diagonal"], np.diag(covariance)), 1e-12)
    report(f"{name} row sums", relative(stored["row_sums"], covariance @ np.ones(len(covariance))), 1e-12)
    for of, matrix in (("activations", covariance), ("weights", weight.T @ weight / len(weight))):
        values, vectors = np.array(layer[of]["eigenvalues"]), np.array(layer[of]["eigenvectors"])
        report(f"{name} {of} ranks", abs(len(values) - (len(matrix) if of == "activations" else min(weight.shape))), 0)
        report(f"{name} {of} ascending", float((np.diff(values) > 0).sum()), 0)
        powers = [np.trace(matrix), np.trace(matrix @ matrix), np.trace(matrix @ matrix @ matrix)]
        report(f"{name} {of} traces", max(relative((values**k).sum(), powers[k - 1]) for k in (1, 2, 3)), 1e-12)
        residual = vectors @ matrix - values[: len(vectors), None] * vectors
        report(f"{name} {of} eigenvectors", np.abs(residual).max() / values[0], 1e-13)
        report(f"{name} {of} unit norm", np.abs(np.linalg.norm(vectors, axis=1) - 1).max(), 1e-13)
        report(f"{name} {of} negative signs", float((vectors.max(1) < -vectors.min(1)).sum()), 0)
    return weight


def check_law(law):
    """The antiderivative of sqrt((b - x)(x - a)) / x in closed form."""
    ratio, variance = law["ratio"], law["variance"]
    a, b = variance * (1 - np.sqrt(ratio)) ** 2, variance * (1 + np.sqrt(ratio)) ** 2

    def integral(x):
        inside = np.sqrt((b - x) * (x - a)) + (a + b) / 2 * np.arcsin((2 * x - a - b) / (b - a))
        return inside - np.sqrt(a * b) * np.arcsin(((a + b) * x - 2 * a * b) / (x * (b - a)))

    end = np.pi / 4 * (np.sqrt(b) - np.sqrt(a)) ** 2
    scale = 1 / (2 * np.pi * variance * ratio)
    points, name = np.array(law["points"]), f"Marchenko-Pastur {ratio}"
    report(f"{name} cumulative", relative(law["cumulative"], 1 - scale * (end - integral(points))), 1e-12)
    above = scale * max(ratio, 1) * (end - integral(np.array(law["quantiles"])))
    report(f"{name} quantiles (absolute, in probability)", np.abs(above - law["above"]).max(), 1e-11)
    slope = (integral(points * (1 + 1e-5)) - integral(points * (1 - 1e-5))) / (2e-5 * points)
    report(f"{name} density", relative(law["density"], scale * slope), 1e-8)


def check_spectra(truth):
    """Networks by window slicing and sums, the law by its antiderivative."""
    images = np.array(truth["images"]) / 16.0
    for model in truth["models"]:
        shape = model["input"]
        side = truth["enlarged"] if model["network"] == "cnn" else 1
        batch = [np.kron(image.reshape(8, 8), np.ones((side, side))).reshape(shape) for image in images]
        for layer in model["layers"]:
            windows = [samples_of(x, 5, 2) if layer["name"].startswith("conv") else [x.ravel()] for x in batch]
            weight = check_layer(f"{model['network']} {layer['name']}", layer, list(itertools.chain(*windows)))
            batch = [np.maximum(weight @ np.array(window).T, 0) for window in windows]
            places = round(batch[0].shape[1] ** 0.5)
            batch = [x.reshape(len(weight), places, places) for x in batch]
    for law in truth["laws"]:
        check_law(law)
def forward_by_windows(network, images):
    """What every layer reads, without convolutions: float64 [images, channels, height, width] by layer name."""
    read, values = {}, images
    for layer, flat in network.items():
        read[layer] = values = np.maximum(values, 0) if read else values
        weight = np.array(flat, np.float32).astype(np.float64)
        if layer.startswith("conv"):
            windows = np.lib.stride_tricks.sliding_window_view(values, (5, 5), axis=(2, 3))[:, :, ::2, ::2]
            weight = weight.reshape(-1, values.shape[1], 5, 5)
            values = np.einsum("nchwij,ocij->nohw", windows, weight)
        else:
            flattened = values.reshape(len(values), -1)
            values = (flattened @ weight.reshape(-1, flattened.shape[1]).T)[:, :, None, None]
    return read


def resized(images, side):
    """Bilinear interpolation with half-pixel centres, as one matrix along each axis."""
    centres = np.clip((np.arange(side) + 0.5) * images.shape[-1] / side - 0.5, 0, images.shape[-1] - 1)
    axis = np.maximum(1 - np.abs(centres[:, None] - np.arange(images.shape[-1])), 0)
    return np.einsum("ai,ncij,bj->ncab", axis, images, axis)


def moved_columns(weight, a):
    """W (A kron I): the channels of every column position mapped by A."""
    split = weight.reshape(len(weight), len(a), -1)
    return np.einsum("rcp,cd->rdp", split, a).reshape(len(weight), -1)


def polar_factor(matrix):
    """U V^T of the thin singular value decomposition, as (M M^T)^-1/2 M, of a matrix with no more rows than columns."""
    values, vectors = np.linalg.eigh(matrix @ matrix.T)
    return (vectors / np.sqrt(values)) @ vectors.T @ matrix


def check_layer_alignment(name, stored, phi, psi):
    """C12, A and r^2 of the samples of a layer; returns A."""
    count = stored["samples"][0]
    cross = sum(np.outer(a, b) for a, b in zip(phi[:count], psi[:count], strict=True)) / count
    report(f"{name} C12", relative(stored["cross"], cross), 1e-13)
    traces = [np.linalg.norm(x[:count]) ** 2 / count for x in (phi, psi)]
    report(f"{name} traces", relative(stored["traces"], traces), 1e-13)
    wide = cross.shape[0] <= cross.shape[1]
    a = polar_factor(cross) if wide else polar_factor(cross.T).T
    report(f"{name} A", relative(stored["alignment"], a), 1e-9)
    splits = (phi[:count], psi[:count]), (phi[count:], psi[count:])
    r2 = [(x * (y @ a.T)).sum() / np.linalg.norm(x) / np.linalg.norm(y) for x, y in splits]
    report(f"{name} r^2", relative(stored["r_squared"], r2), 1e-9)
    return a


def check_drawn(name, stored, weight):
    """The drawn weight: noise times a root of the covariance, with orthogonal rows and the signs agreed on."""
    root = np.linalg.solve(np.array(stored["noise"]), np.array(stored["drawn"]))
    report(f"{name} covariance", relative(root.T @ root, weight.T @ weight / len(weight)), 1e-11)
    products = root @ root.T
    report(f"{name} orthogonal rows", relative(np.diag(np.diag(products)), products), 1e-11)
    largest = root[np.arange(len(root)), np.abs(root).argmax(1)]
    report(f"{name} negative signs", float((largest <= 0).sum()), 0)


def check_aligned_columns(name, stored, weight, a):
    """Overlaps of the bases, and the weight for the activations of the other network."""
    first, second = (np.array(basis, np.float32).astype(np.float64) for basis in stored["bases"])
    overlap = np.abs(moved_columns(first, a) @ second.T)
    report(f"{name} overlap (absolute)", np.abs(stored["overlap"] - overlap).max(), 1e-9)
    report(f"{name} realigned", relative(stored["realigned"], moved_columns(weight, a)), 1e-9)


def check_alignment(truth):
    """A as a polar factor through an eigendecomposition, and the drawn weight through its covariance."""
    pixels = np.array(truth["pixels"], np.float64).reshape(-1, 1, 8, 8) / 16
    for case in truth["cases"]:
        images = resized(pixels, case["side"])
        networks = [
            {name.removesuffix(".weight"): weight for name, weight in network["weights"].items()}
            for network in case["networks"]
        ]
        read = [forward_by_windows(network, images) for network in networks]
        for stored in case["layers"]:
            layer, name = stored["layer"], f"{case['network']} {stored['layer']} by {stored['linear_samples']}"
            if stored["linear_samples"] == "places":
                phi, psi = (r[layer].transpose(0, 2, 3, 1).reshape(-1, r[layer].shape[1]) for r in read)
            else:
                phi, psi = (r[layer].reshape(len(images), -1) for r in read)
            a = check_layer_alignment(name, stored, phi, psi)
            columns = len(stored["bases"][0][0])
            weight = np.array(networks[0][layer], np.float32).astype(np.float64).reshape(-1, columns)
            if "drawn" in stored:
                check_drawn(name, stored, weight)
                weight = np.array(stored["drawn"])
            check_aligned_columns(name, stored, weight, a)
def float32(values):
    return np.array(values, np.float32).astype(np.float64)


def check_forest(truth):
    """Every point sent down the stored trees by itself."""

    def c(n):
        return max(n - 1, 0.0) if n <= 2 else 2 * (np.log(n - 1) + np.euler_gamma - (n - 1) / n)

    def length(tree, point, node=0):
        if tree["low"][node] < 0:
            return c(tree["points"][node])
        side = "low" if point[tree["feature"][node]] <= tree["threshold"][node] else "high"
        return 1 + length(tree, point, tree[side][node])

    points, trees = float32(truth["points"]), truth["trees"]
    mean = np.array([np.mean([length(tree, point) for tree in trees]) for point in points])
    report("isolation forest scores", relative(truth["scores"], 2 ** (-mean / c(truth["samples"]))), 1e-12)
    lost = [tree["points"][0] - truth["samples"] for tree in trees]
    for tree in trees:
        nodes = zip(tree["points"], tree["low"], tree["high"], strict=True)
        lost += [n - tree["points"][low] - tree["points"][high] for n, low, high in nodes if low >= 0]
    report("isolation tree counts", float(np.abs(lost).max()), 0)


def check_merger(truth):
    """Both mergers by I - (1 - shrink) d d^T, embeddings by P (e - b) + b, singular values as roots of eigenvalues."""
    labels, b, w = np.array(truth["labels"]), float32(truth["bias"]), float32(truth["weight"])
    e = float32(truth["inputs"]) @ w.T + b
    report("merger embeddings", relative(truth["embeddings"], e), 1e-13)
    report("merger singular values before", roots(truth["singular_values_before"], w), 1e-13)

    def unit(vector):
        return vector / np.sqrt((vector**2).sum())

    for number, operation in enumerate(truth["operations"], 1):
        name = f"merger {number}"
        c = [unit(e[labels == k].sum(axis=0)) for k in operation["pair"]]
        d = unit(c[0] - c[1])
        report(f"{name} centroids", relative(operation["centroids"], c), 1e-13)
        report(f"{name} cosine before", abs(operation["cosine_before"] - c[0] @ c[1]), 1e-13)
        w = w - (1 - truth["shrink"]) * np.outer(d, d @ w)
        e = e - (1 - truth["shrink"]) * np.outer((e - b) @ d, d)
        c = [unit(e[labels == k].sum(axis=0)) for k in operation["pair"]]
        report(f"{name} cosine after", abs(operation["cosine_after"] - c[0] @ c[1]), 1e-13)
        report(f"{name} weight", relative(operation["weight"], w), 1e-13)
        report(f"{name} embeddings", relative(operation["embeddings"], e), 1e-13)
    report("merger singular values after", roots(truth["singular_values_after"], w), 1e-13)


def roots(singular_values, w):
    """Difference of the squares from the eigenvalues of W W^T."""
    return relative(np.square(singular_values), np.linalg.eigvalsh(w @ w.T)[::-1])
def formula(number, *shape):
    values = (7919 * number + 104729 * np.arange(int(np.prod(shape)))) % 1009
    return (values.astype(np.float32) / np.float32(1009) - np.float32(0.5)).astype(np.float64).reshape(shape)


def finished(maps, kind):
    """What becomes of the maps, and the function from its gradient to theirs, pixel by pixel."""
    if kind == "linear":
        return maps, lambda gradient: gradient
    if kind == "relu":
        return np.maximum(maps, 0), lambda gradient: gradient * (maps > 0)
    n, c, height, width = maps.shape[0], maps.shape[1], maps.shape[2] // 2, maps.shape[3] // 2
    places = list(itertools.product(range(n), range(c), range(height), range(width)))
    result = np.zeros((n, c, height, width))
    for i, j, y, x in places:
        result[i, j, y, x] = max(0, maps[i, j, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2].max())

    def undo(gradient):
        back = np.zeros_like(maps)
        for i, j, y, x in places:
            window = maps[i, j, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2]
            if window.max() > 0:
                a, b = divmod(int(window.argmax()), 2)
                back[i, j, 2 * y + a, 2 * x + b] = gradient[i, j, y, x]
        return back

    return result, undo


def check_convolution(case):
    n, (c, height, width) = case["batch"], case["input"]
    k, s, outputs = case["kernel"], case["stride"], case["outputs"]
    x, w = formula(1, n, c, height, width), formula(2, outputs, c, k, k)
    bias = formula(3, outputs) if case["bias"] else np.zeros(outputs)
    windows = list(itertools.product(range((height - k) // s + 1), range((width - k) // s + 1)))
    maps = np.zeros((n, outputs, windows[-1][0] + 1, windows[-1][1] + 1))
    for i, j in windows:
        patch = x[:, :, s * i : s * i + k, s * j : s * j + k]
        maps[:, :, i, j] = np.einsum("ncab,ocab->no", patch, w) + bias
    result, undo = finished(maps, case["finish"])
    gradient = undo(formula(4, *result.shape))
    expected = {"result": result, "input_gradient": np.zeros_like(x), "weight_gradient": np.zeros_like(w)}
    for i, j in windows:
        place = np.s_[:, :, s * i : s * i + k, s * j : s * j + k]
        expected["weight_gradient"] += np.einsum("no,ncab->ocab", gradient[:, :, i, j], x[place])
        expected["input_gradient"][place] += np.einsum("no,ocab->ncab", gradient[:, :, i, j], w)
    if case["bias"]:
        expected["bias_gradient"] = gradient.sum((0, 2, 3))
    for key, value in expected.items():
        report(f"convolution {k} x {k} {case['finish']} {key}", relative(case[key], value.ravel()), 1e-8)


def check_normalisation(case):
    """The input's gradient as the product with the Jacobian of the normalisation of one channel."""
    n, (c, height, width) = case["batch"], case["input"]
    x, weight, bias = formula(1, n, c, height, width), formula(2, c), formula(3, c)
    count = n * height * width
    mean = x.mean((0, 2, 3))
    variance = ((x - mean[:, None, None]) ** 2).mean((0, 2, 3))
    deviation = np.sqrt(variance + 1e-5)
    normal = (x - mean[:, None, None]) / deviation[:, None, None]
    result, undo = finished(normal * weight[:, None, None] + bias[:, None, None], case["finish"])
    gradient = undo(formula(4, *result.shape))
    back = np.zeros_like(x)
    for j in range(c):
        v = normal[:, j].ravel()
        jacobian = (np.eye(count) - 1 / count - np.outer(v, v) / count) * weight[j] / deviation[j]
        back[:, j] = (jacobian @ gradient[:, j].ravel()).reshape(n, height, width)
    expected = {
        "mean": mean,
        "variance": variance * count / (count - 1),
        "result": result,
        "input_gradient": back,
        "weight_gradient": (gradient * normal).sum((0, 2, 3)),
        "bias_gradient": gradient.sum((0, 2, 3)),
    }
    for key, value in expected.items():
        report(f"normalisation {case['finish']} {key}", relative(case[key], value.ravel()), 1e-8)


def resize(images, side):
    """[N, 8, 8] to [N, side, side] by one interpolation matrix for both axes, half-pixel centres."""
    at = np.clip((np.arange(side) + 0.5) * 8 / side - 0.5, 0, 7)
    weights = np.clip(1 - np.abs(at[:, None] - np.arange(8)), 0, 1)
    return np.einsum("ya,xb,nab->nyx", weights, weights, images)


def clipped_predictions(case, x, clipped, rank):
    """Predictions with the layer `clipped` read as a sum of `rank` projections times responses."""
    for layer, basis in case["bases"].items():
        windows = layer.startswith("conv")
        samples = np.array([samples_of(image, 5, 2) if windows else [image.ravel()] for image in x])
        weight = np.array(case["weights"][f"{layer}.weight"]).reshape(-1, basis["inputs"])
        if layer == clipped:
            v = np.array(basis["vectors"]).reshape(-1, basis["inputs"])[:rank]
            out = sum(np.multiply.outer(samples @ v_r, weight @ v_r) for v_r in v)
        else:
            out = samples @ weight.T
        out = out + np.array(case["weights"].get(f"{layer}.bias", 0.0))
        out = out.transpose(0, 2, 1)
        side = int(round(np.sqrt(out.shape[2])))
        x = out.reshape(len(out), -1, side, side)
        if layer == "gate":
            x = x[:, : x.shape[1] // 2] * x[:, x.shape[1] // 2 :]
        elif case["network"] != "bilinear" and layer != list(case["bases"])[-1]:
            x = np.maximum(x, 0)
    return x.reshape(len(x), -1).argmax(1)


def check_clipping(truth):
    """Counts from windows, projections and responses written out, without a projector or a convolution."""
    for case in truth["cases"]:
        name, rows = f"clipping {case['network']}", case["rows"]
        x = resize(PIXELS[rows].astype(np.float64).reshape(-1, 8, 8), case["side"])[:, None]
        found = int((clipped_predictions(case, x, None, 0) == LABELS[rows]).sum())
        report(f"{name} unclipped count", abs(found - case["correct_unclipped"]), 0)
        for layer, basis in case["bases"].items():
            v = np.array(basis["vectors"], np.float32).astype(np.float64).reshape(-1, basis["inputs"])
            report(f"{name} {layer} orthonormal", np.abs(v @ v.T - np.eye(len(v))).max(), 1e-6)
            counts = [int((clipped_predictions(case, x, layer, k) == LABELS[rows]).sum()) for k in range(1, len(v) + 1)]
            report(f"{name} {layer} counts", float(np.abs(np.subtract(counts, case["correct"][layer])).max()), 0)
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
    check_spectra(load_fixture("spectra_truth.json"))
    check_alignment(load_fixture("alignment_truth.json"))
    analysis = load_fixture("embedding_analysis_truth.json")
    check_embedding_analysis(analysis)
    check_power_law(analysis["power_law"])
    check_quantiles(load_fixture("t_quantile.json"))
    surgery = load_fixture("surgery_truth.json")
    check_forest(surgery["forest"])
    check_merger(surgery["merger"])
    convolutions = load_fixture("convolution_truth.json")
    for case in convolutions["convolutions"]:
        check_convolution(case)
    for case in convolutions["normalisations"]:
        check_normalisation(case)
    check_clipping(load_fixture("clipping_truth.json"))
    sys.exit(1 if FAILURES else 0)


if __name__ == "__main__":
    main()
