"""Small networks of kinds that people export, for 28x28 images and ten classes: a new kind is one line."""

import keras
import torch
from torch import nn

L = keras.layers


def sequential(*layers):
    return keras.Sequential([keras.Input((28, 28)), *layers])


def ends():
    return L.Flatten(), L.Dense(10, activation="softmax")


def attention():
    inputs = keras.Input((28, 28))
    values = L.LayerNormalization()(inputs + L.MultiHeadAttention(2, 8)(inputs, inputs))
    return keras.Model(inputs, L.Dense(10, activation="softmax")(L.GlobalAveragePooling1D()(values)))


class OwnKeras(keras.Model):
    def __init__(self):
        super().__init__()
        self.flat, self.drop, self.out = L.Flatten(), L.Dropout(0.5), L.Dense(10)

    def call(self, inputs, training=False):
        return self.out(self.drop(self.flat(inputs), training=training))


class Convolutional(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.5))
        self.out = nn.Linear(8, 10)

    def forward(self, images):
        return self.out(self.layers(images).mean((2, 3)))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(28, 2, 32, batch_first=True), 1)
        self.out = nn.Linear(28, 10)

    def forward(self, rows):
        return self.out(self.encoder(rows.reshape(-1, 28, 28)).mean(1))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cells, self.out = nn.GRU(28, 16, batch_first=True), nn.Linear(16, 10)

    def forward(self, rows):
        return self.out(self.cells(rows)[0][:, -1])


NETWORKS = {
    "augmentation": lambda: sequential(
        L.Reshape((28, 28, 1)),
        L.RandomFlip(),
        L.RandomRotation(0.1),
        L.RandomZoom(0.1),
        L.RandomTranslation(0.1, 0.1),
        L.RandomContrast(0.1),
        L.GaussianNoise(0.1),
        L.Dropout(0.5),
        *ends(),
    ),
    "group norm": lambda: sequential(L.Reshape((28, 28, 1)), L.Conv2D(8, 3), L.GroupNormalization(2), *ends()),
    "separable": lambda: sequential(
        L.Reshape((28, 28, 1)), L.SeparableConv2D(8, 3, strides=2, padding="same"), L.BatchNormalization(), *ends()
    ),
    "gelu": lambda: sequential(L.Flatten(), L.Dense(16, activation="gelu"), L.UnitNormalization(), L.Dense(10)),
    "adapted": lambda: sequential(L.Normalization(mean=72.0, variance=8000.0), *ends()),
    "own Keras": OwnKeras,
    "torch": Convolutional,
    "torch, recurrent": Recurrent,
}
NEWER = {  # what only Torch's newer exporter can say
    "layer norm": lambda: sequential(L.LayerNormalization(), *ends()),
    "attention": attention,
    "torch, encoder": Encoder,
}


def built(name):
    """Return a network of the table, the same weights every time."""
    keras.utils.set_random_seed(0)
    torch.manual_seed(0)
    return (NETWORKS | NEWER)[name]()
