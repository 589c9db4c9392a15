"""`python -m console`: the command line. Its help is the manual.

Each command imports what it needs when it runs, so that `--help` answers at once. A command that cannot do its work says why in
one sentence and ends with 1; settings that cannot be used end with 2.
"""

from __future__ import annotations

import argparse
import datetime as dt
import re
import sys

from config import ConfigProblems, Settings
from console import bundle_command, registers_command, replay_command


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except ConfigProblems as problems:
        print(problems, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        sentence = _known(error)
        if sentence is None:
            raise
        print(sentence, file=sys.stderr)
        return 1


def _known(error: Exception) -> str | None:
    """The sentence of an error that people can act upon; None for a fault of ours, which keeps its traceback."""
    from redis.exceptions import ConnectionError as RedisUnreachable
    from sqlalchemy.exc import OperationalError

    from console.embedded import ServerProblem
    from console.errors import ConsoleError
    from console.process import NotReady, reason
    from rules.documents import Problems
    from rules.hooks import HookMissing
    from seed.rows import SeedProblems

    if isinstance(error, NotReady | ServerProblem | ConsoleError | SeedProblems | HookMissing | Problems):
        return str(error)
    if isinstance(error, OperationalError):
        return f"PostgreSQL cannot be used: {reason(error)}"
    if isinstance(error, RedisUnreachable):
        return f"Redis cannot be reached: {error}"
    return None


# ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────


def run(options: argparse.Namespace) -> int:
    from console import launch

    return launch.run()


def _begin_waiting() -> Settings:
    """For what is started with the machine: PostgreSQL may come up later."""
    from console import process, waiting

    settings = process.begin("worker", check=False)
    waiting.until_it_answers(settings.database_worker_url)
    process.check_database(settings)
    return settings


def worker(options: argparse.Namespace) -> None:
    from console import worker as background

    background.work(_begin_waiting())


def relay(options: argparse.Namespace) -> None:
    from console import relay as carrier

    carrier.carry(_begin_waiting())


def cron(options: argparse.Namespace) -> None:
    from console import relay as carrier

    carrier.ask_daily(_begin_waiting())


def migrate(options: argparse.Namespace) -> None:
    from console import prepare, process

    settings = process.begin("owner")
    print(f"The database is at revision {prepare.migrate(settings)}.")
    if options.seed:
        _seed(settings, options)


def seed(options: argparse.Namespace) -> None:
    from console import process

    _seed(process.begin("owner"), options)


def _seed(settings: Settings, options: argparse.Namespace) -> None:
    from console import prepare

    done = prepare.seed()
    print(f"Base data: {done.rows} rows new or changed. Releases: {', '.join(done.releases) or 'none new'}.")
    for one in done.apart:
        print(one.show("en"))
    if options.demo:
        from seed import demo as population

        population.populate(settings)


def demo(options: argparse.Namespace) -> int:
    from console import launch

    return launch.demo()


def doctor(options: argparse.Namespace) -> int:
    from console.doctor import examination

    return examination.examine(as_json=options.json)


def clock(options: argparse.Namespace) -> None:
    from console import clock as hands
    from console import db, process
    from console.scope import System, become

    process.begin("worker")
    with become(System("clock")), db.transaction() as session:
        if options.action != "show" and not hands.is_simulated(session):
            raise process.NotReady("The clock of this database cannot be moved: it was not made for demo or test.")
        if options.action == "advance":
            hands.advance(session, _span(options.value))
        elif options.action == "set":
            hands.set_to(session, _instant(options.value))
        print(hands.now(session).isoformat(sep=" ", timespec="seconds"))


def _span(text: str | None) -> dt.timedelta:
    parts = re.findall(r"(\d+)([dhm])", text or "")
    if not parts or "".join(n + u for n, u in parts) != text:
        raise SystemExit("clock advance needs a span such as 30d, 12h or 1d12h30m")
    return sum((dt.timedelta(**{{"d": "days", "h": "hours", "m": "minutes"}[u]: int(n)}) for n, u in parts), dt.timedelta())


def _instant(text: str | None) -> dt.datetime:
    from console import clock as hands

    try:
        instant = dt.datetime.fromisoformat(text or "")
    except ValueError:
        raise SystemExit("clock set needs a date or time such as 2026-10-01 or 2026-10-01T09:00") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=hands.ZONE)


def words(options: argparse.Namespace) -> int:
    from console import words as catalogue

    if options.check:
        report = catalogue.check()
        for sentence in report.missing:
            print(f"{sentence.place}: no English: {sentence.text}")
        for text in report.unused:
            print(f"no longer said: {text}")
        for place in report.glued:
            print(f"{place}: a translated sentence is one plain string, its slots are named")
        return 1 if report.missing or report.glued else 0
    written = catalogue.compile_all()
    if not options.quiet:
        print(f"{len(written)} catalogues written." if written else "The catalogues are up to date.")
    return 0


