"""What the machine and the settings are: before anything is asked of a server."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509

from config import Settings
from console import process, words
from console.backup import programs
from console.doctor.finding import Finding, State, judged, look, well

LEAST_DAYS = 14  # of a certificate
LEAST_ROOM = 1.0  # GiB


@look("settings")
def settings(given: Settings) -> Iterator[Finding]:
    yield well("settings", f"mode {given.mode}, data in {given.data_dir}, https {'on' if given.https else 'off'}")


@look("SM3")
def digests(given: Settings) -> Iterator[Finding]:
    there = "sm3" in hashlib.algorithms_available
    yield judged("SM3", there, "available" if there else "missing", process.NO_SM3)


@look("words")
def catalogues(given: Settings) -> Iterator[Finding]:
    missing = [language for language in words.languages() if not (words.FOLDER / language / "LC_MESSAGES" / "messages.mo").exists()]
    yield judged("words", not missing, "translations are compiled" if not missing else f"not compiled: {', '.join(missing)}", "Run `python -m console words`: pages would mix languages.")


@look("disk")
def disk(given: Settings) -> Iterator[Finding]:
    folders = {"data": given.data_dir} | ({"files": Path(given.files_url)} if "://" not in given.files_url else {})
    for name, folder in folders.items():
        there = next(one for one in (folder, *folder.parents) if one.exists())
        usage = shutil.disk_usage(there)
        free = usage.free / 2**30
        yield judged(f"disk of {name}", free > LEAST_ROOM, f"{free:.1f} GiB of {usage.total / 2**30:.0f} free", f"Make room below {folder}: uploads and the queue stop when it is full.")


@look("certificate")
def certificate(given: Settings) -> Iterator[Finding]:
    """The doors as a browser meets them: a certificate that is trusted, for this name, and lasts."""
    if not given.https:
        yield judged("certificate", not given.is_production, "plain HTTP, as on trial", "Set HTTPS=on behind a proxy that speaks TLS.")
        return
    for name in dict.fromkeys(one for one in (given.portal_host, given.console_host) if one):
        host, _, port = name.partition(":")
        try:
            with socket.create_connection((host, int(port or 443)), timeout=5) as line, ssl.create_default_context().wrap_socket(line, server_hostname=host) as door:
                found = x509.load_der_x509_certificate(door.getpeercert(binary_form=True) or b"")
        except ssl.SSLCertVerificationError as error:
            yield Finding("certificate", State.BAD, f"{name}: {error.verify_message}", "Install a certificate for this name that browsers trust; a cookie with Secure is never sent without.")
        except (OSError, ssl.SSLError) as error:
            yield Finding("certificate", State.WARNING, f"{name} does not answer from here ({process.reason(error)})", "Look from outside whether the proxy answers; from here there may be no way to it.")
        else:
            left = (found.not_valid_after_utc - dt.datetime.now(dt.UTC)).days
            yield judged("certificate", left >= LEAST_DAYS, f"{name}: {left} days left", "Renew it before it ends: nobody gets in afterwards.")


@look("pg_dump")
def dump_programs(given: Settings) -> Iterator[Finding]:
    there = programs.installed()
    yield judged("pg_dump", bool(there), ", ".join(f"{one.version} in {one.folder}" for one in there) or "not installed here", "Install PostgreSQL's client programs: without them there is no backup from this machine.", otherwise=State.WARNING)
