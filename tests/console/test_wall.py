"""The wall of row-level security: every guarded table × every shape of statement × everybody who may not.

`test_scope.py` beside it tells the story with a few tables; here nothing is chosen by hand: the tables are the ones behind the
wall, the shapes are all of `tests/statements.py`, under the login of the web. What the wall does not close is at the end.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from console import db, logins
from console.applications.models import Admission, StepEntry
from console.crud.forms import fetch
from console.departments.models import Office
from console.roles import Grant, Role
from console.scope import NOBODY, Applicant, Principal, Public, Staff, System, become
from tests.factories import make_admission, make_staff
from tests.statements import CHANGING, LOCKING, READING, WITH_PARENTS, Of, as_json, changing, plant, relations_to
from tests.walled import Wall, guarded, registers, wall

#: shown to the public by law, whole
PUBLISHED = {"notice", "notice_item", "notice_correction"}
#: for the public one at a time, by certificate code; the wall lets it ask, the query names the code
BY_CODE = {"roster_entry", "roster_specialty"}
#: for officers only, also where the row is about an applicant
NOT_THE_APPLICANTS = {"review", "objection", "staff_message", "replay_outcome", "staff_account", "staff_grant", "recusal", "sign_in_link", "access_token", "absence"}
#: rules are one for all offices: which officer does what to them is asked by the services
ALL_OFFICERS = {"rule_draft", "draft_revision", "replay"}
#: whoever asked sees it and nobody else does, and nobody here asked (tests/console/exchange shows that the asker does)
ASKERS_ALONE = {"data_export", "data_import", "saved_view", "staff_digest"}
#: about an account: its owner's, and no officer's
APPLICANTS_ALONE = {"account_notice"}
#: registers of all offices: whoever reads registers anywhere reads them, and services ask who may change a row
OF_ALL_OFFICES = {one.declared.table for one in registers() if one.declared.document.scope == "platform"}
#: before anyone is signed in, somebody has to look a person up, count failures and register them
SOUGHT_AT_THE_DOOR = {"applicant", "staff_account", "sign_in_link", "access_token"}
#: what somebody without an account may put before an office: (table, who)
MAY_PLANT = {
    ("objection", "public"), ("staff_message", "public"), ("staff_message", "applicant"), ("staff_message", "stranger"),
    ("applicant", "doorkeeper"),
}  # fmt: skip

#: who tries every shape; the others, whom the database tells apart from them by one word, try a few
EVERY_SHAPE = {"officer", "applicant", "nobody"}
FEW_SHAPES = ("orm_select", "as_text", "core_insert_select")
FEW_CHANGES = {"orm_update", "text_update", "core_delete"}

WEB, WORKER = logins.WEB_LOGIN, logins.WORKER_LOGIN


@pytest.fixture(scope="module")
def behind(house, database) -> Iterator[Wall]:
    engine = db.make_engine(house.url("postgres", database.name))
    with engine.connect() as connection, wall(connection, WORKER) as both:
        yield both
    engine.dispose()


@pytest.fixture(scope="module")
def people(behind: Wall) -> dict[str, Principal]:
    """An officer who reads every class of rows in the own office, and everybody who has no business there."""
    department = behind.own.rows["admission"].department_id
    with behind.seen_by(WORKER, System("test")) as session:
        offices = session.scalars(select(Office.id).where(Office.department_id == department, Office.division_code.startswith("1501")))
        reached = frozenset(offices)
        # no one role reads every class: declarations of recusal are supervision's
        grants = tuple(Grant(n, role, department, "150100", reached) for n, role in enumerate((Role.COORDINATOR, Role.SUPERVISOR), 1))
    return {
        "officer": Staff(2_000_000_000, "苏日娜", grants),
        "applicant": Applicant(behind.own.applicant_id),
        "stranger": Applicant(2_000_000_000),
        "public": Public(),
        "nobody": NOBODY,
        "without a grant": Staff(2_000_000_001, "无授权"),
        "impostor": System("close notices"),
        "doorkeeper": System("sign_in"),
    }


def sides(table: str, who: str) -> set[str]:
    """Which of the two rows this principal may read."""
    if table in ASKERS_ALONE:
        return set()
    both = {"own", "foreign"}
    if table in PUBLISHED and who in {"public", "applicant", "stranger"}:
        return both
    if table in BY_CODE and who == "public":
        return both
    if table in ALL_OFFICERS:
        return both if who in {"officer", "without a grant"} else set()
    if table in OF_ALL_OFFICES and who == "officer":
        return both
    if table in SOUGHT_AT_THE_DOOR and who == "doorkeeper":
        return both
    if (who == "officer" and table not in APPLICANTS_ALONE) or (who == "applicant" and table not in NOT_THE_APPLICANTS and not table.startswith("register_")):
        return {"own"}
    return set()


@pytest.fixture(params=guarded(), ids=lambda cls: cls.__tablename__)
def of(request: pytest.FixtureRequest, behind: Wall) -> Of:
    cls = request.param
    return Of(cls, {side: behind.values[side, cls.__tablename__] for side in ("own", "foreign")})


def refused(error: Exception) -> bool:
    """Not a mistake of ours in the statement: a right that is missing, the wall, a key that is taken, a row that is not there."""
    return isinstance(error, (IntegrityError, StaleDataError)) or getattr(getattr(error, "orig", None), "sqlstate", "") == "42501"


def read(session, shape: str, of: Of) -> set[str] | None:
    """The keys among ours that the shape brought; None when it was refused."""
    try:
        with session.begin_nested():
            found = READING[shape](session, of)
    except DBAPIError as error:
        if not refused(error):
            raise
        return None
    finally:
        session.expunge_all()
    return found & {of.key_at("own"), of.key_at("foreign")}


def test_nobody_reads_or_copies_what_is_not_theirs(behind: Wall, people: dict[str, Principal], of: Of) -> None:
    wrong = []
    for who, principal in people.items():
        expected = {of.key_at(side) for side in sides(of.name, who)}
        with behind.seen_by(WEB, principal) as session:
            for shape in READING if who in EVERY_SHAPE else FEW_SHAPES:
                found = read(session, shape, of)
                if shape in LOCKING | WITH_PARENTS:
                    fits = found is None or found <= expected  # who may not change a row may not lock it
                else:
                    fits = found == expected
                if not fits:
                    wrong.append((who, shape, found, expected))
    assert wrong == []


def test_nobody_changes_what_is_not_theirs(behind: Wall, people: dict[str, Principal], of: Of) -> None:
    wrong = []
    for who, principal in people.items():
        if may_change(of, who):
            continue
        shapes = [name for name, _ in changing(of) if who in EVERY_SHAPE or name in FEW_CHANGES]
        if changed(behind, WEB, principal, of, shapes):
            wrong.append((who, [name for name in shapes if changed(behind, WEB, principal, of, [name])]))
    assert wrong == []


def may_change(of: Of, who: str) -> bool:
    """Every officer may, as far as the wall goes; so may whoever lets applicants in."""
    return (of.name in ALL_OFFICERS and who in {"officer", "without a grant"}) or (of.name in OF_ALL_OFFICES and who == "officer") or (
        of.name in SOUGHT_AT_THE_DOOR and who == "doorkeeper"
    )


def changed(behind: Wall, login: str, principal: Principal, of: Of, names: list[str]) -> bool:
    """Whether these shapes, tried one after the other, changed the foreign row or removed it."""
    before = version_of(behind.connection, of)
    with behind.seen_by(login, principal) as session:
        for name in names:
            try:
                with session.begin_nested():
                    CHANGING[name](session, of)
            except (DBAPIError, StaleDataError) as error:
                if not refused(error):
                    raise
            session.expunge_all()
        with behind.unveiled() as connection:
            return version_of(connection, of) != before


def version_of(connection: Connection, of: Of) -> object:
    """What a row is at this moment: a change to the same value counts too."""
    where = " AND ".join(f"{column.name} = %s" for column in of.table.primary_key)
    return connection.exec_driver_sql(f"SELECT xmin::text, ctid::text FROM {of.name} WHERE {where}", of.identity("foreign")).first()


def test_nobody_plants_a_row_in_a_foreign_office(behind: Wall, people: dict[str, Principal], of: Of) -> None:
    wrong = []
    for who, principal in people.items():
        with behind.seen_by(WEB, principal) as session:
            try:
                with session.begin_nested():
                    plant(session, of, seedling(of))
                planted = True
            except DBAPIError as error:
                assert refused(error), error
                planted = isinstance(error, IntegrityError)  # it got as far as the keys
        if planted != ((of.name, who) in MAY_PLANT or (of.name in ALL_OFFICERS and isinstance(principal, Staff))):
            wrong.append((who, planted))
    assert wrong == []


def seedling(of: Of) -> dict[str, object]:
    """The foreign row once more under a key of its own."""
    row = dict(of.values["foreign"])
    for column in of.table.columns:
        if column.primary_key and not column.foreign_keys and isinstance(row[column.name], int):
            row[column.name] = 2_000_000_000
    return row


def test_the_shapes_work_for_who_may_see_everything(behind: Wall, of: Of) -> None:
    """The worker's System reads both rows in every shape, and every change reaches the foreign row or a right that is missing:
    else the tests above would hold for statements that do nothing."""
    both = {of.key_at("own"), of.key_at("foreign")}
    with behind.seen_by(WORKER, System("test")) as session:
        found = {shape: read(session, shape, of) for shape in READING}
    short = {shape for shape, keys in found.items() if keys != both}
    may_lock = _may(behind, "UPDATE", of)
    assert short <= (WITH_PARENTS if may_lock else WITH_PARENTS | LOCKING), found
    if relations_to(of.cls):
        assert found["lazy_relationships"] == both
    for name, _shape in changing(of):
        right = "DELETE" if name.endswith("delete") else "UPDATE"
        assert changed(behind, WORKER, System("test"), of, [name]) == _may(behind, right, of), name


def _may(behind: Wall, right: str, of: Of) -> bool:
    """Whether the worker's login has the right on the column a change would touch."""
    if right == "DELETE":
        asked = behind.connection.execute(text("SELECT has_table_privilege(:login, :t, 'DELETE')"), {"login": WORKER, "t": of.name})
    else:
        asked = behind.connection.execute(
            text("SELECT has_any_column_privilege(:login, :t, 'UPDATE')"), {"login": WORKER, "t": of.name}
        )
    return bool(asked.scalar_one())


