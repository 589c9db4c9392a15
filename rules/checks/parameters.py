"""Dated values: days without one, ends without a successor, and what changed against the release a draft started from.

Gaps and overlaps between values are found at reading already (`rules.parameters.check_dates`), with the same codes.
"""

from __future__ import annotations

from datetime import date, timedelta

from rules.bundle import Bundle
from rules.checks.remarks import Notes
from rules.documents import Path
from rules.parameters import Parameter

_FILE = "criteria.yaml"


def check(notes: Notes, *, on: date, today: date, base: Bundle | None) -> None:
    if notes.bundle.criteria is None:
        return
    known = base.criteria.parameters if base is not None and base.criteria is not None else {}
    for name, parameter in notes.bundle.criteria.parameters.items():
        _ends(notes, name, parameter, on=on)
        if name in known:
            _against(notes, name, parameter, known[name], on=today)


def _ends(notes: Notes, name: str, parameter: Parameter, *, on: date) -> None:
    at = len(parameter.values) - 1
    last = parameter.values[at]
    if last.until is None:
        return
    path: Path = ("parameters", name, "values", at)
    after = last.until + timedelta(days=1)
    example = {"day": after.isoformat(), "parameter": name, "value": None}
    if after <= max(on, notes.bundle.manifest.effective_from):
        notes.add("C201", _FILE, path, f"参数“{name}”自 {after} 起没有值，用到它的条件都无法判断。请补上自该日起的值。",
                  f"Parameter '{name}' has no value from {after} on, so no criterion that uses it can be judged. Add a value from that day.", example)
    else:
        notes.add("C203", _FILE, path, f"参数“{name}”的最后一个值到 {last.until} 为止，{after} 起没有值。请补上后续的值，或确认届时条件一并修改。",
                  f"The last value of parameter '{name}' ends on {last.until}; from {after} on there is none. Add one, or make sure the criteria change by then.", example)


def _against(notes: Notes, name: str, parameter: Parameter, before: Parameter, *, on: date) -> None:
    old = {dated.start: dated for dated in before.values}
    latest = max(old)
    for at, dated in enumerate(parameter.values):
        path: Path = ("parameters", name, "values", at)
        was = old.get(dated.start)
        if was is None and latest < dated.start <= on:
            notes.add("C204", _FILE, path, f"参数“{name}”新增的值自 {dated.start} 起，该日已过（今天是 {on}）。已作出的决定不能追溯，请写今天以后的日期。",
                      f"The new value of '{name}' starts on {dated.start}, which is past (today is {on}). Decisions already taken stay; give a later day.",
                      {"day": dated.start.isoformat(), "parameter": name, "value": _plain(dated.value), "before": _plain(_value(before, dated.start))})
        elif (was is None and dated.start <= on) or (was is not None and was.value != dated.value and dated.start <= on):
            day = dated.start.isoformat()
            notes.add("C205", _FILE, path, f"参数“{name}”自 {day} 起的值由 {_show(_value(before, dated.start))} 改为 {_show(dated.value)}，而它已经生效。更改请另加一个值，不改旧值。",
                      f"The value of '{name}' from {day} was changed from {_show(_value(before, dated.start))} to {_show(dated.value)} though it was in force. Amend by adding a value.",
                      {"day": day, "parameter": name, "value": _plain(dated.value), "before": _plain(_value(before, dated.start))})
    for start, was in old.items():
        if start <= on and all(dated.start != start for dated in parameter.values):
            notes.add("C205", _FILE, ("parameters", name), f"参数“{name}”自 {start} 起的值 {_show(was.value)} 已经生效，却被删去。请保留旧值，另加新值。",
                      f"The value {_show(was.value)} of '{name}' from {start} was in force and is gone. Keep it and add a new one.",
                      {"day": start.isoformat(), "parameter": name, "before": _plain(was.value), "value": _plain(_value(parameter, start))})


def _value(parameter: Parameter, day: date) -> object:
    dated = parameter.dated_on(day)
    return None if dated is None else dated.value


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _show(value: object) -> str:
    return "、".join(map(str, value)) if isinstance(value, tuple) else str(value)
