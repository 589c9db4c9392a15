"""Check the audit of a Ruku database from outside: python audit_verifier.py postgresql://… [--anchors anchors.json] [--json]. This file stands alone
(Python 3.11, psycopg), believes nothing the database says about itself and changes nothing; the login must see every row: owner, superuser or a member
of ruku_worker. docs/audit.md explains it. Exit code: 0 nothing found, 1 faults (one sentence each), 2 it could not be checked."""
import argparse, hashlib, json, sys, time
from datetime import datetime
from itertools import chain
from types import SimpleNamespace as Report
from typing import Any
import psycopg

# Tables whose rows leave a witness: key columns / columns that come and go / the column that must be set; those below: id, none, none.
_TABLES = """ab_user id / last_login login_count fail_login_count created_on changed_on; admission id / claimed_until overdue_told_at warn_at
absence id / claimed_until; access_token id / used_at used_from; answer attempt_id question; applicant id / failed_sign_ins locked_until language; application id / / submitted_at; attempt id / claimed_until
application_release application_id department_id occasion; application_specialty application_id standard code; audit_anchor stream seq
calendar_version version; delivery id / claimed_until attempts due_at last_error; letter id / read_at; notice id / claimed_until
register_letter id / claimed_until attempts due_at last_error; retention_rule kind; specialty_version standard number; staff_account staff_id / totp_last_step signed_in_at""".replace("\n", "; ").split("; ")
WITNESSED: dict[str, Any] = {name: [part.split() for part in f"{rest}//".split("/")[:3]] for name, rest in (line.split(" ", 1) for line in _TABLES)}
WITNESSED |= dict.fromkeys("""attachment brake calendar_day course_progress department draft_revision finding legal_hold notice_item objection office paper regulation
recusal register_definition register_draw regulation_paragraph release release_event restriction retention_run review roster_entry roster_event roster_specialty rule_draft specialty_transfer
notice_correction notice_extension staff_grant step_entry webhook""".split(), (["id"], [], []))
FOUNDING = {"retention_rule", "department", "office", "release", "release_event", "workday", "calendar_day", "calendar_version", "regulation", "regulation_paragraph"}  # by the owner's login
# The law of movement: from, action, to, who. `next`: a later step of the route; `back`: where the file was returned from.
MOVES = """screening pass_step next applicant clock; screening return_for_correction correction applicant clock
screening refuse refused applicant clock; assignment assign screening clock operator; correction resubmit back applicant
correction rescreen screening clock; correction refuse refused applicant; training pass_step next applicant clock
exam pass_step next applicant clock; exam fail failed applicant clock; publicity pass_step roster clock
publicity refuse refused clock coordinator; refused request_reconsideration reconsideration applicant
reconsideration reopen first_review coordinator; reconsideration uphold_refusal refused coordinator""".replace("\n", "; ").split("; ")
MOVES += [f"{n}_review {move} {n}_reviewer" for n in ("first", "second") for move in ("pass_step next", "return_for_correction correction", "refuse refused")]
MOVES += [f"{step} lapse lapsed clock" for step in ("correction", "training", "exam")]
MOVES += [f"{step} withdraw withdrawn applicant" for step in "assignment first_review second_review correction training exam publicity reconsideration".split()]
ROUTE = ["screening", "first_review", "second_review", "training", "exam", "publicity"]
GIVERS = dict.fromkeys(["operator", "supervisor"], "{platform_admin}") | {"department_admin": "{platform_admin,department_admin}"} | dict.fromkeys(
    ["first_reviewer", "second_reviewer", "coordinator", "rule_editor", "rule_publisher"], "{department_admin}")  # role: who may give it


def _held(who: str, roles: str, department: str, division: str, at: str) -> str:  # this person held such a grant there at this moment
    return f"""EXISTS (SELECT FROM staff_grant h WHERE 'staff:' || h.staff_id = {who} AND h.role = ANY({roles}) AND h.granted_at <= {at} AND h.valid_from <= {at}
      AND (h.department_id IS NULL OR h.department_id = {department}) AND starts_with({division}, regexp_replace(h.division_code, '(00)+$', ''))
      AND coalesce(h.valid_to > {at}, true) AND coalesce(h.ended_at > {at}, true))"""

