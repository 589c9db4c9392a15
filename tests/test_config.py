"""Settings: every bad variable is named together, and what must never go together is refused."""

from __future__ import annotations

import base64
import dataclasses
import os
from pathlib import Path

import pytest

import config
from config import ConfigProblems, Mode, load


def key(byte: int) -> str:
    return base64.b64encode(bytes((byte + i) % 256 for i in range(32))).decode()


GOOD = {
    "RUKU_MODE": "production",
    "DATABASE_URL": "postgresql://ruku_web:x@db/ruku",
    "DATABASE_WORKER_URL": "postgresql://ruku_jobs:x@db/ruku",
    "REDIS_URL": "rediss://queue:6380/0",
    "DATA_DIR": "/srv/ruku",
    "SECRET_KEY": "console-0123456789-abcdefghijklmnopqrstuvwxyz",
    "PORTAL_SECRET_KEY": "portal-0123456789-abcdefghijklmnopqrstuvwxyz",
    "DATA_KEYS": f"k2:{key(7)},k1:{key(3)}",
    "HASH_KEY": key(90),
    "HTTPS": "on",
    "PORTAL_HOST": "zj.example.gov.cn",
    "CONSOLE_HOST": "shenhe.example.gov.cn",
    "MAIL_URL": "smtps://mail.example.gov.cn:465",
    "SMS_URL": "https://sms.example.gov.cn/send",
}


def problems(**changes: str | None) -> list[str]:
    env = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    with pytest.raises(ConfigProblems) as error:
        load(env)
    return error.value.problems


def test_good_settings_are_read_whole():
    settings = load(GOOD)

    assert settings.mode is Mode.PRODUCTION
    assert settings.hosts == ("zj.example.gov.cn", "shenhe.example.gov.cn")
    assert list(settings.data_keys) == ["k2", "k1"]
    assert (settings.files_url, settings.port, settings.timezone) == ("/srv/ruku/files", 8000, "Asia/Shanghai")
    assert settings.database_owner_url is None


def test_production_asks_everybody_for_two_steps_unless_told_otherwise():
    trial = load({**GOOD, "RUKU_MODE": "demo", "TRUSTED_HOSTS": ""})
    assert [load(GOOD).totp_for, load({**GOOD, "TOTP_FOR": "admins"}).totp_for, trial.totp_for] == ["everyone", "admins", "nobody"]
    assert "TOTP_FOR is 'some'; it must be one of everyone, admins, nobody." in problems(TOTP_FOR="some")


def test_a_provider_is_named_whole_and_not_over_plain_http():
    whole = {"OIDC_ISSUER": "https://id.example.gov.cn", "OIDC_CLIENT_ID": "ruku", "OIDC_CLIENT_SECRET": "s3cret-of-ours"}
    assert load({**GOOD, **whole}).oidc_issuer == whole["OIDC_ISSUER"]
    assert "s3cret-of-ours" not in repr(load({**GOOD, **whole}))
    for missing in whole:
        assert "belong together" in problems(**{**whole, missing: None})[0]
    assert "plain HTTP" in problems(**{**whole, "OIDC_ISSUER": "http://id.example.gov.cn"})[0]


def test_the_scrapers_token_is_strong_and_its_own():
    assert load(GOOD).metrics_token == ""
    token = "metrics-0123456789-abcdefghijklmnopqrstuvwxyz"
    assert load({**GOOD, "METRICS_TOKEN": token}).metrics_token == token and token not in repr(load({**GOOD, "METRICS_TOKEN": token}))
    assert "METRICS_TOKEN is shorter or plainer" in problems(METRICS_TOKEN="metrics")[0]
    assert "METRICS_TOKEN is the same as" in problems(METRICS_TOKEN=GOOD["SECRET_KEY"])[0]


def test_secrets_are_not_in_the_repr():
    shown = repr(load(GOOD))
    assert not [value for value in (GOOD["SECRET_KEY"], "ruku_web:x", "k1", GOOD["HASH_KEY"]) if value in shown]