#: whose rows are handed over to the competent department, by a service
HANDED_OVER = {one.declared.table for one in registers() if any(move.hands_to for move in one.declared.document.states.moves)}
WITH_OFFICE = [cls for cls in guarded() if "office_id" in cls.__table__.c and cls.__tablename__ not in HANDED_OVER]


@pytest.mark.parametrize("of", WITH_OFFICE, indirect=True, ids=lambda cls: cls.__tablename__)
def test_an_officer_does_not_hand_a_row_over_to_a_foreign_office(behind: Wall, people: dict[str, Principal], of: Of) -> None:
    where = " AND ".join(f"{c.name} = :{c.name}" for c in of.table.primary_key)
    key = {c.name: of.values["own"][c.name] for c in of.table.primary_key}
    with behind.seen_by(WEB, people["officer"]) as session:
        try:
            with session.begin_nested():
                moved = session.execute(text(f"UPDATE {of.name} SET office_id = :to WHERE {where}"), {"to": behind.foreign.office_id, **key})
            count = moved.rowcount
        except ProgrammingError as error:
            assert refused(error), error
            count = 0
    assert count == 0


# ── what has no policy, and why ──────────────────────────────────────────────────────────────────────────────

FRAME = "the public frame: reference data, the same for everybody"
UNGUARDED = {
    "division": FRAME, "department": FRAME, "office": FRAME, "specialty": FRAME, "specialty_version": FRAME, "code_list": FRAME, "calendar_version": FRAME,
    "calendar_day": FRAME, "calendar_draft": "days that may become the calendar, and how many deadlines they would move; numbers of files, no names", "regulation": FRAME, "regulation_paragraph": FRAME, "specialty_transfer": FRAME,
    "searched_table": "which columns of which tables are searched", "register_definition": "what registers there are is declared in public files", "alembic_version_registers": "names of migrations",
    "register_draw": "numbers of rows and how they were drawn: published so that anybody can draw again",
    "release": "rules are public once in force; drafts are behind the wall",
    "release_event": "who published which rules when is public",
    "restriction": "hashes of identity numbers, found only by who has the number",
    "notice_probe": "that a public page was there: shown to everybody as the proof of a notice; the worker's to write",
    "notice_probe_day": "the same in sums by day; written by one function of the database",
    "notice_extension": "days a public notice runs longer, and why: published; the worker's to write",
    "webhook": "addresses of machines, their secrets encrypted; services ask who may name one", "bounce_box": "when mail that came back was read",
    "brake": "that an automatic rule stands still is for everybody who works here; services ask who may pull it",
    "audit_entry": "append-only; bodies hold ids, names of fields and keyed hashes, no personal value",
    "audit_link": "hashes", "audit_anchor": "hashes, which are published",
    "audit_key": "the worker's alone: the key of the witnesses' digests", "audit_horizon": "the worker's alone: one number",
    "outbox": "topics and ids", "job_run": "names of jobs and counts", "heartbeat": "names of processes", "daily_run": "names of jobs", "vital": "counts and instants",
    "setback": "names of jobs, numbers of rows, kinds of errors",
    "web_session": "found by the hash of a random token; read before there is a principal",
    "sign_in_code": "found by keyed hash; read before there is a principal",
    **dict.fromkeys(("retention_rule", "retention_run", "retention_outlook"), "classes of data, periods and counts"),
    "data_import_row": "the worker's alone: rows of a file that wait for a yes; COPY asks no policy",
    "legal_hold": "a number and a reason, of nobody by name; services ask who may place one",
    "alembic_version": "one number", "clock_offset": "demo and test databases only",
    "ab_user": "names of staff and the hash of a password; read before there is a principal",
    **dict.fromkeys(
        ("ab_role", "ab_permission", "ab_view_menu", "ab_permission_view", "ab_permission_view_role"),
        "which role opens which page: written by the owner's command",
    ),
    **dict.fromkeys(
        ("ab_user_role", "ab_group", "ab_group_role", "ab_user_group", "ab_register_user", "ab_api_key"),
        "Flask-AppBuilder's, stays empty: the application has no right to write it",
    ),
}  # fmt: skip


