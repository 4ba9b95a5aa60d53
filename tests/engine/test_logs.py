"""Log lines hold no secrets."""

from __future__ import annotations

import logging

from engine.logs import mask_record, mask_secrets

TOKEN = "123456789:AAHfiqksKZ8WmR2zSjiQ7_v4TMAKdiHm9T0"


def test_a_bot_token_or_hub_token_is_masked_in_structured_lines() -> None:
    line = mask_secrets(None, "info", {"event": f"GET /bot{TOKEN}/getMe", "token": "hf_abcdefghijkl", "job": 3})
    assert TOKEN not in str(line)
    assert "hf_abc" not in str(line)
    assert line["job"] == 3


def test_a_bot_token_is_masked_in_plain_lines_and_their_arguments() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "calling %s", (f"/bot{TOKEN}/x",), None)
    assert mask_record(record)
    assert TOKEN not in record.getMessage()
