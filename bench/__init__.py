"""Measurements, started by hand: `make bench` and `python -m bench.…`. Nothing of the product imports this."""

from engine.models.quiet import quiet_libraries

quiet_libraries()
