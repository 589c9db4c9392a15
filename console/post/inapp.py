"""The letter itself, as its reader finds it after signing in. It is there with the transaction that wrote it, cannot fail and cannot be
switched off: this is the copy that counts, and every other channel only tells of it."""

from __future__ import annotations

from console.errors import N_
from console.post.channels import INAPP, Channel

CHANNEL = Channel(INAPP, N_("站内"), address=None, settings=(), open=None)
