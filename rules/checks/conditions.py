"""Conditions: what nobody can meet, what everybody meets, and branches that decide nothing."""

from __future__ import annotations

from rules.checks.remarks import Notes


def check(notes: Notes) -> None:
    """Nothing yet."""