def test_every_table_is_behind_the_wall_or_has_a_reason(behind: Wall) -> None:
    tables = behind.connection.execute(
        text("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace")
    )
    assert set(tables.scalars()) == {cls.__tablename__ for cls in guarded()} | set(UNGUARDED)


def test_nothing_else_shows_a_table(behind: Wall) -> None:
    """A view reads with its owner's eyes, and the owner sees everything."""
    found = behind.connection.execute(
        text("SELECT relname FROM pg_class WHERE relkind IN ('v', 'm', 'f') AND relnamespace = 'public'::regnamespace")
    )
    assert found.scalars().all() == []


def test_what_stays_empty_cannot_be_written(behind: Wall) -> None:
    empty = [name for name, reason in UNGUARDED.items() if "stays empty" in reason]
    writable = behind.connection.execute(
        text("SELECT t, l FROM unnest(CAST(:t AS text[])) t, unnest(CAST(:l AS text[])) l WHERE has_table_privilege(l, t, 'INSERT, UPDATE, DELETE')"),
        {"t": empty, "l": [WEB, WORKER]},
    )
    assert writable.all() == []


def test_the_web_does_not_read_the_workers_own(behind: Wall) -> None:
    own = [name for name, reason in UNGUARDED.items() if reason.startswith("the worker's alone")]
    readable = behind.connection.execute(text("SELECT t FROM unnest(CAST(:t AS text[])) t WHERE has_any_column_privilege(:l, t, 'SELECT')"), {"t": own, "l": WEB})
    assert readable.scalars().all() == []


