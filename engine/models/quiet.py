"""Keeps the libraries that load models quiet on a newcomer's screen; log lines themselves are storage's."""

from __future__ import annotations

import os
import sys
import warnings

QUIET = {
    "TRANSFORMERS_VERBOSITY": "error",  # "requires torchvision": we hand it no picture
    "DIFFUSERS_VERBOSITY": "error",  # "kept in float32": so we want it
    "TQDM_DISABLE": "1",  # bars over parts and weights; a download has its own, on a terminal
}
LIBRARIES = r"(accelerate|diffusers|huggingface_hub|peft|safetensors|torch|transformers)(\.|$)"


def quiet_libraries() -> None:
    """Call before a library is imported: each reads its variable then. What the environment says already stays.

    What a library will change is for us to heed, in the tests, where every warning is an error.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if not sys.warnoptions:
        for kind in (DeprecationWarning, FutureWarning):
            warnings.filterwarnings("ignore", category=kind, module=LIBRARIES)
