"""A release takes effect on its day; a replay goes through the past files."""

from __future__ import annotations

import time

from sqlalchemy.exc import OperationalError

from console import faults, outbox
from console.db import transaction
from console.jobs import job
from console.scope import System, become, current
from console.studio import publication
from console.studio.replay import services as replays

MOST_SECONDS = 60  # of one order: then another takes over, so that the lease of a message never runs out under the work


@job("studio.take_effect")
def take_effect(release_ids: list[int]) -> None:
    """Note what came into force and what it retired; running it again changes nothing."""
    for release_id in release_ids:
        with become(System("take_effect")), transaction() as session:
            publication.take_effect(session, release_id, actor=current())


@job("studio.replay", together=False)
def replay(replay_ids: list[int]) -> None:
    """Go on with these replays from where their rows say; a second worker at the same one takes turns with the first."""
    until = time.monotonic() + MOST_SECONDS
    for replay_id in replay_ids:
        try:
            while _step(replay_id):
                if time.monotonic() > until:
                    with become(System("replay")), transaction() as session:
                        outbox.publish(session, replays.ASKED, [replay_id])
                    break
        except OperationalError:  # the database went away: the message comes again, the row knows how far it was
            raise
        except Exception as error:
            with become(System("replay")), transaction() as session:
                replays.fail(session, replay_id, faults.told(error))
            raise


def _step(replay_id: int) -> bool:
    with become(System("replay")), transaction() as session:
        return replays.step(session, replay_id)


SUBSCRIPTIONS = {publication.SCHEDULED: (take_effect,), replays.ASKED: (replay,)}
