"""The house that is backed up is also the one that is examined."""

from tests.console.backup.conftest import ours

__all__ = ["ours"]
