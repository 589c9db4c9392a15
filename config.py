"""Every setting, from the environment, checked before anything starts.

`load()` reads all of them and reports every bad one together. What a variable means stands in the field's metadata; README's
table is tested against it. Outside production a command that finds no `DATABASE_URL` talks to the servers that
`python -m console run` started on this data folder.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rules.quiet_hours import QuietHours


class Mode(StrEnum):
    """`production` refuses whatever is only for trial: embedded servers, plain HTTP, a simulated clock."""

    PRODUCTION = "production"
    DEMO = "demo"
    TEST = "test"


class TotpFor(StrEnum):
    """Who must sign in with a second step; everybody else may."""

    EVERYONE = "everyone"
    ADMINS = "admins"
    NOBODY = "nobody"


class ConfigProblems(Exception):
    """What is wrong with the environment; `problems` has one sentence per variable."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        count = len(problems)
        title = "The settings have a problem:" if count == 1 else f"The settings have {count} problems:"
        super().__init__("\n  - ".join([title, *problems]))


def _setting(env: str, meaning: str, default: str, **options: Any) -> Any:
    """A field read from `env`; `default` is the text shown in README ("required" and "empty" are said in words)."""
    return field(metadata={"env": env, "meaning": meaning, "default": default}, **options)


@dataclass(frozen=True)
class Settings:
    """The process's settings; secrets are left out of its repr."""

    mode: Mode = _setting("RUKU_MODE", "`production`, `demo` or `test`", "demo")
    database_url: str = _setting(
        "DATABASE_URL", "PostgreSQL of the web processes: a login in the group `ruku_app`", "embedded", repr=False
    )
    database_worker_url: str = _setting(
        "DATABASE_WORKER_URL",
        "PostgreSQL of worker, relay and cron: a login in `ruku_app` and `ruku_worker`",
        "embedded",
        repr=False,
    )
    database_owner_url: str | None = _setting(
        "DATABASE_OWNER_URL",
        "PostgreSQL of `migrate`, `seed`, `roles`, `clock`: the owner of the tables; not needed by the web",
        "embedded",
        repr=False,
    )
    redis_url: str = _setting("REDIS_URL", "Redis ≥ 6.2 or Valkey: `redis://`, `rediss://` or `unix://`", "embedded", repr=False)
    data_dir: Path = _setting(
        "DATA_DIR",
        "folder of the embedded servers, files and logs",
        "`~/.local/share/ruku`; `/var/lib/ruku` as root",
    )
    files_url: str = _setting("FILES_URL", "where uploaded files lie: a folder or an fsspec URL such as `s3://bucket`", "`DATA_DIR/files`")
    secret_key: str = _setting("SECRET_KEY", "signs the console's cookies; 32 random bytes or more", "made once by `run`", repr=False)
    portal_secret_key: str = _setting("PORTAL_SECRET_KEY", "the same for the portal; never the same value", "made once by `run`", repr=False)
    data_keys: Mapping[str, bytes] = _setting(
        "DATA_KEYS",
        "keys that encrypt personal values: `id:base64` of 32 bytes each, comma-separated; the first writes, all read",
        "made once by `run`",
        repr=False,
    )
    bundle_keys: Mapping[str, bytes] = _setting(
        "BUNDLE_KEYS",
        "public keys of those whose signed bundles are known: `name:base64` as `bundle keygen` prints it, comma-separated",
        "empty",
    )
    hash_key: bytes = _setting("HASH_KEY", "base64 of the 32 bytes under which personal values are found again", "made once by `run`", repr=False)
    fingerprint_key: bytes = _setting(
        "FINGERPRINT_KEY",
        "the same for what is never made again: the audit's fingerprints, recovery codes; stays when `HASH_KEY` changes",
        "`HASH_KEY`",
        repr=False,
    )
    https: bool = _setting("HTTPS", "`on`: cookies are `Secure` and `__Host-`; production requires it", "off")
    console_host: str | None = _setting("CONSOLE_HOST", "host name of the console when it has its own; empty: under `/console`", "empty")
    portal_host: str | None = _setting("PORTAL_HOST", "host name of the portal; required in production", "empty")
    trusted_hosts: tuple[str, ...] = _setting("TRUSTED_HOSTS", "further host names that are answered, comma-separated", "`localhost,127.0.0.1` outside production")
    trusted_proxies: int = _setting("TRUSTED_PROXIES", "how many proxies in front set `X-Forwarded-*`", "0")
    host: str = _setting("HOST", "address the web server listens on", "127.0.0.1")
    port: int = _setting("PORT", "port the web server listens on", "8000")
    web_workers: int = _setting("WEB_WORKERS", "number of web processes", "2")
    mail_url: str = _setting("MAIL_URL", "`folder:/path`, `smtp://user:password@host:port` or `smtps://`", "`folder:DATA_DIR/mail`", repr=False)
    mail_from: str = _setting("MAIL_FROM", "sender of mails", "no-reply@localhost")
    sms_url: str = _setting("SMS_URL", "`folder:/path` or the HTTPS address of the gateway", "`folder:DATA_DIR/sms`", repr=False)
    quiet_hours: QuietHours | None = _setting(
        "QUIET_HOURS", "when no short message rings, unless its reader chose other hours: `22:00-07:00`, or `off`; codes come at once", "22:00-07:00"
    )
    bounces_url: str = _setting("BOUNCES_URL", "`folder:/path` of the Maildir into which the mail server puts what comes back; empty: not read", "empty")
    bounces_to: str = _setting("BOUNCES_TO", "the address of that Maildir; a key is put behind its name (`name+key@host`)", "empty")
    sms_status_secret: str = _setting(
        "SMS_STATUS_SECRET", "shared with the gateway: signs what it reports at `/messages/status`; empty: no reports are taken", "empty", repr=False
    )
    webhook_private: tuple[str, ...] = _setting(
        "WEBHOOK_PRIVATE", "host names that events may be sent to although they lie in a private network, comma-separated", "empty"
    )
    recertify_days: int = _setting("RECERTIFY_DAYS", "days after which a grant is to be looked at again by an administrator", "180")
    totp_for: TotpFor = _setting(
        "TOTP_FOR",
        "which officers must sign in in two steps: `everyone`, `admins` (who may give grants) or `nobody`; the others may",
        "`everyone` in production, else `nobody`",
    )
    oidc_issuer: str = _setting("OIDC_ISSUER", "address of the authority's sign-in (OpenID Connect); empty: none", "empty")
    oidc_client_id: str = _setting("OIDC_CLIENT_ID", "our name there", "empty")
    oidc_client_secret: str = _setting("OIDC_CLIENT_SECRET", "and our secret", "empty", repr=False)
    oidc_name: str = _setting("OIDC_NAME", "what officers call it: the words on the button", "统一身份认证")
    timezone: str = _setting("TIMEZONE", "time zone of dates and deadlines", "Asia/Shanghai")
    recusal_days: int = _setting("RECUSAL_DAYS", "how many days an officer's recusal declaration holds before it is asked again", "365")
    recusal_years: int = _setting("RECUSAL_YEARS", "how many years after leaving an employer an officer keeps out of its people's files", "3")
    roster_least: int = _setting("ROSTER_LEAST", "how many experts in office a specialty should have in each league; fewer is a shortage on the dashboard", "3")
    platform_code: str = _setting("PLATFORM_CODE", "the platform's 10 letters or digits, with which expert numbers begin", "1500000001")
    probe_url: str = _setting("PROBE_URL", "public address of the site at which notices are probed every five minutes", "`PORTAL_HOST`, else `HOST:PORT`")
    notice_gap_minutes: int = _setting(
        "NOTICE_GAP_MINUTES", "minutes a notice's page may be away on a working day before the notice runs a working day longer, 5 to 1440; assumed", "120"
    )
    objection_days: int = _setting("OBJECTION_DAYS", "working days in which an objection is to be answered, 1 to 60; assumed", "5")
    anchor_every: int = _setting("ANCHOR_EVERY", "hours between two publications of the audit's heads at `/audit`, 1 to 168", "24")
    file_hours: int = _setting("FILE_HOURS", "hours that an exported file can be downloaded and an imported one waits for its sender, 1 to 168", "24")
    metrics_token: str = _setting("METRICS_TOKEN", "who scrapes `/metrics` shows it as a bearer token; 32 random bytes or more; empty: there is no such page", "empty", repr=False)
    log_level: str = _setting("LOG_LEVEL", "`DEBUG`, `INFO`, `WARNING` or `ERROR`", "INFO")
    slow_request_ms: int = _setting("SLOW_REQUEST_MS", "milliseconds from which a request is a warning in the log; 0: none is", "2000")
    slow_statement_ms: int = _setting("SLOW_STATEMENT_MS", "the same for one SQL statement, written without its values", "500")

    @property
    def probe_address(self) -> str:
        """Where the public sees notices: scheme and host, without a slash at the end."""
        return self.probe_url or f"{'https' if self.https else 'http'}://{self.portal_host or f'{self.host}:{self.port}'}"

    @property
    def is_production(self) -> bool:
        return self.mode is Mode.PRODUCTION

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every host name that is answered."""
        named = [name for name in (self.portal_host, self.console_host) if name]
        return tuple(dict.fromkeys([*named, *self.trusted_hosts]))


def running_file(data_dir: Path) -> Path:
    """Where `run` writes the addresses and keys of its servers for the other commands (readable by its user only)."""
    return data_dir / "running.env"


def default_data_dir() -> Path:
    # as root not below a home directory: the servers' own user could not reach it
    return Path("/var/lib/ruku") if os.geteuid() == 0 else Path.home() / ".local/share/ruku"


def load(env: Mapping[str, str] | None = None) -> Settings:
    """Read and check every setting; ConfigProblems names each bad variable and what it should be."""
    given = {name: value.strip() for name, value in (os.environ if env is None else env).items() if value.strip()}
    reader = _Reader(given)
    mode = reader.choice("RUKU_MODE", Mode, Mode.DEMO)
    data_dir = Path(given.get("DATA_DIR") or default_data_dir()).expanduser().resolve()
    running = _running(data_dir) if mode is not Mode.PRODUCTION and "DATABASE_URL" not in given else None
    if running:
        reader.given = {**running, **given}
    production = mode is Mode.PRODUCTION
    settings = Settings(
        mode=mode,
        database_url=reader.address("DATABASE_URL", _POSTGRES, hint=_HOW_TO_GET_SERVERS),
        database_worker_url=reader.address("DATABASE_WORKER_URL", _POSTGRES, hint=_HOW_TO_GET_SERVERS),
        database_owner_url=reader.address("DATABASE_OWNER_URL", _POSTGRES, required=False) or None,
        redis_url=reader.address("REDIS_URL", _REDIS, hint=_HOW_TO_GET_SERVERS),
        data_dir=data_dir,
        files_url=reader.text("FILES_URL", str(data_dir / "files")),
        secret_key=reader.secret("SECRET_KEY"),
        portal_secret_key=reader.secret("PORTAL_SECRET_KEY"),
        data_keys=reader.keys("DATA_KEYS"),
        bundle_keys=reader.keys("BUNDLE_KEYS") if "BUNDLE_KEYS" in reader.given else MappingProxyType({}),
        hash_key=(hash_key := reader.key("HASH_KEY", reader.given.get("HASH_KEY", ""))),
        fingerprint_key=reader.key("FINGERPRINT_KEY", text) if (text := reader.given.get("FINGERPRINT_KEY", "")) else hash_key,
        https=reader.switch("HTTPS", False),
        console_host=reader.host("CONSOLE_HOST"),
        portal_host=reader.host("PORTAL_HOST"),
        trusted_hosts=reader.names("TRUSTED_HOSTS", "" if production else "localhost,127.0.0.1"),
        trusted_proxies=reader.number("TRUSTED_PROXIES", 0, 0, 10),
        host=reader.text("HOST", "127.0.0.1"),
        port=reader.number("PORT", 8000, 1, 65535),
        web_workers=reader.number("WEB_WORKERS", 2, 1, 64),
        mail_url=reader.address("MAIL_URL", _MAIL, default=f"folder:{data_dir / 'mail'}"),
        mail_from=reader.text("MAIL_FROM", "no-reply@localhost"),
        sms_url=reader.address("SMS_URL", _SMS, default=f"folder:{data_dir / 'sms'}"),
        quiet_hours=reader.quiet_hours("QUIET_HOURS", "22:00-07:00"),
        bounces_url=reader.address("BOUNCES_URL", _FOLDER, required=False),
        bounces_to=reader.text("BOUNCES_TO", ""),
        sms_status_secret=reader.secret("SMS_STATUS_SECRET") if "SMS_STATUS_SECRET" in reader.given else "",
        webhook_private=reader.names("WEBHOOK_PRIVATE", ""),
        recertify_days=reader.number("RECERTIFY_DAYS", 180, 1, 3_650),
        totp_for=reader.choice("TOTP_FOR", TotpFor, TotpFor.EVERYONE if production else TotpFor.NOBODY),
        oidc_issuer=reader.address("OIDC_ISSUER", _OIDC, required=False),
        oidc_client_id=reader.text("OIDC_CLIENT_ID", ""),
        oidc_client_secret=reader.text("OIDC_CLIENT_SECRET", ""),
        oidc_name=reader.text("OIDC_NAME", "统一身份认证"),
        timezone=reader.zone("TIMEZONE", "Asia/Shanghai"),
        recusal_days=reader.number("RECUSAL_DAYS", 365, 1, 3_660),
        recusal_years=reader.number("RECUSAL_YEARS", 3, 0, 30),
        roster_least=reader.number("ROSTER_LEAST", 3, 1, 10_000),
        platform_code=reader.code("PLATFORM_CODE", "1500000001"),
        probe_url=reader.site("PROBE_URL"),
        notice_gap_minutes=reader.number("NOTICE_GAP_MINUTES", 120, 5, 1_440),
        objection_days=reader.number("OBJECTION_DAYS", 5, 1, 60),
        anchor_every=reader.number("ANCHOR_EVERY", 24, 1, 168),
        file_hours=reader.number("FILE_HOURS", 24, 1, 168),
        metrics_token=reader.secret("METRICS_TOKEN") if "METRICS_TOKEN" in reader.given else "",
        log_level=reader.log_level("LOG_LEVEL", "INFO"),
        slow_request_ms=reader.number("SLOW_REQUEST_MS", 2_000, 0, 600_000),
        slow_statement_ms=reader.number("SLOW_STATEMENT_MS", 500, 0, 600_000),
    )
    reader.problems += _together(settings, reader.given)
    if reader.problems and running == {}:
        raise ConfigProblems(
            [
                f"DATABASE_URL is missing and nothing runs on the data folder {data_dir}: start `python -m console run`, name the "
                "folder of a running one with DATA_DIR, or set the addresses and keys of your own servers (README, settings)."
            ]
        )
    if reader.problems:
        raise ConfigProblems(reader.problems)
    return settings


_POSTGRES = ("postgresql://", "postgres://", "postgresql+psycopg://")
_REDIS = ("redis://", "rediss://", "unix://")
_MAIL = ("folder:", "smtp://", "smtps://")
_FOLDER = ("folder:",)
_SMS = ("folder:", "https://", "http://")
_OIDC = ("https://", "http://")
_SITE = ("https://", "http://")
_HOW_TO_GET_SERVERS = "`python -m console run` starts embedded servers; otherwise set it"
_MAILBOX = re.compile(r"[A-Za-z0-9._-]{1,20}@[A-Za-z0-9.-]{1,190}")
_HOST = re.compile(r"(?!-)[A-Za-z0-9.-]{1,253}(:\d{1,5})?")


def _together(settings: Settings, given: Mapping[str, str]) -> list[str]:
    """What is wrong only in combination."""
    problems = []
    if settings.secret_key and settings.secret_key == settings.portal_secret_key:
        problems.append("PORTAL_SECRET_KEY is the same as SECRET_KEY: a cookie of one door would open the other. Use two values.")
    if settings.metrics_token and settings.metrics_token in (settings.secret_key, settings.portal_secret_key):
        problems.append("METRICS_TOKEN is the same as SECRET_KEY or PORTAL_SECRET_KEY: whoever scrapes could sign cookies. Use a value of its own.")
    if settings.database_url and settings.database_url == settings.database_owner_url:
        problems.append("DATABASE_OWNER_URL is the same as DATABASE_URL: the web login must own nothing. Use two logins.")
    if settings.database_url and settings.database_url == settings.database_worker_url:
        problems.append("DATABASE_WORKER_URL is the same as DATABASE_URL: only the worker's login may be System. Use two logins.")
    if bool(settings.oidc_issuer) != bool(settings.oidc_client_id and settings.oidc_client_secret):
        problems.append("OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET belong together: set all three or none.")
    if bool(settings.bounces_url) != bool(settings.bounces_to):
        problems.append("BOUNCES_URL and BOUNCES_TO belong together: the folder, and the address whose mail arrives there.")
    elif settings.bounces_to and not _MAILBOX.fullmatch(settings.bounces_to):
        problems.append("BOUNCES_TO must be a plain address with a short name, such as bounces@example.gov.cn: a key is put behind the name.")
    if settings.is_production:
        if settings.oidc_issuer.startswith("http://"):
            problems.append("OIDC_ISSUER is plain HTTP: whoever stands between could sign in as anybody. Use https://.")
        if not settings.https:
            problems.append("HTTPS is off: production requires HTTPS=on (behind a proxy that speaks TLS).")
        if not settings.portal_host:
            problems.append("PORTAL_HOST is missing: production answers only to host names it knows.")
        folder = str(settings.data_dir)
        for name in ("DATABASE_URL", "DATABASE_WORKER_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
            if folder in given.get(name, ""):
                problems.append(f"{name} points at an embedded server in {folder}: those are for trial and tests only.")
        for name, value in (("MAIL_URL", settings.mail_url), ("SMS_URL", settings.sms_url)):
            if value.startswith("folder:"):
                problems.append(f"{name} is a folder: in production letters must leave the house.")
    return problems


def _running(data_dir: Path) -> dict[str, str]:
    try:
        lines = running_file(data_dir).read_text().splitlines()
    except OSError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)


_Kind = TypeVar("_Kind", bound=StrEnum)


class _Reader:
    """Reads one variable at a time and keeps what is wrong with it; a bad one yields a harmless value."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self.given = given
        self.problems: list[str] = []

    def _wrong(self, name: str, sentence: str) -> None:
        self.problems.append(f"{name} {sentence}")

    def text(self, name: str, default: str) -> str:
        return self.given.get(name, default)

    def code(self, name: str, default: str) -> str:
        value = self.given.get(name, default)
        if len(value) != len(default) or not (value.isascii() and value.isalnum()):
            self._wrong(name, f"is '{value}'; it must be {len(default)} letters or digits.")
            return default
        return value

    def choice(self, name: str, kind: type[_Kind], default: _Kind) -> _Kind:
        value = self.given.get(name, default.value)
        try:
            return kind(value)
        except ValueError:
            self._wrong(name, f"is '{value}'; it must be one of {', '.join(kind)}.")
            return default

    def address(self, name: str, schemes: tuple[str, ...], *, required: bool = True, default: str = "", hint: str = "") -> str:
        value = self.given.get(name, default)
        if not value:
            if required:
                self._wrong(name, f"is missing: {hint or 'set it'} to an address like {schemes[0]}….")
            return ""
        if not value.startswith(schemes):
            self._wrong(name, f"must begin with {' or '.join(schemes)}; it begins with '{value.split('://')[0][:20]}'.")
            return value
        try:
            _ = urlsplit(value).port
        except ValueError as error:
            self._wrong(name, f"cannot be read as an address: {error}.")
        return value

    def site(self, name: str) -> str:
        """Scheme and host of a site, nothing behind; empty when it is not given."""
        value = self.address(name, _SITE, required=False)
        if value.startswith(_SITE) and not re.fullmatch(rf"https?://{_HOST.pattern}/?", value):
            self._wrong(name, f"is '{value[:60]}'; it must be http:// or https:// and a host name, without a path.")
            return ""
        return value.rstrip("/")

    def secret(self, name: str) -> str:
        value = self.given.get(name, "")
        if not value:
            self._wrong(name, f"is missing: {_HOW_TO_MAKE_SECRET}.")
        elif len(value.encode()) < 32 or len(set(value)) < 12:
            self._wrong(name, f"is shorter or plainer than 32 random bytes: {_HOW_TO_MAKE_SECRET}.")
        return value

    def key(self, name: str, text: str) -> bytes:
        try:
            value = base64.b64decode(text, altchars=b"-_" if set(text) & {"-", "_"} else None, validate=True)
        except (binascii.Error, ValueError):
            value = b""
        if len(value) != 32 or len(set(value)) < 12:
            state = "is missing" if not text else "is not base64 of 32 random bytes"
            self._wrong(name, f"{state}: {_HOW_TO_MAKE_KEY}.")
        return value

    def keys(self, name: str) -> Mapping[str, bytes]:
        keys: dict[str, bytes] = {}
        for part in self.given.get(name, "").split(","):
            key_id, colon, text = part.strip().partition(":")
            if not colon or not re.fullmatch(r"[a-z0-9]{1,12}", key_id) or key_id in keys:
                self._wrong(name, f"must be `id:base64,…` with different short ids (a-z, 0-9): {_HOW_TO_MAKE_KEY}.")
                return MappingProxyType({})
            before = len(self.problems)
            keys[key_id] = self.key(name, text)
            if len(self.problems) > before:
                break
        return MappingProxyType(keys)

    def switch(self, name: str, default: bool) -> bool:
        value = self.given.get(name, "on" if default else "off").lower()
        if value not in ("on", "off"):
            self._wrong(name, f"is '{value}'; it must be on or off.")
        return value == "on"

    def host(self, name: str) -> str | None:
        value = self.given.get(name)
        if value and not _HOST.fullmatch(value):
            self._wrong(name, f"is '{value}'; it must be a host name without https:// or path.")
        return value

    def names(self, name: str, default: str) -> tuple[str, ...]:
        values = tuple(part.strip() for part in self.given.get(name, default).split(",") if part.strip())
        for value in values:
            if not _HOST.fullmatch(value):
                self._wrong(name, f"contains '{value}', which is not a host name.")
        return values

    def number(self, name: str, default: int, low: int, high: int) -> int:
        value = self.given.get(name, str(default))
        if not re.fullmatch(r"[0-9]{1,6}", value) or not low <= int(value) <= high:
            self._wrong(name, f"is '{value}'; it must be a number from {low} to {high}.")
            return default
        return int(value)

    def quiet_hours(self, name: str, default: str) -> QuietHours | None:
        value = self.given.get(name, default)
        if value.lower() == "off":
            return None
        try:
            return QuietHours.read(value)
        except ValueError:
            self._wrong(name, f"is '{value}'; it must be two different times of a day, such as {default}, or off.")
            return QuietHours.read(default)

    def zone(self, name: str, default: str) -> str:
        value = self.given.get(name, default)
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self._wrong(name, f"is '{value}', which is no time zone; Asia/Shanghai is one.")
        return value

    def log_level(self, name: str, default: str) -> str:
        value = self.given.get(name, default).upper()
        if value not in ("DEBUG", "INFO", "WARNING", "ERROR") or not isinstance(logging.getLevelName(value), int):
            self._wrong(name, f"is '{value}'; it must be DEBUG, INFO, WARNING or ERROR.")
            return default
        return value


_HOW_TO_MAKE_SECRET = "python -c 'import secrets; print(secrets.token_urlsafe(48))' makes one"
_HOW_TO_MAKE_KEY = "python -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())' makes a key"


def variables() -> list[tuple[str, str, str]]:
    """(name, meaning, default) of every setting, in order: README's table and `doctor` print it."""
    return [(f.metadata["env"], f.metadata["meaning"], f.metadata["default"]) for f in dataclasses.fields(Settings)]
