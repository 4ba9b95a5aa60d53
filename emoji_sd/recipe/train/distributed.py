"""Two processes, a thread each, teach one model: on two cores half as fast again as one process with two threads.

Small layers do not share out well over threads; whole half-batches do. Gradients are summed through gloo in bf16.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn

HALVES = 2  # of a step's batch; a process alone computes one after the other


class ProcessGroup:
    """Which halves of a batch this process computes, and how gradients and the wish to stop come together."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    @classmethod
    def join(cls, rank: int, rendezvous: Path) -> "ProcessGroup":
        """Meet the other process through the file `rendezvous`, which must not exist before."""
        torch.set_num_threads(1)
        dist.init_process_group(
            "gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=HALVES, timeout=timedelta(hours=12)
        )
        return cls(rank, HALVES)

    def halves(self) -> Iterable[int]:
        """The halves that are this process's."""
        return range(HALVES)[self.rank :: self.size]

    def all_reduce(self, parameters: list[nn.Parameter], stop: bool) -> bool:
        """Sum the gradients over the group; True when anybody wants to stop."""
        if self.size == 1:
            return stop
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat(
            [gradient.reshape(-1).bfloat16() for gradient in gradients]
            + [torch.tensor([float(stop)], dtype=torch.bfloat16)]
        )
        dist.all_reduce(flat)
        parts = torch.split(flat[:-1], [gradient.numel() for gradient in gradients])
        torch._foreach_copy_(gradients, [p.view_as(g) for p, g in zip(parts, gradients, strict=True)])
        return bool(flat[-1] > 0)

    def spread(self, work: Callable[[torch.Tensor], torch.Tensor], tensors: list[torch.Tensor]) -> list[torch.Tensor]:
        """`work` done on every tensor by one of the group; all know the results (of the same shapes, in bf16)."""
        if self.size == 1:
            return [work(tensor) for tensor in tensors]
        by_size = sorted(range(len(tensors)), key=lambda i: (tensors[i].numel() * min(tensors[i].shape), i))
        shares = [by_size[rank :: self.size] for rank in range(self.size)]
        done = [torch.empty(sum(tensors[i].numel() for i in share), dtype=torch.bfloat16) for share in shares]
        found = {
            i: part.view(tensors[i].shape)
            for share, flat in zip(shares, done, strict=True)
            for i, part in zip(share, torch.split(flat, [tensors[i].numel() for i in share]), strict=True)
        }
        for i in shares[self.rank]:
            found[i].copy_(work(tensors[i]))
        for rank, flat in enumerate(done):
            dist.broadcast(flat, src=rank)
        return [found[i] for i in range(len(tensors))]
