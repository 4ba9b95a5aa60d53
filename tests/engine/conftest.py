"""Keeps the tests of the engine from fighting over two cores."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
