"""Where the gateway reports what became of short messages. A machine asks here, without a session: what it says is signed under a shared secret, and
each message is named by a key that only we could have made."""

from __future__ import annotations

import json

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue

from console import outbox
from console.db import transaction
from console.post import tokens
from console.post.reports import Report
from console.post.webhook import is_signed

machines = Blueprint("machines", __name__)

MOST = 64_000  # bytes
MANY = 200  # messages in one report
STATUSES = {"delivered": (2, 0, 0), "failed": (5, 0, 0), "no_such_number": (5, 1, 1)}


@machines.post("/messages/status")
def message_status() -> ResponseReturnValue:
    """`{"messages": [{"key", "status": delivered | failed | no_such_number}]}`, signed as our own webhooks are; docs/notifications.md.

    What is not signed, or cannot be read, is 400 and changes nothing; a key that is not ours, or names an earlier sending, is passed over.
    """
    secret, stamp, said = current_app.config["RUKU"].sms_status_secret, request.headers.get("X-Ruku-Timestamp", ""), request.headers.get("X-Ruku-Signature", "")
    if (request.content_length or 0) > MOST:
        return "", 400
    content = request.get_data(cache=False)[:MOST]
    if not secret or not is_signed(secret, stamp, content, said):
        return "", 400
    try:
        messages = json.loads(content)["messages"]
        told = [(str(one["key"]), STATUSES[one["status"]]) for one in messages][: MANY + 1]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", 400
    if len(told) > MANY:
        return "", 400
    with transaction() as session:
        for kind in ("delivery", "register_letter"):
            named = [(sent, status) for key, status in told if (sent := tokens.read(key)) is not None and sent.kind == kind]
            outbox.publish(session, f"{kind}.reported", [Report(sent.id, sent.round, status).packed() for sent, status in named])
    return "", 204
