"""The engine: owns the GPU. Nothing here speaks to people."""

import os

# Read by OpenMP when torch is loaded, so it must stand before any import of torch. Threads that spin at barriers beside
# other processes (bot, browser) made a U-Net step on two cores 10–20 times slower; asleep they cost next to nothing.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