REVIEWS = "('first_review', 'second_review', 'reconsideration')"
MEANING = [  # a sentence for every row that the question finds
    ("admission {} lies at '{}', but its trail ends at '{}'", """SELECT a.id, a.step, t.to_step FROM admission a LEFT JOIN LATERAL (SELECT to_step
      FROM step_entry s WHERE s.admission_id = a.id ORDER BY s.id DESC LIMIT 1) t ON true WHERE a.step IS DISTINCT FROM t.to_step"""),
    ("admission {}: its trail and its audit entries tell different moves", """WITH trail AS (SELECT admission_id id, array_agg(concat_ws(' ', action, from_step,
        to_step, who) ORDER BY id) moves FROM step_entry WHERE NOT (action = 'submit' AND to_step = 'screening') GROUP BY 1),
      told AS (SELECT substr(subject, 11)::int id, array_agg(concat_ws(' ', substr(action, 11), CASE WHEN action <> 'admission.submit' THEN b #>> '{changes,step,0}'
        END, b #>> '{changes,step,1}', coalesce(b ->> 'ordered_by', who)) ORDER BY e.id) moves FROM audit_entry e, LATERAL (SELECT body::jsonb b) x
        WHERE starts_with(subject, 'admission:') AND b #> '{changes,step}' IS NOT NULL GROUP BY 1)
      SELECT coalesce(trail.id, told.id) FROM trail FULL JOIN told USING (id) WHERE trail.moves IS DISTINCT FROM told.moves"""),
    ("step entry {} of admission {}: '{}' to '{}' was not {}'s to do then", """WITH t AS (SELECT s.*, a.applicant_id mine, o.department_id, o.division_code,
        lag(to_step) OVER w came, lag(from_step) OVER w returned FROM step_entry s JOIN admission a ON a.id = s.admission_id JOIN office o
        ON o.id = s.office_id WINDOW w AS (PARTITION BY s.admission_id ORDER BY s.id))
      SELECT id, admission_id, action, to_step, who FROM t WHERE NOT coalesce(CASE WHEN from_step IS NULL THEN action = 'submit' AND came IS NULL
        AND to_step IN ('screening', 'assignment') ELSE from_step = came AND EXISTS (SELECT FROM unnest(%(moves)s::text[]) law, LATERAL
        (SELECT string_to_array(law, ' ') m) x WHERE m[1] = from_step AND m[2] = action AND CASE m[3]
          WHEN 'next' THEN array_position(%(route)s::text[], to_step) > array_position(%(route)s::text[], from_step)
          WHEN 'back' THEN to_step = returned OR returned = 'screening' AND to_step = 'first_review' ELSE to_step = m[3] END
        AND (who = 'applicant:' || mine AND 'applicant' = ANY(m[4:]) OR starts_with(who, 'system:') AND 'clock' = ANY(m[4:]) OR """
     + _held("who", "m[4:]", "t.department_id", "t.division_code", "t.at") + ")) END, false)"),
    ("admission {}: {} decided on both sides of a separated duty", f"""SELECT a.admission_id, a.who FROM step_entry a JOIN step_entry b USING (admission_id, who)
      WHERE b.id > a.id AND who LIKE 'staff:%%' AND b.from_step IN {REVIEWS} AND (a.from_step IN {REVIEWS} AND a.from_step <> b.from_step OR a.action = 'refuse')"""),
    ("admission {}: a move of review {} and a decision {} without each other", f"""SELECT coalesce(s.admission_id, r.admission_id), s.id, r.id FROM (SELECT * FROM
      step_entry WHERE from_step IN {REVIEWS} AND who LIKE 'staff:%%') s FULL JOIN (SELECT * FROM review WHERE decided_at IS NOT NULL) r ON r.admission_id =
      s.admission_id AND (level, 'staff:' || reviewer_id, decided_at, decision) = (from_step, who, at, replace(action, 'pass_step', 'pass')) WHERE s.id IS NULL OR r.id IS NULL"""),
    ("roster specialty {} of admission {}: {}", """WITH t AS (SELECT r.id, a.id file, l.content::jsonb #> '{bundle.yaml,pipeline,exam}' exam, s.at FROM roster_specialty r
        JOIN admission a ON a.id = r.admission_id JOIN release l ON l.id = a.release_id LEFT JOIN step_entry s ON s.admission_id = a.id AND s.to_step = 'roster'),
      w AS (SELECT t.id, file, unnest(ARRAY[CASE WHEN at IS NULL THEN 'its file never came to the roster' END,
        CASE WHEN NOT EXISTS (SELECT FROM step_entry s WHERE admission_id = file AND from_step LIKE '%%_review' AND action = 'pass_step') THEN 'nobody passed it in review' END,
        CASE WHEN coalesce(exam ->> 'value', exam #>> '{}') = 'true' AND NOT EXISTS (SELECT FROM attempt p JOIN step_entry s USING (admission_id) WHERE admission_id = file
          AND p.passed AND p.finished_at <= s.at AND s.from_step = 'exam' AND s.action = 'pass_step') THEN 'its route has an exam, and none was passed' END,
        CASE WHEN NOT EXISTS (SELECT FROM notice_item i JOIN notice n ON n.id = i.notice_id WHERE (admission_id, outcome) = (file, 'admitted') AND published_at <= due_at AND due_at <= t.at
          AND (NOT is_probed OR proved_until >= due_at) AND NOT EXISTS (SELECT FROM objection o WHERE notice_item_id = i.id AND made_at <= t.at AND (ruled_at IS NULL OR ruled_at > t.at
          OR upheld))) THEN 'no notice had ended with nothing open' END]) wrong FROM t) SELECT * FROM w WHERE wrong IS NOT NULL"""),
    ("admission {} came to the roster, and nothing of it is there", """SELECT a.id FROM admission a WHERE a.step = 'roster' AND NOT EXISTS
      (SELECT FROM roster_event v WHERE v.event = 'entered' AND (v.facts ->> 'admission_id')::int = a.id)"""),
    ("roster specialty {} is '{}', but its events say otherwise", """SELECT r.id, r.standing FROM roster_specialty r LEFT JOIN LATERAL (SELECT event FROM roster_event v
      WHERE v.roster_specialty_id = r.id AND v.event <> 'entered' ORDER BY v.id DESC LIMIT 1) v ON true WHERE r.standing <> coalesce(nullif(v.event, 'restored'), 'active')"""),
    ("grant {} of {} to staff {} was not {}'s to give, or its giving is not in the audit", """SELECT g.id, g.role, g.staff_id, g.granted_by FROM staff_grant g
      WHERE NOT EXISTS (SELECT FROM audit_entry e WHERE e.subject = 'grant:' || g.id AND e.who = g.granted_by) OR NOT (CASE WHEN g.granted_by LIKE 'system:%%'
      THEN g.role = 'platform_admin' OR to_regclass('clock_offset') IS NOT NULL ELSE g.granted_by <> 'staff:' || g.staff_id AND """
     + _held("g.granted_by", "(%(givers)s::jsonb ->> g.role)::text[]", "g.department_id", "CASE WHEN (h.role, h.division_code) = (g.role,"
     " g.division_code) THEN '' ELSE g.division_code END", "g.granted_at") + " END)"),  # an admin appoints admins below themselves only
    ("release {} was published by {}, who had a hand in it or held no grant to", """SELECT v.release_id, v.actor FROM release_event v JOIN release l ON l.id = v.release_id
      WHERE v.state = 'published' AND v.actor LIKE 'staff:%%' AND NOT (""" + _held("v.actor", "'{rule_publisher}'", "l.department_id", "'150000'", "v.at") + """ AND
      (v.report ? 'rolled_back' OR v.actor NOT IN (SELECT l.author UNION SELECT actor FROM release_event a WHERE a.release_id = l.id AND a.id < v.id
      UNION SELECT by FROM draft_revision x JOIN rule_draft d ON d.id = draft_id WHERE d.release_id = l.id)))"""),
    *((f"{t} {{}} is not what its hash says", f"SELECT id FROM {t} WHERE encode(sha256(convert_to(content, 'UTF8')), 'hex') <> content_hash") for t in "release notice notice_correction".split()),
]
READ = """SELECT l.stream, l.seq, l.hash, l.sm3, coalesce(l.entry_id, e.id), e.xid, e.stream, e.at, e.who, e.action, e.subject, e.leaf, e.body
  FROM audit_link l {} JOIN audit_entry e ON e.id = l.entry_id {}"""