def bundle(options: argparse.Namespace) -> int:
    return bundle_command.run(options)


def replay(options: argparse.Namespace) -> int:
    return replay_command.run(options)


def registers(options: argparse.Namespace) -> int:
    return registers_command.run(options)


def audit(options: argparse.Namespace) -> int:
    from console import audit_command

    return audit_command.run(options)


def calendar(options: argparse.Namespace) -> int:
    from console import calendar_command

    return calendar_command.run(options)


def regulations(options: argparse.Namespace) -> int:
    from console import regulations_command

    return regulations_command.run(options)


def specialties(options: argparse.Namespace) -> int:
    from console import specialties_command

    return specialties_command.run(options)


def keys(options: argparse.Namespace) -> int:
    from console import keys_command

    return keys_command.run(options)


def backup(options: argparse.Namespace) -> int:
    from console import backup_command

    return backup_command.backup(options)


def upgrade(options: argparse.Namespace) -> int:
    from console import upgrade_command

    return upgrade_command.run(options)


def restore(options: argparse.Namespace) -> int:
    from console import backup_command

    return backup_command.restore(options)


def roles(options: argparse.Namespace) -> int:
    import psycopg

    import config
    from console import logins
    from console.process import NotReady

    if options.action == "print":
        print(logins.script())
        return 0
    settings = config.load()
    ours = logins.Logins(
        logins.login_of(settings.database_owner_url or ""),
        logins.login_of(settings.database_url),
        logins.login_of(settings.database_worker_url),
    )
    address = logins.plain(options.administrator or settings.database_owner_url or settings.database_url)
    try:
        with psycopg.connect(address, autocommit=True) as connection:
            if options.action == "apply":
                logins.ensure_roles(connection, ours)
            problems = logins.missing(connection, ours)
    except psycopg.Error as error:
        raise NotReady(f"The roles could not be {'made' if options.action == 'apply' else 'checked'}: {str(error).splitlines()[0]}") from None
    for problem in problems:
        print(problem, file=sys.stderr)
    print("The database roles are in order." if not problems else "`python -m console roles print` shows the SQL.")
    return 1 if problems else 0