def test_no_login_has_a_right_that_goes_round_the_policies(behind: Wall) -> None:
    """TRUNCATE, REFERENCES and TRIGGER do not ask policies; neither do tables made beside ours."""
    rights = behind.connection.execute(
        text("SELECT DISTINCT privilege_type FROM information_schema.role_table_grants"
             " WHERE table_schema = 'public' AND grantee <> 'ruku_owner' AND grantee <> 'postgres'")
    )  # fmt: skip
    assert set(rights.scalars()) == {"SELECT", "INSERT", "UPDATE", "DELETE"}
    make = behind.connection.execute(
        text("SELECT l, has_schema_privilege(l, 'public', 'CREATE') OR has_database_privilege(l, current_database(), 'CREATE')"
             " FROM unnest(CAST(:l AS text[])) l"), {"l": [WEB, WORKER]}
    )  # fmt: skip
    assert [tuple(row) for row in make] == [(WEB, False), (WORKER, False)]


# ── tricks of a login ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE ruku_worker",
        "SET ROLE ruku_owner",
        "SET ROLE postgres",
        "SET LOCAL ROLE ruku_worker",
        "SELECT set_config('role', 'ruku_worker', true)",
        "SET SESSION AUTHORIZATION ruku_jobs",
        "SELECT set_config('session_authorization', 'ruku_jobs', true)",
        "GRANT ruku_worker TO ruku_web",
        "ALTER ROLE ruku_web BYPASSRLS",
        "ALTER TABLE admission DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE admission NO FORCE ROW LEVEL SECURITY",
        "CREATE POLICY open ON admission USING (true)",
        "DROP POLICY scope_read ON admission",
        "CREATE OR REPLACE FUNCTION ruku_system() RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true'",
        "CREATE FUNCTION all_of_it() RETURNS SETOF admission LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM admission'",
        "ALTER TABLE step_entry DISABLE TRIGGER append_only",
        "SET session_replication_role = replica",
        "SET row_security = off; SELECT count(*) FROM admission",
        "COPY admission TO PROGRAM 'cat'",
        "COPY admission TO '/tmp/copied'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')",
    ],
)
def test_the_webs_login_gains_nothing_by(web_engine: Engine, statement: str) -> None:
    with web_engine.connect() as connection, pytest.raises(DBAPIError) as error:
        connection.exec_driver_sql(statement)
    assert error.value.orig is not None
    assert getattr(error.value.orig, "sqlstate", "") == "42501", error.value  # insufficient privilege


