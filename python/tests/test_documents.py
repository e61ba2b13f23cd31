"""The guide's page and the notebook run, in the project around the working directory."""

import ast
import importlib.util
import json
import os
import re
import unittest
from pathlib import Path

import numpy

import eigenscope

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guide" / "python.md"
NOTEBOOK = ROOT / "python" / "notebooks" / "truncation.ipynb"


def setUpModule():
    """Both show the digits."""
    os.chdir(ROOT)
    eigenscope.run("digits", report=None)


def run(code, name, names):
    """Runs a block or a cell, and shows what its last line gives, as a notebook does."""
    tree = ast.parse(code, name)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), names)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), name, "eval"), names)
        show = getattr(value, "_repr_html_", value.__repr__)
        show()


class DocumentsTest(unittest.TestCase):
    def test_the_blocks_of_the_page_run(self):
        names = {"print": lambda *_: None}
        blocks = re.findall(r"^```python(.*?)\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
        self.assertGreater(len(blocks), 5)
        for number, (condition, code) in enumerate(blocks, 1):
            needed = re.fullmatch(r" needs=(\w+)", condition)
            if needed is None or importlib.util.find_spec(needed[1]):
                run(code, f"{GUIDE}, block {number}", names)

    @unittest.skipUnless(importlib.util.find_spec("matplotlib"), "matplotlib is not installed")
    def test_the_notebook_draws_what_the_pipeline_draws(self):
        notebook = json.loads(NOTEBOOK.read_text())
        names = {}
        for number, cell in enumerate(notebook["cells"], 1):
            if cell["cell_type"] == "code":
                self.assertEqual((cell["outputs"], cell["execution_count"]), ([], None), "outputs are not kept in the repository")
                run("".join(cell["source"]), f"{NOTEBOOK}, cell {number}", names)
        form = json.loads((names["digits"]["figure.truncation"].folder / "figure.json").read_text())
        traces = [trace for trace in form["data"] if trace["meta"]["what"] != "band"]
        for panel, axis in enumerate(names["axes"]):
            lines = axis.get_lines()
            expected = [trace for trace in traces if trace["meta"]["panel"] == panel]
            # The legend of the pipeline counts the runs, too: "8 (n = 3)".
            labels = [trace["name"].partition(" (n = ")[0] for trace in expected]
            self.assertEqual([line.get_label() for line in lines], labels)
            for line, trace in zip(lines, expected, strict=True):
                numpy.testing.assert_allclose(line.get_xdata(), trace["x"])
                numpy.testing.assert_allclose(line.get_ydata(), numpy.clip(trace["y"], axis.get_ylim()[0], None), rtol=1e-4)


if __name__ == "__main__":
    unittest.main()
