"""A plain, well-written PyTorch loop for the networks of the benchmark: data in memory, no DataLoader, no framework.

Usage: peer_plain_torch.py JOB EPOCHS; prints the seconds of each epoch as a JSON list.
"""

from __future__ import annotations

import json
import sys
import time

import torch
from torch import nn

import fittingroom as fr


def walkthrough() -> tuple[nn.Module, torch.optim.Optimizer, int]:
    """Dense 128 and Dense 10; RMSprop with Keras's constants; batches of 128."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    return model, torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.9, eps=1e-7, foreach=True), 128


def thin_conv() -> tuple[nn.Module, torch.optim.Optimizer, int]:
    """Three groups of 16, 32 and 64 channels, channels last, fused batch normalisation; Adam; batches of 256."""
    layers: list[nn.Module] = []
    before = 1
    for channels in (16, 32, 64):
        for pooled in (True, False):
            layers.append(nn.Conv2d(before, channels, 3, padding=1, bias=False))
            layers += [nn.MaxPool2d(2)] if pooled else []
            layers += [nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01), nn.ReLU(inplace=True)]
            before = channels
    model = nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(64, 10))
    model = model.to(memory_format=torch.channels_last)
    return model, torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, foreach=True), 256


def epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer, size: int, images: torch.Tensor, labels: torch.Tensor
) -> float:
    """Train on every image once; return the accuracy as it learned."""
    right = torch.zeros((), dtype=torch.int64)
    for rows in torch.randperm(len(labels)).split(size):
        batch = images[rows].to(torch.float32, memory_format=torch.channels_last).mul_(1 / 255)
        truth = labels[rows]
        outputs = model(batch)
        loss = nn.functional.cross_entropy(outputs, truth)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        right += (outputs.detach().argmax(dim=1) == truth).sum()
    return float(right) / len(labels)


def main() -> None:
    """Train and print."""
    job, epochs = sys.argv[1], int(sys.argv[2])
    torch.manual_seed(0)
    train = fr.load().train
    images, labels = torch.from_numpy(train.images)[:, None], torch.from_numpy(train.labels).long()
    model, optimizer, size = {"walkthrough": walkthrough, "thin-conv": thin_conv}[job]()
    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        accuracy = epoch(model, optimizer, size, images, labels)
        seconds.append(time.perf_counter() - start)
        print(f"accuracy {accuracy:.4f}", file=sys.stderr)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