@pytest.mark.parametrize("who", ["system:anything", "system:", "system:seed", "SYSTEM:sign_in", "system:sign_in "])
def test_the_webs_login_is_nobodys_system(web_engine: Engine, who: str) -> None:
    """Not by the setting, for the session or the transaction, and not by taking the group's role."""
    with web_engine.connect() as connection:
        connection.exec_driver_sql("SET ROLE ruku_app")
        connection.exec_driver_sql("SELECT set_config('ruku.who', %s, false), set_config('ruku.who', %s, true)", (who, who))
        assert connection.exec_driver_sql("SELECT ruku_system(), ruku_doorkeeper()").one() == (False, False)
        connection.rollback()
        connection.exec_driver_sql("RESET ROLE")
        connection.exec_driver_sql("SELECT set_config('ruku.who', '', false)")


def test_settings_of_one_request_do_not_reach_the_next(database, web_engine: Engine) -> None:
    """A pooled connection is given back as nobody's, also after an error."""
    engine = db.make_engine(database.settings.database_url, pool_size=1, max_overflow=0)
    for goes_well in (True, False):
        with become(Staff(7, "某", (Grant(1, Role.SUPERVISOR, None, "150000", frozenset({1, 2})),))), Session(engine) as session:
            assert session.scalar(text("SELECT ruku_offices('files')")) == [1, 2]
            if goes_well:
                session.commit()
            else:
                with pytest.raises(DBAPIError):
                    session.execute(text("SELECT 1/0"))
        with engine.connect() as connection:
            asked = "SELECT ruku_who(), ruku_offices('files')"
            assert tuple(connection.exec_driver_sql(asked).one()) == ("", [])
    engine.dispose()


def test_statistics_and_side_doors_tell_nothing(behind: Wall, people: dict[str, Principal]) -> None:
    """The planner's samples of guarded tables are hidden, and a function of one's own sees no row before the policy has."""
    behind.connection.exec_driver_sql("ANALYZE admission")
    number = behind.foreign.rows["admission"].number
    with behind.seen_by(WEB, people["officer"]) as session:
        tables = [cls.__tablename__ for cls in guarded()]
        shown = text("SELECT count(*) FROM pg_stats WHERE schemaname = 'public' AND tablename = ANY(:t)")
        assert session.scalar(shown, {"t": tables}) == 0
        session.execute(text(
            "CREATE FUNCTION pg_temp.whisper(t text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$"
            " BEGIN PERFORM set_config('ruku.heard', concat(current_setting('ruku.heard', true), ' ', t), true); RETURN true; END $$"
        ))  # fmt: skip
        session.execute(text("SELECT count(*) FROM admission WHERE pg_temp.whisper(number)"))
        heard = session.scalar(text("SELECT current_setting('ruku.heard')"))
    assert behind.own.rows["admission"].number in heard
    assert number not in heard


# ── functions that look past the wall ────────────────────────────────────────────────────────────────────────

