"""The Keras walk-through of Fashion-MNIST as a plain script: load, look, train, evaluate, predict, show.

Run it with `python examples/walkthrough.py`; it saves its pictures beside itself, or into the folder named after it.
"""

import sys
from pathlib import Path

import fittingroom as fr  # before keras: it chooses the PyTorch backend
import keras
import matplotlib.pyplot as plt

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent

# Load
(train_images, train_labels), (test_images, test_labels) = fr.load_data()
print(train_images.shape, train_labels.shape, test_images.shape, test_labels.shape)

# Look
plt.figure()
plt.imshow(train_images[0])
plt.colorbar()
plt.savefig(folder / "first-image.png")

# Build and compile: an ordinary Keras model
keras.utils.set_random_seed(0)
model = keras.Sequential(
    [keras.Input((784,)), keras.layers.Dense(128, activation="relu"), keras.layers.Dense(10, activation="softmax")]
)
model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.summary()

# Fit: pixels go in as they are, 0..255; training scales them to 0..1
run = fr.train(model, (train_images, train_labels), epochs=5, batch_size=128, out=folder / "run")
print(f"training accuracy: {run.history[-1]['accuracy']:.4f}")

# Evaluate
verdict = fr.evaluate(run, (test_images, test_labels))
print(f"test {verdict}")

# Predict
predictions = fr.predict(run, test_images)
print(predictions[10], fr.class_names[predictions[10].argmax()], fr.class_names[test_labels[10]])

# Show: the first 15 test images; green where right, red where wrong
rows, columns = 5, 3
plt.figure(figsize=(2 * 2 * columns, 2 * rows))
for i in range(rows * columns):
    plt.subplot(rows, 2 * columns, 2 * i + 1)
    fr.plot_image(i, predictions, test_labels, test_images)
    plt.subplot(rows, 2 * columns, 2 * i + 2)
    fr.plot_value_array(i, predictions, test_labels)
plt.tight_layout()
plt.savefig(folder / "grid.png")
