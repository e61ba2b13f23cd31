"""Exported models against PyTorch and onnxruntime: equal logits for the same images.

Trains small models of several kinds on the embedded digits in a temporary folder, exports each as safetensors with its Python and as ONNX,
and compares the logits of all test images with those that eigenscope itself computes (the embedding of the last layer).
Also reads a checkpoint that PyTorch wrote, and compares likewise.

Usage: check.py PROGRAMS, the folder with the program `eigenscope`.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import torch

try:
    import onnxruntime
except ImportError:
    onnxruntime = None

# Largest difference of logits, beside rounding in the last digits of larger ones.
TOLERANCE = 1e-5

# Kind, parameters, last layer.
MODELS = {
    "bilinear": ("hidden = 12\nbatch = 64\nepochs = 3", "unembed"),
    "mlp": ("widths = [16, 12]\nepochs = 2", "layer3"),
    "cnn": ("channels = [8]\nepochs = 2", "linear"),
    "network": (
        'epochs = 2\nsteps = [{ conv = { channels = 8, kernel = 3, padding = 1 } }, "batch-norm", "gelu", '
        '{ residual = { steps = [{ conv = { channels = 8, kernel = 3, padding = 1, groups = 2 } }, "batch-norm", "relu", '
        '{ conv = { channels = 8, kernel = 3, padding = 1, bias = false } }, "batch-norm"] } }, "relu", '
        '{ residual = { steps = [{ conv = { channels = 16, kernel = 3, stride = 2, padding = 1 } }, "silu"], '
        'shortcut = [{ conv = { channels = 16, kernel = 1, stride = 2 } }] } }, '
        '{ average-pool = { kernel = 3, stride = 2, padding = 1, count_include_pad = false } }, { dropout = 0.1 }, { bilinear = 12 }, { linear = { outputs = "classes", name = "last" } }]',
        "last",
    ),
}


class Project:
    def __init__(self, programs, folder):
        self.program = Path(programs).resolve() / "eigenscope"
        self.folder = folder

    def call(self, *arguments):
        command = [self.program, *arguments]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("EIGENSCOPE_")}
        answer = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        assert answer.returncode == 0, f"{arguments}: {answer.stderr}"
        return answer.stdout

    def export(self, task, name, *more):
        self.call("export", "p.toml", task, "-o", name, *more)
        return self.folder / name


def pipeline(described):
    tables = ["[data.digits]\n"]
    for kind, (parameters, last) in MODELS.items():
        if kind in described:
            tables.append(f'[train.{kind}]\ndata = "data.digits"\n{parameters}\n')
            tables.append(logits_of(f"train.{kind}", kind, last))
    return "\n".join(tables)


def logits_of(model, name, last):
    return f'[decompose.logits-{name}]\nkind = "embedding"\nmodel = "{model}"\ndata = "data.digits"\nlayer = "{last}"\n'


def compare(what, found, expected):
    difference = float(numpy.abs(found - expected).max())
    scale = float(numpy.abs(expected).max())
    assert difference <= TOLERANCE * max(1.0, scale), f"{what}: logits differ by {difference}, the largest is {scale}"
    print(f"{what}: logits of {len(expected)} images equal within {difference:.1e}")


def main():
    programs = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        project = Project(programs, Path(folder))
        described = subprocess.run([project.program.parent / "eigenscope-train", "describe"], capture_output=True, text=True)
        kinds = {kind["name"] for kind in json.loads(described.stdout)["kinds"]}
        pipeline_text = pipeline(kinds)
        (project.folder / "p.toml").write_text(pipeline_text)
        project.call("run", "p.toml")
        images = numpy.load(project.export("data.digits", "images.npz"))
        kinds = [kind for kind in MODELS if f"[train.{kind}]" in pipeline_text]
        for kind in kinds:
            logits = numpy.load(project.export(f"decompose.logits-{kind}", f"{kind}-logits.npz"))
            expected = logits["vector"]
            # The test images are the last rows; their labels say that it is they.
            count = len(expected)
            assert (images["label"][-count:] == logits["label"]).all()
            inputs = (images["pixels"][-count:].astype("float32") / 16).reshape(count, 1, 8, 8)
            project.export(f"train.{kind}", f"{kind}.safetensors", "--snippet", f"{kind}.py")
            here = os.getcwd()
            os.chdir(project.folder)
            defined = {}
            exec((project.folder / f"{kind}.py").read_text(), defined)
            os.chdir(here)
            with torch.no_grad():
                found = defined["model"](torch.from_numpy(inputs)).numpy()
            compare(f"{kind} in PyTorch", found, expected)
            torch.save({"epoch": 3, "model": defined["model"].state_dict()}, project.folder / f"{kind}.pth")
            if onnxruntime is not None:
                path = project.export(f"train.{kind}", f"{kind}.onnx")
                session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
                name = session.get_inputs()[0].name
                compare(f"{kind} in onnxruntime", session.run(None, {name: inputs})[0], expected)
        imported = [pipeline_text]
        for kind in kinds:
            parameters, last = MODELS[kind]
            network = f'kind = "{kind}"' if kind != "network" else parameters.split("\n")[1]
            imported.append(f'[model.{kind}]\nfile = "{project.folder / kind}.pth"\ndata = "data.digits"\n{network}\n')
            imported.append(logits_of(f"model.{kind}", f"imported-{kind}", last))
            if onnxruntime is not None:
                imported.append(f'[model.{kind}-onnx]\nfile = "{project.folder / kind}.onnx"\ndata = "data.digits"\n')
        (project.folder / "p.toml").write_text("\n".join(imported))
        project.call("run", "p.toml")
        for kind in kinds:
            read = lambda name: numpy.load(project.export(f"decompose.logits-{name}", "logits.npz"))["vector"]
            compare(f"{kind} from a file of PyTorch", read(f"imported-{kind}"), read(kind))


main()