#: each answers one narrow question, shown below
PAST_THE_WALL = {
    "ruku_advance", "ruku_objection_state", "ruku_held_items", "ruku_restricted_since", "ruku_identity_taken", "ruku_undelivered",
    "ruku_grants_of", "ruku_views_of", "ruku_decisions_under", "ruku_gives_under", "ruku_administers", "ruku_under_ended", "ruku_roles_held",
    "ruku_work_at", "ruku_in_hand", "ruku_decided_by", "ruku_file_place", "ruku_recused", "ruku_hands",
    "ruku_holdings", "ruku_held_by", "ruku_subject_taken", "ruku_holds_only_here",
    "ruku_erase", "ruku_applicant_of", "ruku_token_bearer", "ruku_register_receipt", "ruku_found", "ruku_register_answers",
    "ruku_register_letters", "ruku_away", "ruku_stand_ins", "ruku_automatic_due", "ruku_recount", "ruku_specialties_cited", "ruku_load_specialties",
    "ruku_withdraw_objection", "ruku_sum_up_probes",
}  # fmt: skip
FOR_THE_WORKER = {"ruku_erase", "ruku_sum_up_probes"}  # only the worker removes what its time is over for


def test_functions_that_look_past_the_wall_are_known_pinned_and_for_our_logins_only(behind: Wall) -> None:
    rows = behind.connection.execute(text(
        "SELECT p.proname, p.proconfig, pg_get_userbyid(p.proowner), p.prorettype = 'trigger'::regtype,"
        " ARRAY(SELECT DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END"
        "       FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a ORDER BY 1)"
        " FROM pg_proc p WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace ORDER BY 1"
    )).all()  # fmt: skip
    assert {name for name, *_, by_trigger, _callers in rows if not by_trigger} == PAST_THE_WALL
    assert {name for name, *_, by_trigger, _callers in rows if by_trigger and not name.startswith("ruku_witness_")} == set()
    for name, config, owner, by_trigger, callers in rows:
        assert config[0] == "search_path=public, pg_temp", name
        whose = set() if by_trigger else {"ruku_worker"} if name in FOR_THE_WORKER else {"ruku_app"}
        assert (owner, set(callers)) == ("ruku_owner", {"ruku_owner", *whose}), name


def ask(behind: Wall, principal: Principal, statement: str, *, login: str = WEB, **given: object) -> list[tuple[object, ...]]:
    with behind.seen_by(login, principal) as session:
        return [tuple(row) for row in session.execute(text(statement), given)]


def test_advance_moves_only_what_its_caller_may_decide(behind: Wall, people: dict[str, Principal]) -> None:
    def move(side: str) -> str:
        row = behind.values[side, "admission"]
        asked = {**row, "from_step": row["step"], "to_step": "training"}
        return f"[{as_json(asked)}]"

    statement = "SELECT * FROM ruku_advance(:moves)"
    for who, principal in people.items():
        assert ask(behind, principal, statement, moves=move("foreign")) == [], who
        own = [(behind.own.rows["admission"].id,)] if who in {"officer", "applicant"} else []
        assert ask(behind, principal, statement, moves=move("own")) == own, who


def test_the_state_of_an_objection_is_told_by_its_code_alone(behind: Wall, people: dict[str, Principal]) -> None:
    statement = "SELECT * FROM ruku_objection_state(:code)"
    code, number = behind.foreign.rows["objection"].code, behind.foreign.rows["notice"].number
    made_at = behind.foreign.rows["objection"].made_at
    assert ask(behind, NOBODY, statement, code=code) == [("open", made_at, None, None, number, None)]
    for other in ("", "%", code[:-1], code.upper() + " ", None):
        assert ask(behind, people["public"], statement, code=other) == []


def test_an_objection_is_taken_back_by_its_code_alone_and_once(behind: Wall, people: dict[str, Principal]) -> None:
    statement = "SELECT ruku_withdraw_objection(:code, 'x')"
    objection = behind.foreign.rows["objection"]
    for other in ("", "%", objection.code[:-1], "RE-" + objection.code, None):
        assert ask(behind, people["public"], statement, code=other) == [(None,)]
    with behind.seen_by(WEB, people["public"]) as session:
        assert [session.scalar(text(statement), {"code": objection.code}) for _ in range(2)] == [objection.id, None]


def test_held_items_are_numbers_of_one_notice(behind: Wall) -> None:
    item = behind.foreign.rows["notice_item"]
    assert ask(behind, Public(), "SELECT * FROM ruku_held_items(:notice)", notice=item.notice_id) == [(item.id,)]
    assert ask(behind, Public(), "SELECT * FROM ruku_held_items(NULL)") == []