def staff(options: argparse.Namespace) -> None:
    from console import staff_command

    staff_command.run(options)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError("a number of backups, 1 or more")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m console",
        description="Ruku 入库: run it, look after it. Settings come from the environment; README lists them.",
    )
    commands = parser.add_subparsers(title="commands", metavar="", required=True)

    def command(name: str, help_: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help_, description=help_)
        added.set_defaults(run=globals()[name])
        return added

    command("run", "everything on this machine: servers, tables, base data, demo people, web, worker, relay, cron")
    command("worker", "run background jobs (any number may run, on any machine)")
    command("relay", "turn what is due and what happened into jobs (two may run: one leads)")
    command("cron", "ask for the daily jobs (two may run)")
    structure = command("migrate", "bring tables and permissions to this version, with the owner's login")
    structure.add_argument("--seed", action="store_true", help="and load base data and bundles, as `seed` does")
    structure.add_argument("--demo", action="store_true", help="with --seed: and the demo population")
    seeding = command("seed", "load base data and the departments' bundles; twice changes nothing")
    seeding.add_argument("--demo", action="store_true", help="and a demo population, when nobody has registered yet")
    command("demo", "walk a demo population to every outcome on a scratch database, and print a table of it")
    health = command("doctor", "look at everything the house stands on, and say what is wrong and what to do; exit code 1 when something is bad")
    health.add_argument("--json", action="store_true", help="the same for a program")
    time = command("clock", "show the clock, or move it in a demo or test database")
    time.add_argument("action", choices=("show", "advance", "set"), nargs="?", default="show")
    time.add_argument("value", nargs="?", help="advance: 30d, 12h; set: 2026-10-01T09:00")
    translations = command("words", "compile the translations; --check lists sentences without English")
    translations.add_argument("--check", action="store_true")
    translations.add_argument("--quiet", action="store_true")
    bundle_command.add(command("bundle", "check, compare, import, export and sign bundles"))
    replay_command.add(command("replay", "make one old file again from its pinned release, or ask a draft of every past file"))
    registers_command.add(command("registers", "what registers there are, what their declarations would change, and changing it with the owner's login"))
    trail = command("audit", "verify every chain, row and decision; seal, list the published heads, export the entries")
    trail.add_argument("action", choices=("verify", "seal", "anchors", "export"))
    trail.add_argument("--anchors", metavar="FILE", help="verify: anchors.json as once saved from the public site")
    trail.add_argument("--json", action="store_true", help="verify: the report as JSON")
    trail.add_argument("--wait", default="5", metavar="SECONDS", help="verify: how long the sealer may need for what is new (5)")
    paragraphs = command("regulations", "paragraphs on file, what cites one that has changed (exit code 1), or a CSV of changes")
    paragraphs.add_argument("action", choices=("list", "stale", "load"))
    paragraphs.add_argument("file", nargs="?", help="load: a CSV with the columns of seed/data/regulation_paragraphs.csv")
    paragraphs.add_argument("--apply", action="store_true", help="load: record them; without it only what would move is shown")
    paragraphs.add_argument("--reason", help="load --apply: where it is known from; kept in the audit")
    classes = command("specialties", "another edition of a classification standard: what it would move, and loading it")
    classes.add_argument("action", choices=("list", "preview", "load"), nargs="?", default="list")
    classes.add_argument("file", nargs="?", metavar="FILE.csv", help="the whole standard, with the columns of seed/data/specialties_316_2018.csv; UTF-8 or GB18030")
    classes.add_argument("--from", dest="day", metavar="DAY", help="load: from when on what has gone cannot be applied for (today)")
    classes.add_argument("--reason", help="load: document and clause; kept in the audit")
    classes.add_argument("--many", action="store_true", help="load: it is meant that more than a fifth of the codes end")
    days = command("calendar", "versions and decreed years (exit code 1 when a year is due), what a year's CSV would move, or loading it")
    days.add_argument("action", choices=("show", "preview", "load"), nargs="?", default="show")
    days.add_argument("file", nargs="?", help="preview, load: a CSV with the columns of seed/data/workdays.csv")
    days.add_argument("--source", help="preview, load: title and number of the decree")
    days.add_argument("--reason", help="load: kept in the audit")
    database = command("roles", "print the SQL for the database's roles, make them, or check them")
    database.add_argument("action", choices=("print", "apply", "check"), nargs="?", default="print")
    database.add_argument("--administrator", metavar="URL", help="address of a superuser, for apply")
    cryptography = command("keys", "what lies under which key; rotate the data keys; make keyed hashes anew under a new HASH_KEY")
    cryptography.add_argument("action", choices=("status", "rotate", "rehash"), nargs="?", default="status")
    cryptography.add_argument("--from", dest="old", metavar="KEY", help="rehash: the HASH_KEY in use until now; or the variable HASH_KEY_OLD")
    cryptography.add_argument("--leave", action="store_true", help="rehash: lose what cannot be made again because its value is not kept")
    cryptography.add_argument("--batch", type=int, default=1_000, help="rotate: rows in one transaction")
    keeping = command("backup", "database and files into a folder, checked and dated; the keys apart; read a backup through")
    keeping.add_argument("action", choices=("make", "verify", "keys"), nargs="?", default="make")
    keeping.add_argument("what", nargs="?", metavar="FOLDER", help="verify: the folder of the backups (the newest is read) or one backup")
    keeping.add_argument("--to", metavar="PLACE", help="make: the folder of the backups; keys: the file, elsewhere")
    keeping.add_argument("--keep", type=_count, metavar="N", help="make: remove all but the newest N")
    keeping.add_argument("--passphrase-file", metavar="FILE", help="keys: read the passphrase there instead of asking")
    back = command("restore", "put a backup back into an empty database, and prove that it is whole; `restore keys FILE` prints the keys")
    back.add_argument("what", nargs="+", metavar="FOLDER", help="the folder of the backups (the newest is taken) or one backup; or: keys FILE")
    back.add_argument("--into", metavar="DATABASE", help="another database of the same server instead of that of the settings")
    back.add_argument("--replace", action="store_true", help="a database that is not empty: it is backed up beside, then replaced")
    back.add_argument("--without-backup", action="store_true", help="with --replace: throw away what is there, when it cannot be backed up any more")
    back.add_argument("--as-it-was", action="store_true", help="leave the structure as it was then, for the version that made the backup")
    back.add_argument("--passphrase-file", metavar="FILE", help="keys: read the passphrase there instead of asking")
    newer = command("upgrade", "to this version's structure: look, back up, close the doors, migrate, seed, look again; or `rollback FOLDER`")
    newer.add_argument("action", choices=("go", "rollback"), nargs="?", default="go")
    newer.add_argument("folder", nargs="?", metavar="FOLDER", help="rollback: the folder of the backups (the newest is taken) or one backup")
    newer.add_argument("--to", metavar="FOLDER", help="where the backup goes that it begins with")
    newer.add_argument("--keep", type=_count, metavar="N", help="remove all backups but the newest N")
    newer.add_argument("--yes", action="store_true", help="rollback: do not ask for the backup's name")
    people = command("staff", "make the first administrator, print a one-time link, unlock somebody who tried too often")
    people.add_argument("action", choices=("bootstrap", "link", "unlock"))
    people.add_argument("username")
    people.add_argument("name", nargs="?", help="bootstrap: the person's name, family name first")
    people.add_argument("--link", action="store_true", help="bootstrap: print a one-time link instead of asking for a password")
    people.add_argument("--two-step", action="store_true", help="link: and reset the second step, for who lost phone and recovery codes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
