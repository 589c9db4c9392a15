"""`python -m console audit`: verify everything, seal what is new, write down the published heads, or hand out the entries themselves."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from console import audit, audit_verifier, db, logins, process
from console.audit import AuditEntry, AuditLink
from console.scope import System, become

ACTOR = System("audit")


def run(options: argparse.Namespace) -> int:
    settings = process.begin("worker")
    if options.action == "verify":
        given = [logins.plain(settings.database_worker_url), "--wait", options.wait]
        given += ["--anchors", options.anchors] if options.anchors else []
        with become(ACTOR), db.transaction() as session:
            given += [part for name in audit.earlier_owners(session) for part in ("--owner", name)]
        return audit_verifier.main([*given, *(["--json"] if options.json else [])])
    with become(ACTOR), db.transaction() as session:
        if options.action == "seal":
            print(f"{audit.seal(session)} entries sealed.")
        elif options.action == "anchors":
            print(json.dumps({"format": 1, "anchors": audit.published(session)}, ensure_ascii=False, indent=1))
        else:
            for line in _lines(session):
                sys.stdout.write(line)
    return 0


def _lines(session: Session) -> Iterator[str]:
    """One JSON object per link, chain by chain: with it anybody computes both chains again without the database."""
    rows = session.execute(
        select(AuditLink.stream, AuditLink.seq, AuditLink.hash, AuditLink.sm3, AuditEntry.id, AuditEntry.xid, AuditEntry.leaf, AuditEntry.body)
        .join(AuditEntry, AuditEntry.id == AuditLink.entry_id)
        .order_by(AuditLink.stream, AuditLink.seq)
        .execution_options(yield_per=5_000)
    )
    for stream, seq, sha256, sm3, entry, xid, leaf, body in rows:
        told: dict[str, Any] = {"stream": stream, "seq": seq, "entry": entry, "xid": xid, "leaf": leaf, "sha256": sha256, "sm3": sm3, "body": body}
        yield json.dumps(told, ensure_ascii=False) + "\n"