def test_a_restriction_is_told_by_certificate_and_as_a_date(behind: Wall) -> None:
    entry, applicant = behind.foreign.rows["roster_entry"], behind.foreign.rows["applicant"]
    statement = "SELECT ruku_restricted_since(:code, '2026-05-01')"
    assert ask(behind, Public(), statement, code=entry.code) == [(None,)]
    with behind.seen_by(WORKER, System("test")) as session:
        session.execute(
            text("INSERT INTO restriction (id_number_hash, kind, source, basis, valid_from) VALUES (:h, 'x', 'x', 'x', '2026-03-01')"),
            {"h": applicant.id_number_hash},
        )
        told = session.execute(text("SELECT ruku_restricted_since(:c, '2026-05-01'), ruku_restricted_since('%', '2026-05-01')"), {"c": entry.code})
        assert [str(day) for day in told.one()] == ["2026-03-01", "None"]


def test_whether_an_identity_is_taken_is_yes_or_no_and_never_about_oneself(behind: Wall, people: dict[str, Principal]) -> None:
    statement = "SELECT ruku_identity_taken(:hash)"
    own, foreign = (place.rows["applicant"].id_number_hash for place in (behind.own, behind.foreign))
    assert ask(behind, people["applicant"], statement, hash=foreign) == [(True,)]
    assert ask(behind, people["applicant"], statement, hash=own) == [(False,)]
    assert ask(behind, people["applicant"], statement, hash="%") == [(False,)]


def test_failed_deliveries_are_for_staff_and_name_nobody(behind: Wall, people: dict[str, Principal]) -> None:
    statement = "SELECT * FROM ruku_undelivered()"
    for who, principal in people.items():
        with behind.seen_by(WEB, principal) as session:
            with behind.unveiled() as connection:
                connection.exec_driver_sql("UPDATE delivery SET attempts = 1, last_error = 'no such mailbox'")
            rows = session.execute(text(statement)).all()
            assert len(rows) == (2 if isinstance(principal, Staff) else 0), who
            said = str(rows)
            people_in_it = [place.rows["applicant"].name for place in (behind.own, behind.foreign)]
            assert not any(name in said for name in people_in_it)


def test_decisions_under_a_release_are_those_of_ones_own_offices(behind: Wall, people: dict[str, Principal]) -> None:
    release = behind.foreign.rows["finding"].release_id
    for who, principal in people.items():
        told = [row[0] for row in ask(behind, principal, "SELECT * FROM ruku_decisions_under(:release)", release=release)]
        assert told == ([behind.own.rows["admission"].number] if who == "officer" else []), who


def test_grants_are_told_to_their_holder_and_to_the_door(behind: Wall, people: dict[str, Principal]) -> None:
    staff = behind.foreign.staff_id
    statement = "SELECT json_array_length(ruku_grants_of(:staff))"
    counts = {who: ask(behind, principal, statement, staff=staff)[0][0] for who, principal in people.items()}
    assert {who for who, count in counts.items() if count} == {"nobody", "doorkeeper"}  # the door asks before anyone is the principal
    assert ask(behind, Staff(staff, "本人"), statement, staff=staff) == [(1,)]


def test_work_is_told_in_numbers_and_for_offices_whose_people_one_reads(behind: Wall, people: dict[str, Principal]) -> None:
    """An admin reads no files: counts, and where a file lies, come from functions that answer for their own offices."""
    own, foreign = behind.own, behind.foreign
    held_by = "UPDATE admission SET holder_id = %s WHERE id = %s"
    with behind.arranged(*((held_by, (own.staff_id, place.rows["admission"].id)) for place in (own, foreign))):
        _tell_of_work(behind, people)


def _tell_of_work(behind: Wall, people: dict[str, Principal]) -> None:
    own, foreign = behind.own, behind.foreign
    admin = Staff(2_000_000_002, "那日苏", (Grant(1, Role.DEPARTMENT_ADMIN, None, "150100", frozenset({own.office_id})),))
    numbers = {"files": 1, "notices": 1, "objections": 1, "roster": 1}
    for who, principal in {**people, "admin": admin}.items():
        reads = who in {"officer", "admin"}
        both = [own.office_id, foreign.office_id]
        told = ask(behind, principal, "SELECT office_id, kind, total FROM ruku_work_at(:offices)", offices=both)
        assert {(office, kind): total for office, kind, total in told} == ({(own.office_id, kind): n for kind, n in numbers.items()} if reads else {}), who
        assert ask(behind, principal, "SELECT office_id, kind, total FROM ruku_work_at(NULL)") == told, who
        held = ask(behind, principal, "SELECT staff_id, office_id, step, total FROM ruku_in_hand(CAST(NULL AS int[]))")
        assert held == ([(own.staff_id, own.office_id, "first_review", 1)] if reads else []), who
        places = [ask(behind, principal, "SELECT office_id FROM ruku_file_place(:n)", n=place.rows["admission"].number) for place in (own, foreign)]
        assert places == ([[(own.office_id,)], []] if reads else [[], []]), who
        roles = ask(behind, principal, "SELECT ruku_roles_held(:staff, NULL)", staff=foreign.staff_id)
        assert roles == [(["first_reviewer"] if reads else [],)], who  # wherever they are held: an operator decides nothing anywhere


