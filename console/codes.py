"""Codes that people read out, type and keep: drawn by chance, and no letter in them is taken for another."""

from __future__ import annotations

import secrets

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # 32 of them: each letter is five bits


def drawn(length: int) -> str:
    """That many letters and digits, each five bits of chance."""
    return "".join(_LETTERS[byte & 31] for byte in secrets.token_bytes(length))


def receipt() -> str:
    """What somebody finds their own again with: four times four, 80 bits."""
    return "-".join(drawn(4) for _ in range(4))
