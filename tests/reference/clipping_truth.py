"""Make clipping_truth.json: correct predictions of small networks with the weight of one layer clipped, for every rank.

An MLP, a CNN and a bilinear layer with bias, briefly trained on the digits, and for every layer the leading eigenvectors of
the covariance E[phi phi^T] of what it reads of the training rows (of windows, for convolutions). For k = 1..: the layer's
weight W is replaced by W V_k^T V_k, V_k the first k eigenvectors as rows, and PyTorch runs the whole network again. Weights
and eigenvectors are stored in float32; the counts come from them in float64, so that they do not depend on the order of sums.
A test row whose best two logits are nearer than MARGIN (relative to its largest |logit|) at any rank of any layer is left out.
"""

import numpy as np
import torch
from digits_rows import TRAIN_ROWS, load_rows
from fixture_json import save_fixture
from torch import nn
from torch.nn import functional

STEPS, LEARNING_RATE, VECTORS, MARGIN = 60, 0.02, 24, 1e-4
CASES = {
    "mlp": {"side": 8, "layers": [12, 8]},
    "cnn": {"side": 17, "layers": [3, 4]},
    "bilinear": {"side": 8, "layers": [8]},
}


class Gate(nn.Module):
    """The first half of the values times the second half."""

    def forward(self, x):
        left, right = x.chunk(2, dim=1)
        return left * right


def network(name, side, layers):
    """The modules in order; those with a weight are named as in eigenscope."""
    if name == "bilinear":
        (hidden,) = layers
        embed, unembed = nn.Linear(side * side, hidden, bias=False), nn.Linear(hidden, 10, bias=False)
        return nn.ModuleDict({"embed": embed, "gate": nn.Linear(hidden, 2 * hidden), "product": Gate(), "unembed": unembed})
    modules = {}
    if name == "mlp":
        widths = [side * side, *layers]
        for i, (a, b) in enumerate(zip(widths, widths[1:])):
            modules |= {f"layer{i + 1}": nn.Linear(a, b, bias=False), f"relu{i + 1}": nn.ReLU()}
        return nn.ModuleDict(modules | {f"layer{len(widths)}": nn.Linear(widths[-1], 10, bias=False)})
    channels = [1, *layers]
    for i, (a, b) in enumerate(zip(channels, channels[1:])):
        modules |= {f"conv{i + 1}": nn.Conv2d(a, b, 5, 2, bias=False), f"relu{i + 1}": nn.ReLU()}
        side = (side - 5) // 2 + 1
    return nn.ModuleDict(modules | {"linear": nn.Linear(channels[-1] * side * side, 10, bias=False)})


def forward(self, x):
        left, right = x.chunk(2, dim=1)
        return left * right


def network(name, side, layers):
    """The modules in order; those with a weight are named as in eigenscope."""
    if name == "mlp":
        widths = [side * side, *layers, 10]
        named = [(f"layer{i + 1}", nn.Linear(a, b, bias=False)) for i, (a, b) in enumerate(zip(widths, widths[1:]))]
        between = nn.ReLU
    elif name == "cnn":
        channels = [1, *layers]
        named = [(f"conv{i + 1}", nn.Conv2d(a, b, 5, 2, bias=False)) for i, (a, b) in enumerate(zip(channels, channels[1:]))]
        for _ in layers:
            side = (side - 5) // 2 + 1
        named.append(("linear", nn.Linear(channels[-1] * side * side, 10, bias=False)))
        between = nn.ReLU
    else:
        (hidden,) = layers
        gate = nn.Linear(hidden, 2 * hidden, bias=True)
        embed, unembed = nn.Linear(side * side, hidden, bias=False), nn.Linear(hidden, 10, bias=False)
        return nn.ModuleDict({"embed": embed, "gate": gate, "product": Gate(), "unembed": unembed})
    modules = {}
    for key, layer in named:
        modules[key] = layer
        modules[f"relu{len(modules)}"] = between()
    modules.popitem()
    return nn.ModuleDict(modules)