DECODE = json.JSONDecoder().raw_decode  # json.loads would look for white space
_LATE = """SELECT e.id FROM audit_entry e, pg_current_snapshot() s WHERE NOT EXISTS (SELECT FROM audit_link l WHERE l.entry_id = e.id)
  AND (e.xid < pg_snapshot_xmin(s)::text::bigint OR e.xid >= pg_snapshot_xmax(s)::text::bigint) ORDER BY e.id"""


def verify(db: psycopg.Connection[Any], *, anchors: Any = (), wait: float = 0, owners: Any = ()) -> Report:
    """Everything, as it is at one moment when the transaction is REPEATABLE READ. `wait`: seconds the sealer may need for what is new; `owners`: logins that owned the tables before a restore."""
    published = [*anchors, *(dict(zip(("stream", "seq", "at", "sha256", "sm3"), row, strict=True)) for row in db.execute("SELECT stream, seq, at, sha256, sm3 FROM audit_anchor"))]
    report, heads = Report(faults=[], entries=0, rows=0, anchors=len(published)), {(one["stream"], one["seq"]): ("", "") for one in published}
    witnesses = _walk(db, report, heads, {*owners})
    for one in published:
        sha256, sm3 = heads[one["stream"], one["seq"]]  # anchors of the first versions hold the SM3 of the SHA-256 head
        if one["sha256"] != sha256 or one["sm3"] not in (sm3, sm3_of(sha256)):
            report.faults.append(f"{one['stream']}/{one['seq']}: the head published on {one['at']} is not in the chain: its end was cut off or written again")
    registers: dict[str, Any] = {name: (["id"], ["warned_at"], []) for (name,) in db.execute("SELECT table_name FROM register_definition")}  # made from declarations
    for table, (keys, fleeting, must) in {**WITNESSED, **registers}.items():
        last, key = witnesses.pop(table, {}), ", ".join(f"j ->> '{name}'" for name in keys)
        question = f"""SELECT concat_ws('|', {key}), encode(sha256((SELECT key FROM audit_key) || convert_to((j - %s::text[])::text, 'UTF8')), 'hex')
          FROM (SELECT jsonb_strip_nulls(to_jsonb(r)) j FROM {table} r) x {"WHERE j ? %s" if must else ""}"""
        for name, digest in db.execute(question, [fleeting, *must], binary=True):
            report.rows += 1
            if (witness := last.pop(name, None)) != digest:
                report.faults.append(f"{table} {name}: the row was {'changed' if witness else 'put there'} without a trace")
        report.faults += [f"{table} {name}: the row was removed without a trace" for name, witness in last.items() if witness]
    report.faults += [f"{table}: not known to this verifier; take the one of the version that runs" for table, last in witnesses.items() if any(last.values())]
    for sentence, question in MEANING:
        try:
            with db.transaction():  # a text that is no JSON any more ends this question, not the others
                report.faults += [sentence.format(*row) for row in db.execute(question, {"moves": MOVES, "route": ROUTE, "givers": json.dumps(GIVERS)})]
        except psycopg.Error as error:
            report.faults.append(f"could not be asked: {sentence}: {error}")
    while (late := db.execute(_LATE).fetchall()) and wait > 0:
        db.rollback()  # a new moment
        time.sleep(1)
        wait -= 1
    report.faults += [f"entry {entry}: it is in no chain: is the relay running?" for (entry,) in late]
    return report


