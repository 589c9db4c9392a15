"""Keys are changed without losing a value: in batches beside running processes, resumable, and hashes all at once."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console import assembly, db, keys, secrecy
from console.applications import answers
from console.applications.models import Applicant, Application, RestrictionEntry
from console.keys import KeysProblem
from console.secrecy import Keys, UnknownKey, keyed_hash
from tests.factories import id_number, make_admission, make_applicant, make_application

ACCOUNT = "6222020200112230"


@pytest.fixture
def configured() -> Iterator[Keys]:
    """The keys of this process; whatever a test configures is undone."""
    before = secrecy._current()
    yield before
    secrecy.configure(before)


@pytest.fixture
def people(session: Session) -> list[int]:
    """Three applicants with a file each, whose answers hold a sealed account beside one inside a group."""
    made = []
    for number in range(3):
        applicant = make_applicant(session, id_number=id_number(700 + number))
        sealed = {answers.SEALED: secrecy.encrypt(f'"{ACCOUNT}"')}
        made.append(make_admission(session, applicant=applicant, answers={"name": "高娃", "account": sealed, "others": [{"account": sealed}, {"x": 1}]}).application_id)
    session.flush()
    return made


def key() -> bytes:
    return os.urandom(32)


def doors(session: Session, *, falls_at: int = 0) -> Any:
    """Transactions on the test's one session; the one numbered `falls_at` is killed at its end."""
    numbers = itertools.count(1)

    @contextmanager
    def opening() -> Iterator[Session]:
        with session.begin_nested():
            yield session
            session.flush()
            if next(numbers) == falls_at:
                raise KeyboardInterrupt

    return opening


def total(session: Session) -> Counter[str]:
    return sum(keys.status(session).values(), Counter())


def read(session: Session, ids: list[int]) -> list[Any]:
    session.expire_all()
    return [
        (row.applicant.id_number, row.applicant.phone, answers.unseal(row.answers)["account"], answers.unseal(row.answers)["others"][0]["account"])
        for row in session.scalars(select(Application).where(Application.id.in_(ids)).order_by(Application.id))
    ]


def test_rotating_twice_loses_nothing_and_a_killed_run_goes_on(session: Session, people: list[int], configured: Keys) -> None:
    before, old = read(session, people), next(iter(configured.data))
    first, second, third = configured.data, {"n1": key()}, {"n2": key()}
    secrecy.configure(Keys(second | first, configured.hash))

    with pytest.raises(KeyboardInterrupt):
        keys.rotate(doors(session, falls_at=4), Keys(second | first, configured.hash), batch=2)
    half = total(session)
    assert half[old] > 0 and half["n1"] > 0
    assert read(session, people) == before  # both keys read meanwhile

    done = keys.rotate(doors(session), Keys(second | first, configured.hash), batch=2)
    assert (done.rewritten, done.missed, done.left) == (half[old] - len(people), 0, Counter())  # a row of answers holds two
    assert total(session).keys() == {"n1"}
    secrecy.configure(Keys(second, configured.hash))  # the old key is gone for good
    assert read(session, people) == before

    secrecy.configure(Keys(third | second, configured.hash))
    keys.rotate(doors(session), Keys(third | second, configured.hash))
    assert total(session).keys() == {"n2"}
    assert read(session, people) == before
    assert keys.rotate(doors(session), Keys(third | second, configured.hash)).rewritten == 0


def test_what_its_owner_writes_meanwhile_stays(session: Session, people: list[int], configured: Keys) -> None:
    place = next(one for one in keys.places() if one.name == "applicant.phone")
    applicant = session.scalars(select(Applicant).limit(1)).one()
    stale = session.scalar(select(place.raw).where(place.key == applicant.id))
    applicant.phone = "13900009999"
    session.flush()
    assert keys._set(session, place, applicant.id, stale) is False
    session.expire_all()
    assert applicant.phone == "13900009999"


def test_an_unknown_key_is_named_before_anything_is_written(session: Session, people: list[int], configured: Keys) -> None:
    old, fresh = next(iter(configured.data)), Keys({"n1": key()}, configured.hash)
    with pytest.raises(KeysProblem, match=rf"applicant\.phone: 3 under key '{old}'"):
        keys.rotate(doors(session), fresh)
    assert total(session).keys() == {old}
    secrecy.configure(fresh)
    session.expire_all()
    with pytest.raises(UnknownKey, match=f"“{old}”"):
        session.scalars(select(Applicant)).all()


def test_hashes_are_made_anew_all_at_once_and_found_under_the_new_key(session: Session, people: list[int], configured: Keys) -> None:
    number, new = id_number(700), Keys(configured.data, key(), configured.hash)
    restricted = RestrictionEntry(id_number=number, id_number_hash=keyed_hash(number, "id_number"), kind="失信", source="法院", basis="案号", valid_from=make_application(session).applied_on)
    session.add(restricted)
    session.flush()
    print_before = keyed_hash("高娃", "audit")

    with pytest.raises(KeysProblem, match="neither"):
        keys.rehash(session, old=key(), new=new.hash)
    done = keys.rehash(session, old=configured.hash, new=new.hash)
    again = keys.rehash(session, old=configured.hash, new=new.hash)

    secrecy.configure(new)
    session.expire_all()
    found = session.scalars(select(Applicant).where(Applicant.id_number_hash == keyed_hash(number, "id_number"))).one()
    assert (found.id_number, found.phone_hash, restricted.id_number_hash) == (number, keyed_hash(found.phone, "phone"), found.id_number_hash)
    assert (done.written["applicant.phone_hash"], done.written["restriction.id_number_hash"], sum(again.written.values())) == (4, 1, 0)
    assert keyed_hash("高娃", "audit") == print_before  # what cannot be made again has a key of its own

    restricted.id_number = None
    session.flush()
    with pytest.raises(KeysProblem, match=r"restriction\.id_number_hash: 1"):
        keys.rehash(session, old=new.hash, new=configured.hash)
    assert keys.rehash(session, old=new.hash, new=configured.hash, leave=True).lost == {"restriction.id_number_hash": 1}


def test_every_hash_of_a_value_is_made_anew_or_says_why_not() -> None:
    assembly.models()
    there = {f"{table.name}.{c.name}" for table in db.Base.metadata.tables.values() for c in table.columns if c.name.endswith("_hash")}
    anew = {f"{target.table.name}.{target.name}" for _source, target in keys.hashed()}
    assert there - anew - keys.NOT_REWRITTEN.keys() == set(), "console/keys.py: keep the value encrypted beside it, or say why it needs no new key"
    assert {source.name for source, _target in keys.hashed()} == secrecy.FOUND_BY


def test_connections_of_other_processes_are_seen(session: Session, web_engine: Any) -> None:
    web_engine.dispose()  # another test's connection may wait in the pool
    before = keys.others_at_work(session)
    with web_engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
        assert keys.others_at_work(session) == before + 1
    web_engine.dispose()
