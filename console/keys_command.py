"""`python -m console keys`: what lies under which key, and changing keys; docs/keys.md is the procedure."""

from __future__ import annotations

import argparse
import base64
import binascii
import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from config import Settings
from console import db, keys, process, secrecy
from console.scope import System, become


def run(options: argparse.Namespace) -> int:
    settings = process.begin("worker")
    if options.action == "status":
        return _status(settings)
    return _rotate(settings, batch=max(1, options.batch)) if options.action == "rotate" else _rehash(settings, options)


@contextmanager
def opening() -> Iterator[Session]:
    """A transaction as System, which row-level security honours for the worker's login."""
    with become(System("keys")), db.transaction() as session:
        yield session


def _status(settings: Settings) -> int:
    with opening() as session:
        counted = keys.status(session)
    first, unknown = next(iter(settings.data_keys)), False
    for name, idents in counted.items():
        print(f"{name:32} " + (", ".join(f"{ident} {count}{'' if ident in settings.data_keys else ' (NOT CONFIGURED)'}" for ident, count in sorted(idents.items())) or "-"))
        unknown = unknown or bool(idents.keys() - settings.data_keys.keys())
    left = sum(count for idents in counted.values() for ident, count in idents.items() if ident != first)
    print(f"New values are written under '{first}'; {left} lie under another key.")
    return 1 if unknown else 0


def _rotate(settings: Settings, *, batch: int) -> int:
    done = keys.rotate(opening, secrecy.Keys(dict(settings.data_keys), settings.hash_key), batch=batch, on_batch=lambda name, rows: print(f"{name}: {rows} rows"))
    print(f"{done.rewritten} rewritten under '{next(iter(settings.data_keys))}', {done.missed} changed by their owner meanwhile.")
    print("Left: " + (", ".join(f"{ident} {count}" for ident, count in sorted(done.left.items())) or "nothing. The old keys may go, once no backup needs them."))
    return 1 if done.left else 0


def _rehash(settings: Settings, options: argparse.Namespace) -> int:
    old = _key(options.old or os.environ.get("HASH_KEY_OLD", ""))
    if settings.fingerprint_key == settings.hash_key != old:
        raise process.NotReady("Set FINGERPRINT_KEY to the old HASH_KEY first: fingerprints of the audit and recovery codes are never made again (docs/keys.md).")
    with opening() as session:
        if others := keys.others_at_work(session):
            raise process.NotReady(f"{others} connections of web, worker, relay or cron are open. Stop them first: what they look up with the old key would not be found.")
        done = keys.rehash(session, old=old, new=settings.hash_key, leave=options.leave)
    for name, count in done.written.items():
        print(f"{name}: {count} made anew" + (f", {done.lost[name]} lost" if name in done.lost else ""))
    print("Start every process with the new HASH_KEY; HASH_KEY_OLD may go.")
    return 0


def _key(text: str) -> bytes:
    try:
        value = base64.b64decode(text, altchars=b"-_" if set(text) & {"-", "_"} else None, validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != 32:
        raise process.NotReady("The old key is needed: base64 of 32 bytes, in the variable HASH_KEY_OLD or after --from.")
    return value
