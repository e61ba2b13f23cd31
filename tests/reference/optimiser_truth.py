"""Make optimiser_truth.json: steps of PyTorch's optimisers on given gradients, and rates of its schedulers.

Parameter i of tensor t starts at 2 u(i + 100003 t, 0) in float32, and its gradient in step s is u(i + 100003 t, s + 1), with
u(a, b) = ((7919 a + 104729 b) mod 1009) / 1009 - 0.5. The learning rate is multiplied by 0.1 after half of the steps. The
steps are done in float64 from the float32 parameters.

Schedules: StepLR, MultiStepLR and CosineAnnealingLR, stepped once an epoch. A warm-up of w epochs is LinearLR with
start_factor = 1 / (w + 1) and total_iters = w: in ChainedScheduler with a step schedule, whose epochs count from the
start, and in SequentialLR before a cosine over the epochs that are left.
"""

import warnings

import numpy as np
import torch
from fixture_json import save_fixture
from torch.optim import lr_scheduler

STEPS, LENGTHS = 12, [7, 40]
SGD = torch.optim.SGD, {"momentum": 0.0, "nesterov": False, "weight_decay": 0.0}
ADAM = torch.optim.Adam, {"betas": [0.9, 0.999], "epsilon": 1e-8, "weight_decay": 0.0}
ADAMW = torch.optim.AdamW, ADAM[1]
OPTIMISERS = [
    ("sgd", SGD, 0.1, {}),
    ("sgd", SGD, 0.1, {"weight_decay": 0.05}),
    ("sgd", SGD, 0.05, {"momentum": 0.9}),
    ("sgd", SGD, 0.05, {"momentum": 0.9, "weight_decay": 0.05}),
    ("sgd", SGD, 0.05, {"momentum": 0.9, "nesterov": True}),
    ("sgd", SGD, 0.05, {"momentum": 0.8, "nesterov": True, "weight_decay": 0.05}),
    ("adam", ADAM, 0.01, {}),
    ("adam", ADAM, 0.01, {"weight_decay": 0.1}),
    ("adam", ADAM, 0.01, {"betas": [0.8, 0.95], "epsilon": 1e-3, "weight_decay": 0.01}),
    ("adamw", ADAMW, 0.01, {"weight_decay": 0.5}),
    ("adamw", ADAMW, 0.01, {"betas": [0.5, 0.9], "epsilon": 1e-2, "weight_decay": 1.0}),
]
SCHEDULES = [
    ({"constant": {}}, 0, 4),
    ({"constant": {}}, 3, 5),
    ({"cosine": {}}, 0, 7),
    ({"cosine": {}}, 4, 10),
    ({"step": {"epochs": 3, "factor": 0.5}}, 0, 10),
    ({"step": {"epochs": 3, "factor": 0.5}}, 4, 10),
    ({"step": {"epochs": [2, 5, 6], "factor": 0.1}}, 0, 9),
    ({"step": {"epochs": [2, 5, 6], "factor": 0.1}}, 3, 9),
]


def u(a, b):
    return ((7919 * a + 104729 * b) % 1009) / 1009 - 0.5


def steps(case):
    name, (optimiser, defaults), learning_rate, constants = case
    constants = {**defaults, **constants}
    places = [np.arange(length, dtype=np.int64) + 100003 * t for t, length in enumerate(LENGTHS)]
    parameters = [torch.from_numpy((2 * u(i, 0)).astype(np.float32)).double().requires_grad_() for i in places]
    named = dict(constants)
    if "epsilon" in named:
        named["eps"] = named.pop("epsilon")
    optimiser = optimiser(parameters, lr=learning_rate, **named)
    for step in range(STEPS):
        if step == STEPS // 2:
            optimiser.param_groups[0]["lr"] *= 0.1
        for parameter, i in zip(parameters, places):
            parameter.grad = torch.from_numpy(u(i, step + 1))
        optimiser.step()
    final = [parameter.detach().numpy() for parameter in parameters]
    return {"optimiser": name, "learning_rate": learning_rate, "constants": constants, "final": final}


def rates(case):
    schedule, warm_up, epochs = case
    [(name, fields)] = schedule.items()
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=0.2)
    linear = lambda: lr_scheduler.LinearLR(optimiser, start_factor=1 / (warm_up + 1), total_iters=warm_up)
    if name == "cosine":
        shape = lambda: lr_scheduler.CosineAnnealingLR(optimiser, T_max=epochs - warm_up)
    elif name == "constant":
        shape = lambda: lr_scheduler.ConstantLR(optimiser, factor=1.0)
    elif isinstance(fields["epochs"], list):
        shape = lambda: lr_scheduler.MultiStepLR(optimiser, fields["epochs"], gamma=fields["factor"])
    else:
        shape = lambda: lr_scheduler.StepLR(optimiser, fields["epochs"], gamma=fields["factor"])
    if warm_up == 0:
        scheduler = shape()
    elif name == "cosine":
        scheduler = lr_scheduler.SequentialLR(optimiser, [linear(), shape()], milestones=[warm_up])
    else:
        scheduler = lr_scheduler.ChainedScheduler([linear(), shape()])
    found = []
    for _ in range(epochs):
        found.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    return {"schedule": schedule, "warm_up": warm_up, "learning_rate": 0.2, "rates": np.array(found)}


def main():
    warnings.filterwarnings("ignore", category=UserWarning)
    content = {
        "steps": STEPS,
        "lengths": LENGTHS,
        "optimisers": [steps(case) for case in OPTIMISERS],
        "schedules": [rates(case) for case in SCHEDULES],
    }
    print(save_fixture("optimiser_truth.json", content), "bytes")


if __name__ == "__main__":
    main()
