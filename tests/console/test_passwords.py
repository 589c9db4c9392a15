"""One policy and one way of keeping passwords, for both doors."""

from __future__ import annotations

import pytest
from werkzeug.security import generate_password_hash

from console import passwords
from console.passwords import APPLICANT_LEAST, GUESSABLE, STAFF_LEAST, TOO_LONG, problem


@pytest.mark.parametrize("password", [
    "correct horse battery", "ruku-demo-2026", "right-horse-7", "春眠不觉晓，处处闻啼鸟，夜来风雨声", "aqz wsx edc rfv", "kkkk lllm nnop",
])  # fmt: skip
def test_length_is_enough_and_no_kind_of_character_is_asked_for(password):
    assert problem(password, least=STAFF_LEAST, about="surina") is None


@pytest.mark.parametrize("password", [
    "123456789012", "860471123456", "aaaaaaaaaaaab", "password2026", "Password-2026!", "P@ssw0rd1234", "qwertyuiop12", "1qaz2wsx3edc", "woaini520520",
    "transport-admin-1501", "Transport-Admin-1501!", "admin1234567", "surina123456",
])  # fmt: skip
def test_what_is_guessed_first_is_refused(password):
    about = "transport-admin-1501" if "ransport" in password else "surina"
    assert problem(password, least=STAFF_LEAST, about=about) == GUESSABLE


@pytest.mark.parametrize("password", ["Jiaotongting@2026", "neimenggu150000", "ruku_2026_2026", "Expert-Pool-2026"])
def test_the_houses_own_words_are_no_password(password):
    assert problem(password, least=STAFF_LEAST, about="surina") == GUESSABLE


def test_too_short_and_too_long_say_how_much():
    assert "12" in problem("short horse", least=STAFF_LEAST)
    assert "10" in problem("a horse 1", least=APPLICANT_LEAST)
    assert problem("x" * 190 + "long words", least=APPLICANT_LEAST) is None
    assert problem("x" * 191 + "long words", least=APPLICANT_LEAST) == TOO_LONG


def test_a_password_is_compared_as_it_was_typed():
    kept = passwords.hash_password(" Mit Raum ")
    assert passwords.is_right(kept, " Mit Raum ")
    assert not any(passwords.is_right(kept, wrong) for wrong in ("Mit Raum", " mit raum ", " Mit Raum \0", ""))
    assert not passwords.is_old(kept) and kept.startswith("$argon2id$")


def test_an_old_hash_still_opens_and_is_known_as_old():
    old = generate_password_hash("right-horse-7", method="scrypt")
    assert passwords.is_right(old, "right-horse-7") and not passwords.is_right(old, "right-horse-8")
    assert passwords.is_old(old)


def test_no_password_opens_to_no_one():
    for guess in ("", "nobody has this password", passwords._NOBODYS):
        assert not passwords.is_right(None, guess)
    assert not passwords.is_right("nonsense", "nonsense")


def test_an_unknown_name_costs_what_a_wrong_password_costs():
    """The decoy is written down in the source: it must be hashed as passwords are hashed today."""
    assert not passwords.is_old(passwords._NOBODYS)
