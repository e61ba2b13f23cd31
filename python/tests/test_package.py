"""The package against the program, in a project of its own: python -m unittest."""

import base64
import contextlib
import html.parser
import importlib.util
import json
import os
import pickle
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
import warnings
from pathlib import Path

import numpy
import pandas
import polars
import pyarrow
import pyarrow.parquet

import eigenscope
from eigenscope._program import find

PIPELINE = """
[data.digits]
transforms = ["scale", { normalise = { mean = [0.3], std = [0.4] } }, { resize = { height = 6, width = 11 } }]

[train.mlp]
data = "data.digits"
widths = [[4], [6]]
epochs = 1
seed = [0, 1]

[decompose.logits]
kind = "embedding"
model = "train.mlp[widths=6]"
data = "data.digits"
layer = "layer2"

[metric.final]
kind = "final-accuracy"
histories = "train.mlp"

[figure.training]
histories = "train.mlp"
"""
BROKEN = '\n[data.gone]\nkind = "image-folder"\nfolder = "gone"\n'


class PackageTest(unittest.TestCase):
    """Each test starts with the results of one run, in a folder that it may change."""

    @classmethod
    def setUpClass(cls):
        cls.program = find(None, Path.cwd())
        # What a user has set must not count; where the program is, has been found out.
        for name in [name for name in os.environ if name.startswith("EIGENSCOPE")]:
            del os.environ[name]
        cls.template = tempfile.TemporaryDirectory()
        folder = Path(cls.template.name)
        (folder / "pipelines").mkdir()
        (folder / "pipelines" / "small.toml").write_text(PIPELINE)
        cls.lines = []
        eigenscope.Project(folder, cls.program).run("small", report=cls.lines.append)

    @classmethod
    def tearDownClass(cls):
        cls.template.cleanup()

    def setUp(self):
        own = tempfile.TemporaryDirectory()
        self.addCleanup(own.cleanup)
        self.folder = Path(own.name) / "project"
        shutil.copytree(self.template.name, self.folder, symlinks=True)
        self.project = eigenscope.Project(self.folder, self.program)

    def pipeline(self, text):
        (self.folder / "pipelines" / "small.toml").write_text(text)

    def load(self, **options):
        return self.project.load("small", **options)

    # The program.

    def test_run_reports_each_line_and_loads(self):
        self.assertTrue(any(line.startswith("[1/") for line in self.lines), self.lines)
        again = []
        small = self.project.run("small", "metric.final", jobs=1, report=again.append)
        self.assertTrue(any(line.startswith("tasks: 6 up to date") for line in again), again)
        self.assertEqual(small["metric.final"].status.state, "current")

    def test_a_failed_run_says_what_the_program_said(self):
        self.pipeline(PIPELINE + BROKEN)
        with self.assertRaises(eigenscope.ProgramError) as caught:
            self.project.run("small", options=["--keep-going"], report=None)
        self.assertEqual(caught.exception.exit_code, 1)
        self.assertTrue(any("data.gone failed" in line for line in caught.exception.messages), caught.exception)
        with self.assertRaises(eigenscope.ProgramError) as caught:
            self.project.load("smal")
        self.assertEqual(caught.exception.exit_code, 2)
        self.assertIn("did you mean `small`?", str(caught.exception))

    def test_an_interrupt_ends_the_program_and_keeps_what_is_finished(self):
        self.pipeline(PIPELINE.replace("epochs = 1", "epochs = 10_000"))
        shutil.rmtree(self.folder / "artifacts")

        def interrupt(line):
            if line.startswith("[1/"):
                raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            self.project.run("small", jobs=1, report=interrupt)
        self.assertEqual([task.state for task in self.project.status("small", "train.mlp")], ["current"] + 4 * ["stale"])
        # Exit code 4 would say that it still runs.
        self.project.run("small", "data.digits", report=None)

    def test_the_program_is_found_by_argument_variable_path_and_build(self):
        bins = self.folder / "bins"
        built = self.folder / "target" / "release"
        for folder in (bins, built):
            folder.mkdir(parents=True)
            (folder / "eigenscope").write_text("#!/bin/sh\n")
            (folder / "eigenscope").chmod(0o755)
        before = dict(os.environ)
        self.addCleanup(lambda: (os.environ.clear(), os.environ.update(before)))
        os.environ["PATH"] = "/nowhere"
        self.assertEqual(find(None, self.folder), str(built / "eigenscope"))
        os.environ["PATH"] = str(bins)
        self.assertEqual(find(None, self.folder), str(bins / "eigenscope"))
        os.environ["EIGENSCOPE"] = str(built / "eigenscope")
        self.assertEqual(find(None, self.folder), str(built / "eigenscope"))
        self.assertEqual(find(bins / "eigenscope", self.folder), str(bins / "eigenscope"))
        os.environ["EIGENSCOPE"] = "nothing"
        with self.assertRaisesRegex(eigenscope.EigenscopeError, "the variable EIGENSCOPE names no program: nothing"):
            find(None, self.folder)
        del os.environ["EIGENSCOPE"]
        os.environ["PATH"] = "/nowhere"
        with self.assertRaisesRegex(eigenscope.EigenscopeError, "make programs"):
            find(None, bins)

    def test_program_and_package_have_one_version(self):
        self.assertEqual(self.project.call("--version").split()[-1], eigenscope.__version__)

    def test_json_of_another_version_is_refused(self):
        program = self.folder / "other"
        program.write_text("#!/bin/sh\necho '{\"version\": 2}'\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        with self.assertRaisesRegex(eigenscope.EigenscopeError, "version 2"):
            eigenscope.Project(self.folder, program).load("small")

    def test_functions_work_in_the_project_around_the_working_directory(self):
        notebooks = self.folder / "notebooks"
        notebooks.mkdir()
        code = (
            "import eigenscope\n"
            "assert len(eigenscope.load('small')['metric.final'].arrow()) == 4\n"
            "assert len(eigenscope.load('../pipelines/small.toml')) == 5\n"
            "assert eigenscope.sql('small', 'select count(*) as n from metric_final').arrow().to_pylist() == [{'n': 4}]\n"
            "assert {task.state for task in eigenscope.status('small')} == {'current'}\n"
            "eigenscope.run('small', 'data.digits')\n"
        )
        environment = {**os.environ, "EIGENSCOPE": self.program, "PYTHONPATH": str(Path(eigenscope.__file__).parents[1])}
        ended = subprocess.run([sys.executable, "-c", code], cwd=notebooks, env=environment, capture_output=True, text=True)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("tasks: 1 up to date", ended.stdout)

    def test_queries_keep_numbers(self):
        query = "select task, seed, test_accuracy_fraction from train_mlp_history order by task"
        table = self.project.sql("small", query).arrow()
        self.assertEqual([str(column.type) for column in table.columns], ["string", "int64", "double"])
        self.assertEqual(str(eigenscope._project._numbers([0.5, "NaN", "-inf"])), "[0.5, nan, -inf]")
        self.assertEqual(self.project.sql("small", "select seed from train_mlp_history where seed > 9").arrow().num_rows, 0)

    # Tables.

    def test_polars_pandas_and_arrow_have_the_values_of_the_file(self):
        results = self.load()["metric.final"]
        file = results.folder / "final.parquet"
        self.assertTrue(results.arrow().equals(pyarrow.parquet.read_table(file), check_metadata=True))
        self.assertTrue(results.polars().equals(polars.read_parquet(file)))
        pandas.testing.assert_frame_equal(results.pandas(), pandas.read_parquet(file))

    def test_a_sweep_is_one_table_with_its_labels(self):
        sweep = self.load()["train.mlp"]
        self.assertEqual(len(sweep), 4)
        table = sweep.polars("history")
        self.assertEqual(table.columns[:3], ["seed", "widths", "epoch"])
        self.assertEqual(table.height, 8)
        last = table.filter(polars.col("epoch") == table["epoch"].max())
        self.assertEqual(last.select("widths", "seed").rows(), [(4, 0), (6, 0), (4, 1), (6, 1)])
        for one, row in zip(sweep, last.iter_rows(named=True), strict=True):
            self.assertEqual(one.labels, {"seed": row["seed"], "widths": row["widths"]})
            self.assertEqual(one.arrow("history")["test_loss_nats"].to_pylist()[-1], row["test_loss_nats"])
        self.assertEqual(sweep.table("history").provenance[sweep.tasks[3]]["parameters"]["widths"], [6])

    def test_a_label_that_is_a_column_too_is_told_apart(self):
        table = eigenscope._table.label_columns(pyarrow.table({"seed": [5]}), {"seed": 1}, {"seed": pyarrow.int64()})
        self.assertEqual(table.to_pylist(), [{"label_seed": 1, "seed": 5}])

    def test_labels_are_the_values_that_they_read_as(self):
        for text, value in [("8", 8), ("0.5", 0.5), ("1e-5", 1e-5), ("-2", -2), ("true", True), ("1_0", "1_0"), ("inf", "inf"), ("a", "a")]:
            self.assertEqual((eigenscope._table.label(text), type(eigenscope._table.label(text))), (value, type(value)))
        types = eigenscope._table.label_types([{"a": 1, "b": 1, "c": True}, {"a": 0.5, "b": "x", "c": False}])
        self.assertEqual(types, {"a": pyarrow.float64(), "b": pyarrow.string(), "c": pyarrow.bool_()})

    def test_tasks_are_chosen_by_labels(self):
        small = self.load()
        sweep = small["train.mlp"]
        self.assertEqual(sweep.where(widths=4, seed=[0, 1]).tasks, small["train.mlp[widths=4]"].tasks)
        self.assertEqual(sweep.where(seed=1).tasks, ["train.mlp[seed=1,widths=4]", "train.mlp[seed=1,widths=6]"])
        self.assertEqual(small["train.mlp[seed=0|1,widths=6]"].tasks, sweep.where(widths="6").tasks)
        self.assertEqual(list(small), ["data.digits", "train.mlp", "decompose.logits", "metric.final", "figure.training"])

    def test_what_there_is_not_is_said_with_what_there_is(self):
        small = self.load()
        for name, message in [
            ("metric.finl", "small has no task `metric.finl`; did you mean `metric.final`?"),
            ("x", "small has no task `x`; there are data.digits, train.mlp"),
            ("train.mlp[width=4]", "train.mlp has no label `width`; it has seed, widths"),
            ("train.mlp[widths=5]", "train.mlp has no task with `widths` 5; there are 4, 6"),
        ]:
            with self.assertRaises(eigenscope.NoSuchTask) as caught:
                small[name]
            self.assertTrue(str(caught.exception).startswith(message), caught.exception)
            self.assertNotIn(name, small)
        for call, message in [
            (lambda: small["train.mlp"].polars(), "name a table: train.mlp writes history, tensors"),
            (lambda: small["figure.training"].polars(), "name a table: figure.training writes none"),
            (lambda: small["metric.final"].polars("x"), "metric.final writes final, not `x`"),
            (lambda: small["train.mlp"].weights(), "one task is needed, not 4 of train.mlp: choose with `where`, or iterate"),
        ]:
            with self.assertRaises(eigenscope.EigenscopeError) as caught:
                call()
            self.assertEqual(str(caught.exception), message)

    # What is not as it should be.

    def test_results_that_are_not_up_to_date_are_refused_unless_asked_for(self):
        before = self.load()["train.mlp[seed=0,widths=4]"].weights()
        self.pipeline(PIPELINE.replace("epochs = 1", "epochs = 2"))
        small = self.load()
        with self.assertRaisesRegex(eigenscope.NotUpToDate, r"`epochs`.*eigenscope.run\('small', 'train.mlp\[seed=0,widths=4\]'\)"):
            small["train.mlp"].polars("history")
        self.assertEqual(len(small["data.digits"].current()), 1)
        self.assertEqual(len(small["train.mlp"].current()), 0)
        with self.assertRaisesRegex(eigenscope.NotUpToDate, "no result of train.mlp is up to date"):
            small["train.mlp"].current().polars("history")
        stale = self.load(stale=True)["train.mlp[seed=0,widths=4]"]
        self.assertEqual(stale.status.state, "stale")
        numpy.testing.assert_equal(stale.weights(), before)

    def test_a_file_that_its_record_does_not_describe_is_refused_when_asked(self):
        small = self.load(verify=True)
        self.assertEqual(small["metric.final"].arrow().num_rows, 4)
        for task, name in [("metric.final", "final.parquet"), ("figure.training", "figure.svg")]:
            file = small[task].folder / name
            file.chmod(0o644)
            content = file.read_bytes()
            file.write_bytes(content.replace(b"train", b"trais"))
            self.assertNotEqual(file.read_bytes(), content)
        with self.assertRaisesRegex(eigenscope.DigestMismatch, "final.parquet has the digest"):
            small["metric.final"].arrow()
        with self.assertRaisesRegex(eigenscope.DigestMismatch, "figure.svg has the digest"):
            small["figure.training"].figure()

    def test_a_file_that_is_no_table_is_named(self):
        small = self.load()
        file = small["metric.final"].folder / "final.parquet"
        file.chmod(0o644)
        file.write_bytes(b"nothing")
        with self.assertRaisesRegex(eigenscope.EigenscopeError, "final.parquet cannot be read"):
            small["metric.final"].arrow()

    def test_nothing_in_a_file_is_run(self):
        small = self.load()
        file = small["metric.final"].folder / "final.parquet"
        trace = self.folder / "trace"
        payload = pickle.dumps(Payload(str(trace)))
        metadata = {"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": payload}
        schema = pyarrow.schema([pyarrow.field("x", pyarrow.int32(), metadata=metadata)])
        file.chmod(0o644)
        pyarrow.parquet.write_table(pyarrow.table({"x": pyarrow.array([1], pyarrow.int32())}, schema=schema), file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            written = pyarrow.parquet.read_metadata(file).metadata[b"ARROW:schema"]
        self.assertIn(payload[:10], base64.b64decode(written))
        with warnings.catch_warnings(), contextlib.suppress(eigenscope.EigenscopeError):
            # The oldest pyarrow says that it does not read the pickle.
            warnings.simplefilter("ignore")
            self.assertEqual(small["metric.final"].arrow().num_rows, 1)
        self.assertFalse(trace.exists())

    def test_a_record_cannot_name_files_elsewhere(self):
        small = self.load()
        record = small["metric.final"].folder / "task.json"
        changed = json.loads(record.read_text())
        changed["outputs"]["../../secret"] = changed["outputs"]["final"]
        record.chmod(0o644)
        record.write_text(json.dumps(changed))
        with self.assertRaisesRegex(eigenscope.EigenscopeError, "names an output that cannot be"):
            small["metric.final"].arrow("../../secret")

    # Models, images and figures.

    def test_weights_and_inputs_give_the_logits_of_the_program(self):
        small = self.load()
        images = small["data.digits"].images()
        self.assertEqual((images.pixels.shape, images.maximum, images.classes[9]), ((1797, 1, 8, 8), 16, "9"))
        test = images.split("test")
        for model, logits in zip(small["train.mlp[widths=6]"], small["decompose.logits"], strict=True):
            weights = model.weights()
            self.assertEqual(weights["layer1.weight"].shape, (6, 66))
            hidden = numpy.maximum(test.inputs().reshape(len(test), -1) @ weights["layer1.weight"].T, 0)
            found = hidden @ weights["layer2.weight"].T
            table = logits.arrow()
            expected = numpy.array(table["vector"].to_pylist())
            self.assertEqual((table["label"].to_pylist(), table["index"].to_pylist()), (test.labels.tolist(), test.indices.tolist()))
            numpy.testing.assert_allclose(found, expected, atol=1e-5)

    def test_colours_become_grey(self):
        pixels = numpy.array([[[[100]], [[10]], [[1]]]], "uint8")
        none = numpy.zeros(1)
        images = eigenscope.Images(pixels, none, none, none, ["a"], 255, ["grey"])
        numpy.testing.assert_allclose(images.inputs(), [[[[29.89 + 5.87 + 0.114]]]], rtol=1e-6)

    @unittest.skipUnless(importlib.util.find_spec("torch"), "torch is not installed")
    def test_a_module_of_torch_takes_the_weights(self):
        import torch

        state = self.load()["train.mlp[seed=0,widths=6]"].state_dict()
        module = torch.nn.ModuleDict({"layer1": torch.nn.Linear(66, 6, False), "layer2": torch.nn.Linear(6, 10, False)})
        module.load_state_dict(state)

    def test_a_figure_is_shown_as_an_image(self):
        results = self.load()["figure.training"]
        self.assertEqual(results.tables, [])
        figure = results.figure()
        self.assertTrue(figure.svg.startswith("<svg"))
        self.assertTrue(figure.png.startswith(b"\x89PNG"))
        self.assertTrue(figure.pdf.startswith(b"%PDF"))
        tags = []
        parser = html.parser.HTMLParser()
        parser.handle_starttag = lambda tag, attributes: tags.append((tag, dict(attributes)))
        parser.feed(figure._repr_html_())
        self.assertEqual([tag for tag, _ in tags], ["img"])
        self.assertEqual(base64.b64decode(tags[0][1]["src"].partition(",")[2]).decode(), figure.svg)


class Payload:
    """What would write a file, were it read as a pickle."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path(self.path).write_text, ("run",))


if __name__ == "__main__":
    unittest.main()
