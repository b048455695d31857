"""The JEM authors' network written again in PyTorch, and its checkpoints as files."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="pip install '.[pytorch]'")

from tests.pytorch import authors

nn = torch.nn
leaky = nn.LeakyReLU(0.2)


class Block(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        self.conv2 = nn.Conv2d(after, after, 3, stride, padding=1)
        changes = stride > 1 or before != after
        self.shortcut = nn.Sequential(
            *([nn.Conv2d(before, after, 1, stride)] if changes else [])
        )

    def forward(self, x):
        return self.shortcut(x) + self.conv2(leaky(self.conv1(leaky(x))))


class Features(nn.Module):
    def __init__(self, depth, width):
        super().__init__()
        blocks, before = (depth - 4) // 6, 16
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
        for group in (1, 2, 3):
            after = 2 ** (group + 3) * width
            first = Block(before, after, 1 if group == 1 else 2)
            others = [Block(after, after, 1) for _ in range(blocks - 1)]
            setattr(self, f"layer{group}", nn.Sequential(first, *others))
            before = after
        self.linear = nn.Linear(before, 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.conv1(x))))
        return nn.functional.avg_pool2d(leaky(x), 8).flatten(1)


class Twin(nn.Module):
    """Images [B, 3, 32, 32] -> logits [B, classes]; weights of `authors.state`."""

    def __init__(self, depth=10, width=1, classes=10, seed=0):
        super().__init__()
        self.f = Features(depth, width)
        self.energy_output = nn.Linear(64 * width, 1)
        self.class_output = nn.Linear(64 * width, classes)
        self.load_state_dict(tensors(authors.state(depth, width, classes, seed)))

    def forward(self, x):
        return self.class_output(self.f(x))


def tensors(state):
    return {name: torch.from_numpy(np.array(state[name])) for name in state}


def readings(network, images):
    """Logits [B, K], E(x) [B] and dE(x)/dx [B, 3, 32, 32] of images [B, 3, 32, 32]."""
    x = torch.from_numpy(images).requires_grad_()
    logits = network(x)
    energy = -torch.logsumexp(logits, 1)
    (gradient,) = torch.autograd.grad(energy.sum(), x)
    return [tensor.detach().numpy() for tensor in (logits, energy, gradient)]


def save(path, content, *, zipped=True):
    """torch.save in its zipped form, or in the one of the authors' time."""
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


def checkpoint(state=None, images=None):
    """What their code saves."""
    state = tensors(authors.state() if state is None else state)
    images = torch.from_numpy(authors.images(3) if images is None else images)
    return {"model_state_dict": state, "replay_buffer": images}
