"""Random criteria documents over every kind of node, and random facts for them, from a seeded `random.Random`.

    rng = random.Random(seed)
    document, schema = documents(rng)             # criteria.yaml as data, and the facts it may name
    criteria = built(document, schema)            # the real reader and compiler; fails on any problem
    evaluate(criteria, facts(rng, schema), on=day(rng), moment="submitted")

The same seed gives the same values. Values come from small pools, so that comparisons meet their boundaries: 29 February,
equal days, "12.50" against 12.5, texts that begin alike. Numbers have at most four decimals and lie within ±10^13, months of
periods between 1990 and 2031, a group has at most `MOST_ENTRIES` entries: other back-ends can follow without big numbers.
Facts are JSON that PostgreSQL can store: no NaN, no NUL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from random import Random
from typing import Any

from rules.criteria import Criteria, CriteriaDocument, build
from rules.documents import Document, Problem
from rules.fact_types import FactKind, FactType
from rules.parts import Text
from rules.tree import AGGREGATES, OPS

MOST_ENTRIES = 5
Data = dict[str, Any]

DAYS = ("1956-02-28", "1956-02-29", "1956-03-01", "1960-06-15", "1966-06-15", "2019-12-31", "2020-01-01", "2020-02-29", "2023-06-15",
        "2024-02-29", "2025-02-28", "2025-03-01", "2026-06-14", "2026-06-15", "2026-06-16", "2026-12-31", "2031-01-01")
TEXTS = ("", "A", "A04", "A0403", "A0404", "B01", "a04", "公路", "公路工程", "é", "10", "9", "%", "_", "A%", "\\", "'", "O'Neil \"x\"", " A", "😀")
CODES = ("A04", "A0403", "A040301", "A05", "B", "B01", "C07")
OPTIONS = ("senior", "middle", "junior", "none")
NUMBERS: tuple[Any, ...] = (-5, -2, -1, 0, 1, 2, 3, 5, 8, 10, 12, 70, 0.1, 0.5, 2.5, 7.9999, 12.5, -0.5, 10_000_000_000_000)
NUMBER_TEXTS = ("0", "-0", "+1", "3", "2.5", "2.50", "12.5000", "0.1", "0.10", "70", "-0.5", "-3", "-7.5", "008")
_SMALL = (-6, -3, -1, 0, 1, 2, 3, 5, 8, 9.5, 15)                # where ranges of aggregates end
_YEARS: tuple[Any, ...] = (0, 1, 3, 5, 8, 60, 65, 70, 1.5, -1, 2000, 3000, 9999, 10_000, -10_000)
_EVERYWHERE: tuple[Any, ...] = (None, True, False, 0, 7, 2.5, 10**30, -(10**18), "", "x", "2026-06-15", "2026-02-30", [], {}, [1, "a", None], {"x": 1}, [[]], [{}])
_WRONG: Mapping[str, tuple[Any, ...]] = {
    "number": ("abc", "1e5", " 1", "1 ", "１", "1.", ".5", "1,5", "--1", "1_000", "9" * 21, "0." + "1" * 21, 10**18, 1e30),
    "date": ("2026-02-29", "2026-1-1", "20260615", "2026-06-15T00:00", "0000-01-01", "2026/06/15", "２026-06-15", "2026-13-01", "2026-00-10", "2026-06-31", "2026-W24-1"),
    "period": ({"start": "2010-13", "end": "now"}, {"start": "2010-01"}, {"end": "2010-01"}, {"start": "2012-01", "end": "2011-12"}, {"start": 201001, "end": "now"},
               {"start": "0000-01", "end": "now"}, {"start": "2010-1", "end": "now"}, {"start": "now", "end": "now"}, {"start": "2010-01", "end": "NOW"}, "2010-01", ["2010-01", "now"]),
    "specialty": ({"standard": "316-2018"}, {"standard": "316-2018", "code": 403}, {"code": None}, "A0403"),
    "choices": ({"senior": True}, "senior", [None, 5, "senior", ["middle"]]),
    "group": ({"0": {}}, [None, 7, "x", [], {}], "[]", {"entries": []}),
    "boolean": ("true", 1, "是"), "text": (403, ["A"], {"zh": "A"}), "choice": (["senior"], 1), "files": ([], "paper.pdf", {}),
}
_ENTRY_KINDS: tuple[FactKind, ...] = ("text", "number", "date", "boolean", "choice", "period", "specialty")
_KINDS: tuple[FactKind, ...] = (*_ENTRY_KINDS, "choices", "files")


def day(rng: Random) -> date:
    """A day to judge on."""
    return date.fromisoformat(rng.choice(("2019-12-31", "2020-01-01", "2024-02-29", "2026-06-15", "2026-06-15", "2030-12-31")))


# -- facts ------------------------------------------------------------------------------------------------------------

def schemas(rng: Random) -> dict[str, FactType]:
    """Two facts of each plain kind, groups with fields of every kind an entry may have; some fields hide an outer fact of the same name."""
    schema = {f"{kind}_{number}": _fact_type(kind) for kind in _KINDS for number in range(1, rng.choice((2, 3, 3)))}
    for number in range(1, rng.choice((3, 4))):
        entry = {f"{kind}_{rng.choice((1, 'in'))}": _fact_type(kind) for kind in _ENTRY_KINDS if kind == "period" or rng.random() < 0.8}
        if rng.random() < 0.2:
            entry["text_1"] = _fact_type(rng.choice(("number", "date")))          # another kind than the outer fact's
        schema[f"group_{number}"] = FactType("group", _label(f"组{number}", f"group {number}"), entry=entry)
    return schema


def facts(rng: Random, schema: Mapping[str, FactType], missing: float = 0.07, wrong: float = 0.07) -> Data:
    """Facts in stored form; each fact and each field of an entry is absent with the share `missing`, of another type with `wrong`."""
    found: Data = {}
    for name, kind in schema.items():
        value = _some(rng, kind, missing, wrong)
        if value is not _ABSENT:
            found[name] = value
    return found


def typed(rng: Random, kind: FactType) -> Any:
    """A value of the kind, entries of a group complete."""
    return _some(rng, kind, 0, 0)


def _some(rng: Random, kind: FactType, missing: float, wrong: float) -> Any:
    dice = rng.random()
    if dice < missing:
        return rng.choice((_ABSENT, _ABSENT, None))
    if dice < missing + wrong:
        return rng.choice((*_EVERYWHERE, *_WRONG[kind.kind] * 2))
    if kind.kind == "group":
        entries = [{name: value for name, inner in kind.entry.items() if (value := _some(rng, inner, missing, wrong)) is not _ABSENT}
                   for _ in range(rng.choice((0, 1, 1, 2, 2, 3, MOST_ENTRIES)))]
        return [rng.choice((None, 7, "x", [])) if rng.random() < wrong / 4 else entry for entry in entries]
    return _VALUES[kind.kind](rng)


def _period(rng: Random) -> Data:
    start = rng.randrange(1990 * 12, 2031 * 12)
    if rng.random() < 0.3:
        return {"start": _month(start), "end": "now"}
    return {"start": _month(start), "end": _month(min(start + rng.choice((0, 1, 5, 11, 12, 35, 36, 60, 95, 96)), 2031 * 12 + 11))}


def _month(number: int) -> str:
    return f"{number // 12:04}-{number % 12 + 1:02}"


_VALUES: dict[str, Callable[[Random], Any]] = {
    "text": lambda rng: rng.choice(TEXTS), "choice": lambda rng: rng.choice((*OPTIONS, *OPTIONS, "gone")), "boolean": lambda rng: rng.random() < 0.5,
    "number": lambda rng: rng.choice((*NUMBERS, *NUMBER_TEXTS)), "date": lambda rng: rng.choice(DAYS), "period": _period,
    "choices": lambda rng: rng.sample(OPTIONS, rng.randrange(4)),
    "specialty": lambda rng: {"standard": rng.choice(("316-2018", "mof-2022")), "code": rng.choice(CODES)},
    "files": lambda rng: [{"hash": "0" * 64, "name": "证书.pdf", "size": 1, "type": "application/pdf"}],
}
_ABSENT = object()


def _label(zh: str, en: str) -> Text:
    return Text(zh=zh, en=en)


def _fact_type(kind: FactKind) -> FactType:
    options = {one: _label(one, one) for one in OPTIONS} if kind in ("choice", "choices") else {}
    return FactType(kind, _label(f"事实 {kind}", f"a {kind}"), options)


# -- documents --------------------------------------------------------------------------------------------------------

def documents(rng: Random, *, depth: int = 3, known: bool = True) -> tuple[Data, dict[str, FactType]]:
    """A criteria document as data, and the facts it may name. `known=False` leaves `is_known` out: every other node only gains by more facts."""
    schema = schemas(rng)
    writer = _Writer(rng, schema, known)
    criteria = []
    for number in range(rng.randint(1, 6)):
        writer.named = []
        rule = writer.node(depth, None, None)
        slots = "".join(f" {{{name}}}" for name in [*writer.named, rng.choice(sorted(schema)), *rng.sample(sorted(writer.used), min(1, len(writer.used)))])
        criteria.append({
            "id": f"c{number}", "title": {"zh": f"条件 {number}", "en": f"Criterion {number}"}, "effect": rng.choice(("reject", "flag", "refer")),
            "when_unknown": rng.choice(("return", "refer", "reject")), "as_of": rng.choice(("submitted", "decided")), "rule": rule,
            "basis": [{"reg": "R", "article": "第一条"}], "message": {"zh": f"不满足{slots}", "en": f"not met{slots}"},
        })
    return {"parameters": {name: writer.parameters[name] for name in sorted(writer.used)}, "criteria": criteria}, schema


def built(document: Data, schema: Mapping[str, FactType]) -> Criteria:
    """The document read and compiled as a department's is."""
    problems: list[Problem] = []
    criteria = build(CriteriaDocument.model_validate(document), Document("criteria.yaml", document), schema, problems)
    assert problems == [], [str(problem) for problem in problems]
    return criteria


