"""The recipe of the embedded model, step by step: `python -m emoji_sd --help`.

    data → vae → latents → decoder → mean-latents → cross-attention → align → train (as many sessions as you like)
      → cooldown → export
    judge → evaluate → seal
    data → evaluate, seal: what ships, judged by the judge that ships
    data → from-shipped → latents → train: what ships, trained on without beginning anew

Everything resumes where it stopped. What is not the result lies under build/emoji_sd.
"""

from __future__ import annotations

import torch
import typer

from emoji_sd.recipe.data import commands as data
from emoji_sd.recipe.judge import commands as judge
from emoji_sd.recipe.train import commands as train
from engine.models.allocator import keep_freed_memory

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
for part in (data.app, train.app, judge.app):
    app.add_typer(part)

if __name__ == "__main__":
    keep_freed_memory()
    torch.set_num_threads(2)
    app()