def test_what_somebody_holds_is_told_where_their_people_are_read(behind: Wall, people: dict[str, Principal]) -> None:
    """Of a colleague of one's own office: their grants, and files in hand as numbers; of anybody else nothing. A bound subject: yes or no."""
    own, foreign = behind.own, behind.foreign
    for who, principal in people.items():
        with behind.seen_by(WEB, principal) as session:
            with behind.unveiled() as connection:
                connection.exec_driver_sql("UPDATE admission SET holder_id = %s WHERE id = %s", (own.staff_id, own.rows["admission"].id))
                connection.exec_driver_sql("UPDATE staff_account SET oidc_subject = 'u-1' WHERE staff_id = %s", (foreign.staff_id,))
            held = {place.staff_id: session.execute(text("SELECT role FROM ruku_holdings(:s)"), {"s": place.staff_id}).all() for place in (own, foreign)}
            files = session.execute(text("SELECT office_id, step, files FROM ruku_held_by(:s)"), {"s": own.staff_id}).all()
            alone = session.scalar(text("SELECT ruku_holds_only_here(:s)"), {"s": own.staff_id})
            taken = session.scalar(text("SELECT ruku_subject_taken('u-1', 0)"))
        reads = who == "officer"
        assert held == {own.staff_id: [("first_reviewer",)] if reads else [], foreign.staff_id: []}, who
        assert files == ([(own.office_id, "first_review", 1)] if reads else []), who
        assert taken is isinstance(principal, Staff), who
        assert alone is reads, who


def test_who_may_give_is_asked_of_the_askers_own_grants(behind: Wall, people: dict[str, Principal]) -> None:
    """Nobody gives under another's grant, or under one that gives nothing."""
    grant = behind.own.rows["staff_grant"]
    for who, principal in {**people, "its holder": Staff(grant.staff_id, "本人")}.items():
        given = {"under": grant.id, "staff": behind.foreign.staff_id, "d": grant.department_id}
        assert ask(behind, principal, "SELECT ruku_gives_under(:under, :staff, 'first_reviewer', :d, '150105', NULL)", **given) == [(False,)], who
        assert ask(behind, principal, "SELECT ruku_administers()") == [(False,)], who
        assert ask(behind, principal, "SELECT ruku_under_ended(:under)", under=grant.id) == [(None,)], who


# ── the two holes, and how the house closes them ─────────────────────────────────────────────────────────────


def test_hole_the_identity_map_gives_what_was_loaded_and_becoming_somebody_empties_it(session: Session, as_) -> None:
    foreign = make_admission(session, division="150402")
    officer = make_staff(session, Role.FIRST_REVIEWER, division="150100")
    assert session.get(Admission, foreign.id) is foreign  # loaded as System, and no statement asks again
    with as_(officer):
        assert list(session) == []
        assert session.get(Admission, foreign.id) is None
    assert session.get(Admission, foreign.id) is not None


def test_hole_a_foreign_key_may_name_an_invisible_row_so_people_choose_through_scope(behind: Wall, people: dict[str, Principal]) -> None:
    """PostgreSQL checks a foreign key past every policy: a row of one's own office may point at a foreign admission. What a person
    names is therefore fetched first, by a select through scope, and an invisible row is not found."""
    foreign = behind.foreign.rows["admission"]
    values = behind.values["own", "step_entry"]
    with behind.seen_by(WEB, people["officer"]) as session:
        plant(session, Of(StepEntry, {"foreign": values}), {**values, "id": 2_000_000_000, "admission_id": foreign.id})  # the hole
        session.rollback()
    with behind.seen_by(WEB, people["officer"]) as session:
        assert fetch(session, Admission, str(foreign.id)) is None
        assert fetch(session, Admission, str(behind.own.rows["admission"].id)) is not None
