"""The classes and the order of samples that torchvision's ImageFolder finds in a folder with unusual names."""

import tempfile
from pathlib import Path

from PIL import Image
from torchvision.datasets import ImageFolder

from fixture_json import save_fixture

FILES = [
    "b/2.png", "b/10.png", "b/Z.png", "b/a.png", "b/ä.png", "b/sub/1.png", "b/sub-1/1.png", "b/sub/deep/0.png",
    "a-b/1.png", "a/1.png", "a/sub/1.png", "A/1.PNG", "10/1.png", "2/1.png", "é/1.png", "Ω/1.png", "a b/1.png", "z/.1.png",
    "z/1.png", "𝛼/1.png", "Ａ/1.png",
]


def main():
    # A file whose name starts with a dot is a hidden one for eigenscope, though not for torchvision.
    files = [name for name in FILES if not Path(name).name.startswith(".")]
    with tempfile.TemporaryDirectory() as folder:
        for name in files:
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (1, 1)).save(path, format="PNG")
        found = ImageFolder(folder)
        names = [str(Path(path).relative_to(folder)) for path, _ in found.samples]
    save_fixture(
        "image_folder_truth.json",
        {
            "files": files,
            "classes": found.classes,
            "order": [files.index(name) for name in names],
            "labels": [label for _, label in found.samples],
        },
    )


main()