def _walk(db: psycopg.Connection[Any], report: Report, wanted: dict[tuple[str, int], tuple[str, str]], owners: set[str]) -> dict[str, dict[str, str | None]]:
    """Every chain from its beginning; `wanted` gets the heads it asks for. Returns the last witness of each row: {table: {key: digest}}."""
    faults, heads, witnesses = report.faults, dict[str, tuple[int, str, str]](), dict[str, dict[str, str | None]]()
    owners |= {name for (name,) in db.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'audit_entry'")}
    loose = db.execute(READ.format("RIGHT", "WHERE l.entry_id IS NULL ORDER BY e.id")).fetchall()  # not in a chain yet
    db.execute("SET LOCAL TimeZone = 'UTC'; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_sort = off")  # read along the chain
    at_once = 1_000 if psycopg.pq.version() >= 170_000 else 1  # the server reads ahead while we hash
    linked = db.cursor().stream(READ.format("LEFT", "ORDER BY l.stream, l.seq"), binary=True, size=at_once)
    for stream, seq, sha256, sm3, entry, xid, home, at, who, action, subject, leaf, body in chain(linked, loose):
        report.entries += 1
        if stream is not None:
            before, head, head3 = heads.get(stream, (0, "", ""))
            if seq != before + 1:
                faults.append(f"{stream}: links {before + 1} to {seq - 1} are missing")
            if sha256 != hashlib.sha256(f"{head}|{seq}|{leaf}".encode()).hexdigest() or sm3 != sm3_of(f"{head3}|{seq}|{entry}|{xid}|{body}"):
                faults.append(f"{stream}/{seq}: entry {entry} {'is gone' if body is None else 'or its link was changed, or is not in its place'}")
            heads[stream] = seq, sha256, sm3
            if (stream, seq) in wanted:
                wanted[stream, seq] = sha256, sm3
        if body is None:
            continue
        try:
            facts, _ = DECODE(body)
            told: Any = facts["who"], facts["action"], facts["subject"], datetime.fromisoformat(facts["at"])
        except (ValueError, LookupError, TypeError):
            facts, told = {}, ("", "", "", None)
        if hashlib.sha256(body.encode()).hexdigest() != leaf or told != (who, action, subject, at) or home != (stream or home):
            faults.append(f"entry {entry}: its text was changed, or the columns beside it say something else")
        if isinstance(rows := facts.get("rows"), dict):
            witnesses.setdefault(subject, {}).update(rows)
            ours = facts.get("login") in owners and (who.startswith("migration") or (who in ("system:seed", "system:migrate") and subject in FOUNDING))
            if not who or ("outside" in facts and not ours):
                faults.append(f"entry {entry}: {facts['op']} of {subject} {', '.join([*rows][:5])} by '{who}', login {facts['login']}, past the application")
    db.execute("RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_sort")
    return witnesses


def sm3_of(text: str, empty: Any = hashlib.new("sm3") if "sm3" in hashlib.algorithms_available else None) -> str:
    digest = empty.copy()  # a new one would ask OpenSSL for the algorithm each time
    digest.update(text.encode())
    return str(digest.hexdigest())


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="audit_verifier")
    parser.add_argument("database", help="postgresql://…, a login that sees every row")
    parser.add_argument("--anchors", help="anchors.json as once saved from the public site")
    parser.add_argument("--wait", type=float, default=5, help="seconds the sealer may need for what is new (5)")
    parser.add_argument("--owner", action="append", default=[], help="a login that owned the tables before a backup was restored (`backup.restored` names it)")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    _ = "sm3" in hashlib.algorithms_available or parser.error("this Python's OpenSSL has no SM3")
    try:
        with open(asked.anchors or "/dev/null", encoding="utf-8") as file:
            anchors = json.load(file)["anchors"] if asked.anchors else []
        with psycopg.connect(asked.database, options="-c TimeZone=UTC -c ruku.who=system:audit -c default_transaction_read_only=on") as db:
            db.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            report = verify(db, anchors=anchors, wait=asked.wait, owners=asked.owner)
    except (OSError, ValueError, LookupError, psycopg.Error) as error:
        print(f"It could not be checked: {error}", file=sys.stderr)
        return 2
    print(json.dumps(vars(report), ensure_ascii=False, indent=1) if asked.json else "\n".join([*report.faults,
          f"{report.entries} entries, {report.rows} rows and {report.anchors} anchors looked at: {len(report.faults)} faults."]))
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
