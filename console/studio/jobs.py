"""A release takes effect on its day."""

from __future__ import annotations

from console.db import transaction
from console.jobs import job
from console.scope import System, become, current
from console.studio import publication


@job("studio.take_effect")
def take_effect(release_ids: list[int]) -> None:
    """Note what came into force and what it retired; running it again changes nothing."""
    for release_id in release_ids:
        with become(System("take_effect")), transaction() as session:
            publication.take_effect(session, release_id, actor=current())


SUBSCRIPTIONS = {publication.SCHEDULED: (take_effect,)}