def forward(model, x):
    """Logits, and what every named layer reads."""
    read = {}
    for key, module in model.items():
        if isinstance(module, nn.Linear):
            x = x.flatten(1)
        read[key] = x
        x = module(x)
    return x, {key: value for key, value in read.items() if hasattr(model[key], "weight")}


def inputs(pixels, side):
    """Images [N, 1, side, side], resized from 8 x 8 where they differ."""
    images = torch.from_numpy(pixels).reshape(-1, 1, 8, 8)
    return images if side == 8 else functional.interpolate(images, size=(side, side), mode="bilinear", align_corners=False)


def train(model, x, y):
    optimiser = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    for _ in range(STEPS):
        loss = functional.cross_entropy(forward(model, x)[0], y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def leading_vectors(layer, read):
    """Eigenvectors [rank, inputs] of the covariance of the samples, largest eigenvalue first, float32."""
    if isinstance(layer, nn.Conv2d):
        read = functional.unfold(read, layer.kernel_size, stride=layer.stride).transpose(1, 2).flatten(0, 1)
    _, columns = np.linalg.eigh((read.T @ read).numpy() / len(read))
    return columns.T[::-1][:VECTORS].astype(np.float32)


@torch.no_grad()
def clipped_logits(model, x, key, vectors):
    """Logits for every rank of one layer, [rank, N, 10]."""
    layer, v = model[key], torch.from_numpy(vectors).double()
    whole, logits = layer.weight.clone(), []
    for k in range(1, len(v) + 1):
        layer.weight.copy_((whole.flatten(1) @ v[:k].T @ v[:k]).reshape(whole.shape))
        logits.append(forward(model, x)[0].numpy())
    layer.weight.copy_(whole)
    return np.array(logits)


def relative_margins(logits):
    """Difference of the best two logits over the largest |logit|, 0 where all logits are 0."""
    best = np.sort(logits, axis=-1)[..., -2:]
    return (best[..., 1] - best[..., 0]) / np.maximum(np.abs(logits).max(-1), 1e-30)


def make(name, side, layers):
    torch.manual_seed(7)
    pixels, labels = load_rows()
    x, y = inputs(pixels, side), torch.from_numpy(labels)
    model = network(name, side, layers)
    train(model, x[:TRAIN_ROWS], y[:TRAIN_ROWS])
    model, x = model.double(), x.double()
    with torch.no_grad():
        full, read = forward(model, x)
    bases = {key: leading_vectors(model[key], values[:TRAIN_ROWS]) for key, values in read.items()}
    logits = {key: clipped_logits(model, x[TRAIN_ROWS:], key, basis) for key, basis in bases.items()}
    full, expected = full[TRAIN_ROWS:].numpy(), labels[TRAIN_ROWS:]
    margins = np.concatenate([relative_margins(each) for each in [full[None], *logits.values()]])
    kept = margins.min(0) > MARGIN
    assert kept.sum() > 250, "too many rows are near a tie"

    def correct(each):
        return (each.argmax(-1) == expected)[..., kept].sum(-1)

    return {
        "network": name,
        "side": side,
        "layers": layers,
        "weights": {key: value.numpy().astype(np.float32).ravel() for key, value in model.state_dict().items()},
        "bases": {key: {"inputs": basis.shape[1], "vectors": basis.ravel()} for key, basis in bases.items()},
        "rows": TRAIN_ROWS + np.flatnonzero(kept),
        "correct": {key: correct(each) for key, each in logits.items()},
        "correct_unclipped": correct(full),
        "smallest_margin": float(margins[:, kept].min()),
    }


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    cases = [make(name, **case) for name, case in CASES.items()]
    for case in cases:
        print(f"{case['network']}: {len(case['rows'])} rows, {case['correct_unclipped']} correct")
    print(f"clipping_truth.json: {save_fixture('clipping_truth.json', {'cases': cases})} bytes")


if __name__ == "__main__":
    main()
