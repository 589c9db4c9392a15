"""Conditions: what nobody can meet, what everybody meets, and branches that decide nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from rules.bundle import Bundle
from rules.checks.branches import Branches
from rules.checks.fields import facts_in
from rules.checks.formulas import params_of
from rules.checks.questions import Budget, Found, Goal, Impossible, Limits, World
from rules.checks.remarks import Notes
from rules.checks.saying import excluded_data, excluded_words
from rules.checks.solving import solve
from rules.criteria import Criterion
from rules.documents import dotted
from rules.evaluation import Compiled
from rules.fields import BaseField, DateField, DecimalField, GroupField, IntegerField
from rules.forms import Question
from rules.numbers import as_number
from rules.parameters import Parameter
from rules.registers import FOLDER, Register

MAX_STEPS = 30_000                                        # of all questions about one part: criteria, pairs of them, form, registers
MAX_DAYS = 40
_PERSON = {"birth_date", "age", "age_applied", "id_number"}


def check(notes: Notes, *, on: date) -> None:
    """Every condition from the day on which the bundle holds, or from `on` where that is later."""
    checking = _Conditions(notes, max(on, notes.bundle.manifest.effective_from))
    checking.criteria()
    checking.form()
    checking.registers()


class _Conditions:
    def __init__(self, notes: Notes, start: date):
        self.notes, self.start = notes, start
        self.bundle = notes.bundle
        self.limits = limits_of(notes.bundle)
        self._new_part()
        self.params: Mapping[str, Parameter] = notes.bundle.criteria.parameters if notes.bundle.criteria else {}

    def _new_part(self) -> None:
        """What one part spends, another does not lack."""
        self.budget = Budget(MAX_STEPS)
        self.worlds: dict[date, World] = {}

    # -- criteria

    def criteria(self) -> None:
        if self.bundle.criteria is None:
            return
        sound: list[tuple[int, Criterion]] = []
        for at, criterion in enumerate(self.bundle.criteria.criteria):
            if self._criterion(at, criterion):
                sound.append((at, criterion))
        self._new_part()
        self._pairs(sound)

    def _criterion(self, at: int, criterion: Criterion) -> bool:
        """Remark upon one criterion; whether it can be met."""
        goal = Goal(criterion.node, "true", criterion.compiled.scope.size)
        worlds = self._days(criterion.node)
        example: Found | None = None
        for world in worlds:
            answer = solve(world, [goal])
            if isinstance(answer, Impossible):
                zh, en = excluded_words(answer.conflicts, world, self.params)
                self.notes.add("C101", "criteria.yaml", ("criteria", at, "rule"), f"条件“{criterion.id}”自 {world.day} 起没有人能满足：{zh}。请改正其中一处，或参数的值。",
                               f"From {world.day} nobody can meet criterion '{criterion.id}': {en}. Correct one of these, or the parameter's value.", excluded_data(answer.conflicts, world, self.params))
                return False
            if example is None and isinstance(answer, Found):
                example = answer
        if worlds and all(isinstance(solve(world, [Goal(criterion.node, "false", goal.size)]), Impossible) for world in worlds):
            self.notes.add("C103", "criteria.yaml", ("criteria", at, "rule"), f"条件“{criterion.id}”总是满足：事实齐全时，无论怎样改动都不会不满足。请改正，或确认只是要求填写。",
                           f"Criterion '{criterion.id}' is always met: with all facts known, no change of them makes it unmet. Correct it, unless it is only meant to make people answer.",
                           {"day": worlds[0].day.isoformat(), "facts": dict(example.facts) if example else {}, "changing": sorted(set(facts_in(criterion.node))), "changes": []})
        else:
            Branches(self.notes, "criteria.yaml", worlds, self.params).look(criterion.node, goal.size, None)
        return True

    def _pairs(self, criteria: list[tuple[int, Criterion]]) -> None:
        facts = {criterion.id: _family(facts_in(criterion.node)) for _, criterion in criteria}
        must = [(at, one) for at, one in criteria if one.effect != "flag"]
        for number, (at, later) in enumerate(must):
            for _, earlier in must[:number]:
                if self.budget.is_spent:
                    return
                if not facts[earlier.id] & facts[later.id]:
                    continue
                for world in self._days(earlier.node, later.node):
                    answer = solve(world, [Goal(one.node, "true", one.compiled.scope.size) for one in (earlier, later)])
                    if isinstance(answer, Impossible):
                        zh, en = excluded_words(answer.conflicts, world, self.params)
                        self.notes.add("C102", "criteria.yaml", ("criteria", at, "rule"), f"条件“{later.id}”与“{earlier.id}”互相矛盾，自 {world.day} 起没有人能同时满足：{zh}。请改正其中一个。",
                                       f"Criteria '{later.id}' and '{earlier.id}' contradict each other, from {world.day} nobody can meet both: {en}. Correct one of them.",
                                       {**excluded_data(answer.conflicts, world, self.params), "criteria": [earlier.id, later.id]})
                        break

    def _days(self, *nodes: Any) -> list[World]:
        """The first day and every later one on which a parameter used changes; not those without a value."""
        names = sorted(set().union(*(params_of(node) for node in nodes)))
        start = self.start
        days = {start}
        for name in names:
            for dated in self.params[name].values if name in self.params else ():
                days |= {day for day in (dated.start, dated.until + timedelta(days=1) if dated.until and dated.until < date.max else start) if day > start}
        seen: set[Any] = set()
        worlds: list[World] = []
        for day in sorted(days)[:MAX_DAYS]:
            world = self._world(day)
            values = tuple(world.params.get(name) for name in names)
            if None not in values and values not in seen:
                seen.add(values)
                worlds.append(world)
        return worlds

    def _world(self, day: date) -> World:
        if day not in self.worlds:
            values = self.bundle.criteria.values_on(day) if self.bundle.criteria else {}
            self.worlds[day] = World(day, values, self.limits, self.budget)
        return self.worlds[day]

    # -- the form

    def form(self) -> None:
        """Conditions of the form that can never hold where they stand."""
        self._new_part()
        world = self._world(self.start)
        for section in self.bundle.form.sections:
            shown = self._condition(world, None, section.show_when, None)
            for question in section.questions:
                self._question(world, section.show_when if shown else None, question, None)

    def _question(self, world: World, above: Compiled | None, question: Question, group: str | None) -> None:
        shown = self._condition(world, above if group is None else None, question.show_when, group)
        around = question.show_when if shown and question.show_when is not None else above if group is None else None
        self._condition(world, around, question.required_when, group)
        for part in question.parts:
            self._question(world, None, part, question.id)

    def _condition(self, world: World, above: Compiled | None, condition: Compiled | None, group: str | None) -> bool:
        """Remark upon a condition that cannot hold where it stands; whether it can."""
        if condition is None:
            return True
        goals = [Goal(one.scope.node, "true", one.scope.size) for one in (above, condition) if one is not None]
        answer = solve(world, goals, group=group)
        if not isinstance(answer, Impossible):
            Branches(self.notes, "application.yaml", [world], {}).look(condition.scope.node, condition.scope.size, group)
            return True
        zh, en = excluded_words(answer.conflicts, world, self.params)
        path = condition.scope.node.path
        self.notes.add("C106", "application.yaml", path, f"“{dotted(path)}”永远不成立：{zh}。请改正，否则这一项永远不会出现或成为必填。",
                       f"'{dotted(path)}' can never hold: {en}. Correct it, or what it governs never comes into play.", excluded_data(answer.conflicts, world, self.params))
        return False


    # -- registers

    def registers(self) -> None:
        """Checks no row can pass, moves nobody can make, public pages that stay empty."""
        self._new_part()
        for register in self.bundle.registers.values():
            world = World(self.start, {}, _register_limits(register), self.budget)
            file = f"{FOLDER}{register.id}.yaml"
            for name, compiled in register.checks.items():
                answer = self._row(world, compiled)
                if answer is not None:
                    zh, en = answer
                    self.notes.add("C101", file, compiled.scope.node.path, f"检查“{name}”没有任何记录能通过：{zh}。请改正其中一处。",
                                   f"No row can pass the check '{name}': {en}. Correct one of these.")
            for name, condition in (*register.moves.items(), *([("public", register.public_where)] if register.public_where else ())):
                answer = self._row(world, condition)
                if answer is not None:
                    zh, en = answer
                    self.notes.add("C106", file, condition.scope.node.path, f"“{name}”的条件永远不成立：{zh}。请改正，否则它永远不起作用。",
                                   f"The condition of '{name}' can never hold: {en}. Correct it, or it never comes into play.")

    def _row(self, world: World, compiled: Compiled) -> tuple[str, str] | None:
        answer = solve(world, [Goal(compiled.scope.node, "true", compiled.scope.size)])
        return excluded_words(answer.conflicts, world, {}) if isinstance(answer, Impossible) else None


def _register_limits(register: Register) -> Limits:
    values: dict[tuple[str, str], tuple[Any, Any]] = {}
    entries: dict[str, int] = {}
    for field in register.document.fields:
        if isinstance(field, GroupField):
            entries[field.id] = field.max_entries
            values.update({(field.id, inner.id): limit for inner in field.fields if (limit := _limit(inner))})
        elif limit := _limit(field):
            values["", field.id] = limit
    return Limits(values, entries)


def _family(names: Iterable[str]) -> set[str]:
    """The facts a rule is about; birth date and ages are one."""
    return {"age" if name in _PERSON else name for name in names} - {"applied_on", "decided_on"}


def limits_of(bundle: Bundle) -> Limits:
    """What the forms let anybody answer."""
    values: dict[tuple[str, str], tuple[Any, Any]] = {}
    entries: dict[str, int] = {}
    for question in _questions(bundle):
        field = question.field
        if isinstance(field, GroupField):
            entries[field.id] = field.max_entries
            for part in question.parts:
                if limit := _limit(part.field):
                    values[field.id, part.id] = limit
        elif limit := _limit(field):
            values["", field.id] = limit
    return Limits(values, entries)


def _questions(bundle: Bundle) -> Iterator[Question]:
    if bundle.centre is not None:
        yield from bundle.centre.form.questions()
    yield from bundle.form.questions()


def _limit(field: BaseField) -> tuple[Any, Any] | None:
    if isinstance(field, (IntegerField, DecimalField)):
        return as_number(field.min), as_number(field.max)
    if isinstance(field, DateField):
        return (field.min if isinstance(field.min, date) else None), (field.max if isinstance(field.max, date) else None)
    return None
