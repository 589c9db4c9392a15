"""Letters and messages written by the worker, and the carrying of deliveries."""

from __future__ import annotations

from console.db import transaction
from console.errors import N_
from console.jobs import Sweep, job
from console.notifications import account_notices, bounces, deliveries, digests, moved_deadlines, services
from console.notifications.models import AccountNotice, BounceBox, Delivery, Digest
from console.post import one_by_one
from console.post.carriage import Carriage
from console.scope import System, become
from rules.pipeline import Step


@job("notifications.write_wanted")
def write_wanted(entry_ids: list[int]) -> None:
    """Write the letters of moves whose officer could no longer see the applicant."""
    with become(System("letters")), transaction() as session:
        services.tell_entries(session, entry_ids)


@job("notifications.tell_offices")
def tell_offices(admission_ids: list[int]) -> None:
    """Leave a message at the offices these files were pushed to."""
    with become(System("letters")), transaction() as session:
        services.tell_offices(session, admission_ids)


@job("notifications.tell_exam_failed")
def tell_exam_failed(attempt_ids: list[int]) -> None:
    """Tell who failed a try and has another."""
    with become(System("letters")), transaction() as session:
        services.tell_about(session, "exam_failed", attempt_ids)


@job("notifications.tell_notice_opened")
def tell_notice_opened(notice_ids: list[int]) -> None:
    """Tell everybody on these notices."""
    with become(System("letters")), transaction() as session:
        services.tell_notice(session, notice_ids)


@job("notifications.tell_notice_extended")
def tell_notice_extended(extension_ids: list[int]) -> None:
    """Tell who is still shown that the notice runs longer."""
    with become(System("letters")), transaction() as session:
        services.tell_extended(session, extension_ids)


@job("notifications.tell_objection_received")
def tell_objection_received(objection_ids: list[int]) -> None:
    """Tell who is held by these objections; not who objected."""
    with become(System("letters")), transaction() as session:
        services.tell_about(session, "objection_received", objection_ids)


@job("notifications.tell_objection_dismissed")
def tell_objection_dismissed(objection_ids: list[int]) -> None:
    """Tell who is free again."""
    with become(System("letters")), transaction() as session:
        services.tell_about(session, "objection_dismissed", objection_ids)


@job("notifications.tell_deadline_moved")
def tell_deadline_moved(admission_ids: list[int]) -> None:
    """Tell who has more time because the calendar changed."""
    with become(System("letters")), transaction() as session:
        moved_deadlines.tell_applicants(session, admission_ids)


@job("notifications.tell_notice_deadline_moved")
def tell_notice_deadline_moved(notice_ids: list[int]) -> None:
    """Tell who is shown for longer because the calendar changed."""
    with become(System("letters")), transaction() as session:
        moved_deadlines.tell_shown(session, notice_ids)


@job("notifications.tell_offices_of_moved_deadlines")
def tell_offices_of_moved_deadlines(office_ids: list[int]) -> None:
    """Tell the offices that have more time."""
    with become(System("letters")), transaction() as session:
        moved_deadlines.tell_offices(session, office_ids)


@job("notifications.remind")
def remind() -> int:
    """Once a day: remind who must act soon."""
    with become(System("letters")), transaction() as session:
        return services.remind(session)


@job("notifications.deliver")
def deliver(delivery_ids: list[int]) -> int:
    """Try these deliveries, each in its own transaction, over one connection; returns how many were tried."""
    with become(System("deliver")):
        return one_by_one.carry(delivery_ids, deliveries.deliver)


@job("notifications.take_reports")
def take_reports(numbers: list[int]) -> None:
    """Note what the mail server or the gateway says later about deliveries they took."""
    with become(System("deliver")), transaction() as session:
        deliveries.take_reports(session, numbers)


@job("notifications.read_bounces")
def read_bounces(box_ids: list[int]) -> None:
    """Look into the folder in which mail comes back."""
    with become(System("deliver")):
        for box_id in box_ids:
            with transaction() as session:
                known, unknown = bounces.read(session, box_id)
            bounces.put_away(known, unknown)


@job("notifications.write_digests")
def write_digests() -> int:
    """Once a working day: what waits, for each officer who wants it by mail."""
    with become(System("letters")), transaction() as session:
        return digests.write(session)


@job("notifications.deliver_digests")
def deliver_digests(digest_ids: list[int]) -> int:
    """Try these mails, each in its own transaction; returns how many were tried."""
    with become(System("deliver")):
        return one_by_one.carry(digest_ids, digests.deliver)


@job("notifications.try_digests_again")
def try_digests_again(digest_ids: list[int]) -> None:
    """Put given-up morning mails back in the queue."""
    with become(System("deliver")), transaction() as session:
        digests.try_again(session, digest_ids)


@job("notifications.take_digest_reports")
def take_digest_reports(numbers: list[int]) -> None:
    """Note what the mail server says later about morning mails it took."""
    with become(System("deliver")), transaction() as session:
        digests.take_reports(session, numbers)


@job("notifications.deliver_account_notices")
def deliver_account_notices(notice_ids: list[int]) -> int:
    """Try these notices about accounts, each in its own transaction; returns how many were tried."""
    with become(System("deliver")):
        return one_by_one.carry(notice_ids, account_notices.deliver)


@job("notifications.try_again")
def try_again(delivery_ids: list[int]) -> None:
    """Put given-up deliveries back in the queue."""
    with become(System("deliver")), transaction() as session:
        deliveries.try_again(session, delivery_ids)


ON_MOVE = (services.tell_moves,)
ON_ENTER = {Step.ROSTER: services.tell_admitted}  # after the roster's own: rooms are joined in order
SUBSCRIPTIONS = {
    "letters.wanted": (write_wanted,),
    "admission.entered_first_review": (tell_offices,),
    "admission.entered_second_review": (tell_offices,),
    "admission.entered_assignment": (tell_offices,),
    "admission.entered_reconsideration": (tell_offices,),
    "exam.try_failed": (tell_exam_failed,),
    "notice.opened": (tell_notice_opened,),
    "notice.extended": (tell_notice_extended,),
    "objection.received": (tell_objection_received,),
    "objection.dismissed": (tell_objection_dismissed,),
    "deadline.moved": (tell_deadline_moved,),
    "notice.deadline_moved": (tell_notice_deadline_moved,),
    "deadline.moved_at_offices": (tell_offices_of_moved_deadlines,),
    "delivery.retry_asked": (try_again,),
    "delivery.reported": (take_reports,),
    "digest.retry_asked": (try_digests_again,),
    "digest.reported": (take_digest_reports,),
}
SWEEPS = (
    Sweep(deliver, Delivery, Delivery.due_at, deliveries.waiting, batch=50),
    Sweep(read_bounces, BounceBox, BounceBox.due_at, bounces.is_read),
    Sweep(deliver_digests, Digest, Digest.due_at, digests.waiting, batch=50),
    Sweep(deliver_account_notices, AccountNotice, AccountNotice.due_at, account_notices.waiting, batch=50),
)
DAILY = (remind, write_digests)
CARRIAGES = (Carriage("letters", N_("办件函件"), Delivery, "delivery.retry_asked"), Carriage("digests", N_("早报"), Digest, "digest.retry_asked"))
