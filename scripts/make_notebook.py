"""Write examples/walkthrough.ipynb: the walk-through as a notebook, run from top to bottom, with its outputs.

Usage: make_notebook.py [FILE]
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

FILE = Path(__file__).parent.parent / "examples" / "walkthrough.ipynb"

CELLS = (
    "# The walk-through of Fashion-MNIST\n\nFrom 70,000 pictures of clothes to a network that names them.",
    "## Install\n\nIn Colab, and wherever fittingroom is not installed yet: put its wheel beside this notebook first. "
    "`make wheel` in a clone writes it into `dist/`.",
    ">import importlib.util\nimport os\nimport subprocess\nimport sys\nfrom pathlib import Path\n\n"
    'os.environ["KERAS_BACKEND"] = "torch"  # whatever the machine presets; it counts until Keras is imported\n'
    'if importlib.util.find_spec("fittingroom") is None:\n'
    '    wheels = sorted(Path.cwd().glob("fittingroom-*.whl"))\n'
    "    if not wheels:\n"
    '        raise SystemExit("Expected fittingroom-VERSION.whl beside this notebook, found none. Upload it there.")\n'
    '    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", str(wheels[-1])], check=True)\n'
    "import fittingroom\n\n"
    'print("fittingroom", fittingroom.__version__)',
    "## Load",
    ">import fittingroom as fr  # before keras: it chooses the PyTorch backend\nimport keras\n"
    "import matplotlib.pyplot as plt\n\n"
    "(train_images, train_labels), (test_images, test_labels) = fr.load_data()\n"
    "train_images.shape, train_labels.shape, test_images.shape, test_labels.shape",
    "The files hold labels as numbers; their names are in `fr.class_names`.",
    ">fr.class_names",
    "## Look",
    ">plt.figure()\nplt.imshow(train_images[0])\nplt.colorbar()\nplt.show()",
    ">plt.figure(figsize=(10, 6))\nfor i in range(30):\n    plt.subplot(3, 10, i + 1)\n    plt.xticks([])\n"
    "    plt.yticks([])\n    plt.imshow(train_images[i] / 255, cmap=plt.cm.binary)\n"
    "    plt.xlabel(fr.class_names[train_labels[i]], fontsize=8)\nplt.show()",
    "## Build and compile\n\nAn ordinary Keras model.",
    ">keras.utils.set_random_seed(0)\nmodel = keras.Sequential(\n    [\n        keras.Input((784,)),\n"
    '        keras.layers.Dense(128, activation="relu"),\n'
    '        keras.layers.Dense(10, activation="softmax"),\n    ]\n)\n'
    'model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])\n'
    "model.summary(line_length=80)",
    "## Fit\n\nPixels go in as they are, 0 to 255; training scales them to 0..1.",
    ">import tempfile\n\nfolder = tempfile.mkdtemp()\n"
    "run = fr.train(model, (train_images, train_labels), epochs=5, batch_size=128, out=folder)\n"
    "for line in run.history:\n"
    "    print(f\"epoch {line['epoch']}  loss {line['loss']:.4f}  accuracy {line['accuracy']:.4f}\")",
    "## Evaluate",
    '>verdict = fr.evaluate(run, (test_images, test_labels))\nprint(f"test {verdict}")',
    "## Predict",
    ">predictions = fr.predict(run, test_images)\npredictions[10]",
    ">fr.class_names[predictions[10].argmax()], fr.class_names[test_labels[10]]",
    "## Show\n\nGreen where right, red where wrong.",
    ">rows, columns = 5, 3\nplt.figure(figsize=(2 * 2 * columns, 2 * rows))\nfor i in range(rows * columns):\n"
    "    plt.subplot(rows, 2 * columns, 2 * i + 1)\n    fr.plot_image(i, predictions, test_labels, test_images)\n"
    "    plt.subplot(rows, 2 * columns, 2 * i + 2)\n    fr.plot_value_array(i, predictions, test_labels)\n"
    "plt.tight_layout()\nplt.show()",
    "## What to try next\n\nThree experiments, each one command; in a notebook put an exclamation mark before it.\n\n"
    "- `fittingroom tutorial --seed 1`: the same network from other starting weights. How far does the accuracy move "
    "by chance?\n- `fittingroom train --epochs 15 --validation 10000`: after which epoch does the accuracy on the "
    "images held out no longer rise?\n- `fittingroom train --model thin-conv --epochs 3 --validation 10000`: a network "
    "that looks at neighbouring pixels. Compare the accuracy on the images held out.",
)


def notebook() -> nbformat.NotebookNode:
    """Return the notebook without outputs; cells that begin with ``>`` are code."""
    cells = [new_code_cell(cell[1:]) if cell.startswith(">") else new_markdown_cell(cell) for cell in CELLS]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # a random id would make each writing another file
    return new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})


def main() -> None:
    """Run the notebook and write it."""
    made = notebook()
    NotebookClient(made, timeout=300, kernel_name="python3").execute()
    for cell in made.cells:
        cell.metadata.pop("execution", None)  # the times of this one run
    nbformat.write(made, sys.argv[1] if len(sys.argv) > 1 else FILE)


if __name__ == "__main__":
    main()
