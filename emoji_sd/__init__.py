"""The embedded model: its weights, and beside them the recipe that made them. Importing this loads neither."""

from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"  # the engine finds it by the entry point `emoji` of styleseal.models
