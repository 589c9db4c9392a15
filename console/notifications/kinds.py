"""What a letter is to its reader: something to act on, progress, or good to know. By these people choose how they are told.

Pure: who is told by which channel, and when, follows from what they chose and which of their addresses work.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from console.errors import N_
from console.post.channels import MAIL, SMS


@dataclass(frozen=True)
class Kind:
    """A kind of letters. A `must` is a decision, or something with a deadline: one way out of the house stays open for it."""

    name: str
    title: str
    says: str
    events: frozenset[str]
    must: bool = False


KINDS = (
    Kind(
        "act",
        N_("决定和要您办的事"),
        N_("补正、培训和考试、不予通过、复核结果、入库、到期提醒、期限顺延、失效"),
        frozenset({
            "returned", "passed_review", "exam_failed", "refused", "reconsideration_granted", "reconsideration_refused", "admitted", "reminder", "lapsed", "deadline_moved",
        }),
        must=True,
    ),
    Kind(
        "progress",
        N_("办到哪一步了"),
        N_("受理、补正收到、考试合格、列入公示、异议、复核收到、指派部门"),
        frozenset({
            "submitted", "corrected", "exam_passed", "notice_opened", "notice_extended", "objection_received", "objection_dismissed", "reconsideration_received", "assigned",
        }),
    ),
    Kind("other", N_("其他"), N_("撤回的确认、对申报事项的说明"), frozenset({"withdrawn", "flagged"})),
)  # fmt: skip
CHANNELS = (MAIL, SMS)  # those people choose among: the letter in the portal is always there
_BY_EVENT = {event: kind for kind in KINDS for event in kind.events}


def kind_of(event: str) -> Kind:
    """What is not listed is to be acted on: nobody misses it because a list was forgotten."""
    return _BY_EVENT.get(event, KINDS[0])


def muting(kind: Kind, channel: str) -> str:
    """How it is written down that a person wants nothing of this kind there."""
    return f"{kind.name}:{channel}"


@dataclass(frozen=True)
class Reach:
    """Where a person can be reached, and what they want nothing of."""

    has_email: bool
    email_failed: bool = False
    muted: Collection[str] = ()
    phone_failed: bool = False

    @property
    def addresses(self) -> tuple[str, ...]:
        """The channels whose address works; everybody has a phone, by which they signed up, but not everybody's rings. With none, letters stand in the portal alone."""
        return (MAIL,) * (self.has_email and not self.email_failed) + (SMS,) * (not self.phone_failed)

    def works_without(self, channel: str) -> bool:
        """Whether another channel reaches this person."""
        return any(one != channel for one in self.addresses)

    def channels(self, event: str) -> tuple[str, ...]:
        """By which a letter goes out. Of what must be told, nothing is left out when else no channel were left."""
        kind = kind_of(event)
        wanted = tuple(channel for channel in self.addresses if muting(kind, channel) not in self.muted)
        return wanted or (self.addresses if kind.must else ())