class _Writer:
    """Writes rules that fit a schema; notes which parameters they use and how aggregates are called."""

    def __init__(self, rng: Random, schema: Mapping[str, FactType], known: bool):
        self.rng, self.schema, self.known = rng, schema, known
        self.parameters = {name: _parameter(rng, draw) for name, draw in _PARAMETERS.items()}
        self.used: set[str] = set()
        self.named: list[str] = []

    def node(self, depth: int, entry: Mapping[str, FactType] | None, item: Mapping[str, FactType] | None) -> Data:
        shapes = ["fact"] * (3 if depth else 1) + (["all", "any", "none", "not"] if depth else [])
        if entry is None:
            shapes += ["aggregate"] * 3 + ["every", "some", "covered", "covered"]
        shape = self.rng.choice(shapes)
        if shape in ("all", "any", "none"):
            return {shape: [self.node(depth - 1, entry, item) for _ in range(self.rng.randint(1, 3))]}
        if shape == "not":
            return {"not": self.node(depth - 1, entry, item)}
        if shape == "fact":
            return self._fact(entry, item)
        group = self._group()
        fields = self.schema[group].entry
        if shape == "covered":
            by = self._group()
            return {"covered": group, "by": by, "where": self.node(min(depth, 2), self.schema[by].entry, fields)}
        if shape != "aggregate":
            return {shape: group, "satisfies": self.node(min(depth, 2), fields, None)}
        return self._aggregate(depth, group, fields, item)

    def _group(self) -> str:
        return self.rng.choice([name for name, kind in self.schema.items() if kind.kind == "group"])

    def _aggregate(self, depth: int, group: str, fields: Mapping[str, FactType], item: Mapping[str, FactType] | None) -> Data:
        kind = self.rng.choice(AGGREGATES)
        wanted = {"count": (), "sum": ("number",), "min": ("number", "date"), "max": ("number", "date"), "years_union": ("period",)}[kind]
        names = [name for name, field in fields.items() if field.kind in wanted]
        if not names and kind != "count":
            kind = "count"
        rule: Data = {kind: group}
        compared = "number"
        if kind != "count":
            rule["of"] = self.rng.choice(names)
            compared = "date" if fields[rule["of"]].kind == "date" else "number"
        if self.rng.random() < 0.6:
            rule["where"] = self.node(min(depth, 2), fields, None)
        if self.rng.random() < 0.4:
            rule["as"] = f"seen_{len(self.named)}"
            self.named.append(rule["as"])
        rule["is"] = self.rng.choice(sorted(OPS[compared] - {"is_known"}))
        many = rule["is"] in ("in", "not_in")
        if compared == "number" and self.rng.random() < 0.5:
            rule["value"] = self.rng.sample(_SMALL, 3) if many else self.rng.choice(_SMALL)
        else:
            rule["value"] = self._value(compared, many, None, item)
        return rule

    def _fact(self, entry: Mapping[str, FactType] | None, item: Mapping[str, FactType] | None) -> Data:
        inner = entry is not None and self.rng.random() < 0.8
        fields = entry if inner and entry is not None else self.schema
        name = self.rng.choice(sorted(fields))
        kind = (entry or {}).get(name) or self.schema[name]
        op = self.rng.choice(sorted(OPS[kind.kind] - (set() if self.known or len(OPS[kind.kind]) == 1 else {"is_known"})))
        if op == "is_known":
            if not self.known:
                return self._fact(entry, item)
            return {"fact": name, "is": op}
        many = op in ("in", "not_in") or (op == "starts_with" and self.rng.random() < 0.6)
        value = self._value("choice" if op == "contains" else kind.kind, many, entry, item, starts=op == "starts_with")
        return {"fact": name, "is": op, "value": value}

    def _value(self, wants: str, many: bool, entry: Mapping[str, FactType] | None, item: Mapping[str, FactType] | None, *,
               starts: bool = False, depth: int = 2) -> Any:
        texts = wants in ("text", "choice", "specialty")
        ways: list[Callable[[], Any]] = [lambda: self._constants(wants, many)] * 2
        param = {"number": "numbers", "text": "texts", "choice": "choices", "specialty": "codes"}.get(wants, "") if many else wants
        names = [name for name in self.parameters if name.rsplit("_", 1)[0] == param]
        if names:
            ways.append(lambda: self._param(names))
        if starts and many:
            return self.rng.choice(ways)()

        def named(fields: Mapping[str, FactType], key: str) -> None:
            fitting = [name for name, kind in fields.items() if (kind.kind == "choices" if many else kind.kind == wants or (texts and kind.kind in ("text", "choice", "specialty")))]
            if fitting and (not many or texts):
                ways.extend([lambda: {key: self.rng.choice(fitting)}] * (3 if key == "item" else 1))

        hidden = set(entry or ())
        named({name: kind for name, kind in self.schema.items() if name not in hidden} | dict(entry or {}), "fact")
        if item is not None:
            named(item, "item")
        if wants == "date" and depth:
            ways += [lambda: {"years_before": self._value("date", False, entry, item, depth=depth - 1), "years": self._years(entry, item)}] * 2
        return self.rng.choice(ways)()

    def _years(self, entry: Mapping[str, FactType] | None, item: Mapping[str, FactType] | None) -> Any:
        return self.rng.choice(_YEARS) if self.rng.random() < 0.6 else self._value("number", False, entry, item)

    def _constants(self, wants: str, many: bool) -> Any:
        if many:
            return [_constant(self.rng, wants) for _ in range(self.rng.randint(1, 3))]
        return _constant(self.rng, wants)

    def _param(self, names: Sequence[str]) -> Data:
        name = self.rng.choice(names)
        self.used.add(name)
        return {"param": name}