def test_every_problem_is_reported_together():
    found = problems(SECRET_KEY="short", PORT="99999", TIMEZONE="Mars/Olympus", HTTPS="yes", DATA_KEYS="k1:abc", REDIS_URL="http://x")

    assert [line.split()[0] for line in found] == ["REDIS_URL", "SECRET_KEY", "DATA_KEYS", "HTTPS", "PORT", "TIMEZONE", "HTTPS"]
    assert "PORT is '99999'; it must be a number from 1 to 65535." in found


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"HTTPS": None}, "HTTPS is off: production requires HTTPS=on"),
        ({"PORTAL_HOST": None}, "PORTAL_HOST is missing"),
        ({"DATABASE_URL": "postgresql://ruku_web@/ruku?host=/srv/ruku/sockets"}, "DATABASE_URL points at an embedded server"),
        ({"REDIS_URL": "unix:///srv/ruku/sockets/valkey.sock"}, "REDIS_URL points at an embedded server"),
        ({"MAIL_URL": "folder:/srv/mail"}, "MAIL_URL is a folder"),
        ({"PORTAL_SECRET_KEY": GOOD["SECRET_KEY"]}, "PORTAL_SECRET_KEY is the same as SECRET_KEY"),
        ({"DATABASE_OWNER_URL": GOOD["DATABASE_URL"]}, "DATABASE_OWNER_URL is the same as DATABASE_URL"),
        ({"DATABASE_WORKER_URL": GOOD["DATABASE_URL"]}, "DATABASE_WORKER_URL is the same as DATABASE_URL"),
        ({"SECRET_KEY": "a" * 64}, "SECRET_KEY is shorter or plainer than 32 random bytes"),
        ({"HASH_KEY": base64.b64encode(b"0" * 32).decode()}, "HASH_KEY is not base64 of 32 random bytes"),
        ({"DATA_KEYS": f"k1:{key(1)},k1:{key(2)}"}, "DATA_KEYS must be"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL must begin with postgresql://"),
        ({"TRUSTED_HOSTS": "https://x/"}, "TRUSTED_HOSTS contains 'https://x/'"),
        ({"RUKU_MODE": "live"}, "RUKU_MODE is 'live'; it must be one of production, demo, test."),
        ({"DATABASE_URL": "postgresql://x@db:notaport/ruku"}, "DATABASE_URL cannot be read as an address"),
    ],
)
def test_what_is_refused_and_in_which_words(changes, said):
    assert [line for line in problems(**changes) if line.startswith(said)] != []


def test_other_commands_find_the_servers_of_a_running_house(tmp_path: Path):
    names = ("DATABASE_URL", "DATABASE_WORKER_URL", "REDIS_URL", "SECRET_KEY", "PORTAL_SECRET_KEY", "DATA_KEYS", "HASH_KEY")
    config.running_file(tmp_path).write_text("".join(f"{name}={GOOD[name]}\n" for name in names))

    settings = load({"DATA_DIR": str(tmp_path), "PORT": "9000"})

    assert (settings.mode, settings.database_url, settings.port) == (Mode.DEMO, GOOD["DATABASE_URL"], 9000)


def test_without_servers_one_sentence_says_what_to_do(tmp_path: Path):
    with pytest.raises(ConfigProblems) as error:
        load({"DATA_DIR": str(tmp_path)})
    (sentence,) = error.value.problems
    assert sentence.startswith(f"DATABASE_URL is missing and nothing runs on the data folder {tmp_path}")


def test_production_never_reads_the_file_of_a_running_house(tmp_path: Path):
    config.running_file(tmp_path).write_text(f"DATABASE_URL={GOOD['DATABASE_URL']}\n")
    assert "DATABASE_URL is missing: `python -m console run` starts embedded servers; otherwise set it to an address like postgresql://…." in problems(
        DATA_DIR=str(tmp_path), DATABASE_URL=None
    )


def test_every_field_says_its_variable_meaning_and_default():
    rows = config.variables()
    assert len(rows) == len(dataclasses.fields(config.Settings)) == len({name for name, _, _ in rows})
    assert [row for row in rows if not all(row)] == []


def test_data_folder_of_root_is_outside_home_directories():
    folder = config.default_data_dir()
    assert folder.is_relative_to(Path.home()) == (os.geteuid() != 0)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({"RUKU_MODE": "demo", "HTTPS": "off", "PORTAL_HOST": ""}, "http://127.0.0.1:8000"),
        ({"RUKU_MODE": "demo", "HTTPS": "off", "PORTAL_HOST": "ruku.nmg.gov.cn"}, "http://ruku.nmg.gov.cn"),
        ({"PORTAL_HOST": "ruku.nmg.gov.cn"}, "https://ruku.nmg.gov.cn"),
        ({"PROBE_URL": "https://ruku.nmg.gov.cn:8443/"}, "https://ruku.nmg.gov.cn:8443"),
    ],
)
def test_notices_are_probed_where_the_public_reads_them(given, address):
    assert load(GOOD | given).probe_address == address


@pytest.mark.parametrize("value", ["https://ruku.nmg.gov.cn/notices", "http://user:password@host", "file:///etc/passwd", "http://host?x=http://other", "http://"])
def test_a_probe_goes_to_a_site_and_nowhere_below(value):
    assert [line.split()[0] for line in problems(PROBE_URL=value)] == ["PROBE_URL"]
