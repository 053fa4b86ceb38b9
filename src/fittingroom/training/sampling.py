"""Random numbers for augmentation, a row an image, from one generator."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Sampler:
    """Random numbers for a batch.

    Attributes:
        n: images in the batch.
        generator: where they come from, on the images' device.
        strength: of every deformation: 1 is the full one.
    """

    n: int
    generator: Generator
    strength: float = 1.0

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Return numbers between two, ``(n, *shape)``."""
        random = torch.rand((self.n, *shape), generator=self.generator, device=self.generator.device)
        return random * (high - low) + low

    def normal(self, deviation: float, *shape: int) -> Tensor:
        """Return normal numbers of mean 0, ``(n, *shape)``; the deviation is for full strength."""
        random = torch.randn((self.n, *shape), generator=self.generator, device=self.generator.device)
        return random * (deviation * self.strength)

    def coin(self, share: float, *shape: int) -> Tensor:
        """Return True with a chance, ``(n, *shape)``."""
        return self.uniform(0.0, 1.0, *shape) < share

    def clouds(self, bumps: int, side: int, channels: int = 1) -> Tensor:
        """Return smooth noise of deviation near 1, ``(n, channels, side, side)``, with so many bumps along a side."""
        noise = self.normal(1.0, channels, bumps, bumps) / max(self.strength, 1e-9)
        return functional.interpolate(noise, (side, side), mode="bicubic", align_corners=True)
