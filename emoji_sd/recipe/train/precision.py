"""Half precision where the processor multiplies in it: elsewhere torch's bf16 is 16 to 19 times slower than fp32."""

import torch


def has_bf16(device: torch.device) -> bool:
    """Whether products of bf16 are quicker than fp32 there. Every GPU that is at hand is taken to have them."""
    if device.type != "cpu":
        return True
    found = torch.cpu.get_capabilities()
    return any(found.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))  # x86, x86, ARM


def halved(device: torch.device) -> torch.autocast:
    """Products within are of bf16 where `has_bf16`, and of fp32 elsewhere; the rest is left to torch's autocast."""
    return torch.autocast(device.type, torch.bfloat16, enabled=has_bf16(device))