def _constant(rng: Random, wants: str) -> Any:
    return rng.choice({"text": TEXTS, "choice": OPTIONS, "specialty": (*CODES, ""), "number": NUMBERS, "date": DAYS, "boolean": (True, False)}[wants])


def _list(rng: Random, values: Sequence[Any]) -> list[Any]:
    return rng.sample(list(values), rng.randint(1, 3))


_PARAMETERS: dict[str, Callable[[Random], Any]] = {
    "number_a": lambda rng: rng.choice(NUMBERS[:-1]), "number_b": lambda rng: rng.choice((3, 8, 65, 70)), "date_a": lambda rng: rng.choice(DAYS),
    "text_a": lambda rng: rng.choice(TEXTS), "boolean_a": lambda rng: rng.random() < 0.5, "choice_a": lambda rng: rng.choice(OPTIONS),
    "specialty_a": lambda rng: rng.choice(CODES), "numbers_a": lambda rng: _list(rng, NUMBERS), "texts_a": lambda rng: _list(rng, TEXTS),
    "choices_a": lambda rng: _list(rng, OPTIONS), "codes_a": lambda rng: _list(rng, CODES),
}


def _parameter(rng: Random, draw: Callable[[Random], Any]) -> Data:
    """One to three dated values in order; now and then nothing holds at first, or nothing after the last day."""
    starts = sorted(rng.sample(("2000-01-01", "2020-01-01", "2020-01-02", "2024-02-29", "2026-06-15", "2026-06-16"), rng.randint(1, 3)))
    if rng.random() < 0.8:
        starts[0] = "1990-01-01"
    values = [{"from": start, "value": draw(rng), "basis": {"reg": "R", "article": "第二条"}} for start in starts]
    if rng.random() < 0.15:
        values[-1]["until"] = "2026-12-31"
    return {"title": {"zh": "参数", "en": "parameter"}, "values": values}
