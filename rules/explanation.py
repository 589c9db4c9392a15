"""A stored trace told in plain lines, in Chinese or English: decision, each criterion with its words, the values seen, clauses and evidence.

Made from the trace alone, of either format, so that an old decision is explained by what was stored with it and not by the rules of today.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_DECISIONS = {"pass": ("通过", "pass"), "return": ("退回补正", "return for correction"), "refer": ("由审核人认定", "refer to an officer"), "reject": ("不予入库", "refuse")}
_OUTCOMES = {"met": ("满足", "met"), "not_met": ("不满足", "not met"), "unknown": ("无法判断", "unknown")}
_MOMENTS = {"submitted": ("申报时", "at submission"), "decided": ("入库前", "before admission")}
_WORDS = {
    "decision": ("结论", "decision"), "flags": ("随件提示", "flags"), "missing": ("缺少", "missing"), "settled": ("补齐以下即可判断", "could be settled by"),
    "clause": ("依据", "basis"), "unverified": ("待核实", "not verified"), "evidence": ("材料", "evidence"), "no_files": ("没有文件", "no files"),
    "from": ("自", "from"), "remedy": ("补救办法", "remedy"), "against": ("与之比较", "compared with"), "entry": ("第 {} 条", "entry {}"),
    "ruled": ("审核人认定", "ruled by a reviewer"), "holds": ("满足", "met"), "fails": ("不满足", "not met"),
}


def explain(trace: Mapping[str, Any], lang: str = "zh", *, titles: Mapping[str, str] | None = None) -> list[str]:
    """The lines of one stored trace; `titles` names the regulations cited, which otherwise appear by their id."""
    at = 1 if lang == "en" else 0
    colon = ": " if at else "："
    told = _Teller(at, colon, titles or {})
    lines = [f"{_WORDS['decision'][at]}{colon}{_DECISIONS.get(trace['decision'], (trace['decision'],) * 2)[at]}"
             f" ({trace['on']}, {_MOMENTS.get(trace['moment'], (trace['moment'],) * 2)[at]})"]
    if trace.get("flags"):
        lines.append(f"{_WORDS['flags'][at]}{colon}{', '.join(trace['flags'])}")
    rulings = trace.get("rulings") or {}
    for finding in trace["findings"]:
        lines += ["", *told.finding(finding), *told.ruling(rulings.get(finding["id"]))]
    return lines


class _Teller:
    def __init__(self, at: int, colon: str, titles: Mapping[str, str]):
        self.at, self.colon, self.titles = at, colon, titles

    def word(self, key: str) -> str:
        return _WORDS[key][self.at]

    def text(self, both: Mapping[str, str] | None) -> str:
        return both["en" if self.at else "zh"] if both else ""

    def basis(self, clauses: list[Mapping[str, str]]) -> str:
        return "; ".join(f"{self.titles.get(one['reg'], one['reg'])} {one['article']}" for one in clauses)

    def finding(self, finding: Mapping[str, Any]) -> Iterator[str]:
        outcome = _OUTCOMES[finding["outcome"]][self.at]
        unverified = "" if finding["verified"] else f" ({self.word('unverified')})"
        yield f"[{outcome}] {self.text(finding['title'])} — {finding['id']}"
        yield f"    {self.word('clause')}{self.colon}{self.basis(finding['basis'])}{unverified}"
        if finding["message"]:
            yield f"    {self.text(finding['message'])}"
        if finding.get("remedy"):
            yield f"    {self.word('remedy')}{self.colon}{self.text(finding['remedy'])}"
        if finding["missing"]:
            yield f"    {self.word('missing')}{self.colon}{', '.join(finding['missing'])}"
        if finding.get("settled_by"):
            yield f"    {self.word('settled')}{self.colon}{', '.join(finding['settled_by'])}"
        named = {one["id"]: one for one in finding["parameters"]}
        yield from self.node(finding["trace"], named, "    ")
        if not any("parameters" in node for node in _below(finding["trace"])):
            for parameter in finding["parameters"]:       # the first format names them per criterion only
                yield f"      {self.parameter(parameter, named)}"

    def node(self, node: Mapping[str, Any], named: Mapping[str, Any], indent: str) -> Iterator[str]:
        truth = _OUTCOMES["unknown" if node["truth"] is None else "met" if node["truth"] else "not_met"][self.at]
        seen = f"{self.colon}{self.text(node['shown'])}" if "shown" in node else ""
        against = f" ({self.word('against')}{self.colon}{node['against']})" if self.adds(node) else ""
        yield f"{indent}- [{truth}] {self.text(node['words'])}{seen}{against}"
        for parameter in node.get("parameters", ()):
            yield f"{indent}  {self.parameter(parameter, named)}"
        for field in node.get("evidence", ()):
            files = ", ".join(f"{one['name']} ({one['hash'][:12]})" for one in field["files"]) or self.word("no_files")
            yield f"{indent}  {self.word('evidence')}{self.colon}{self.text(field['label']) or field['field']} — {files}"
        for below in node.get("nodes", ()):
            yield from self.node(below, named, indent + "  ")
        for number, entry in enumerate(node.get("entries", ()), 1):
            yield f"{indent}  {self.word('entry').format(number)}"
            for below in entry if isinstance(entry, list) else (entry,):
                yield from self.node(below, named, indent + "    ")

    def adds(self, node: Mapping[str, Any]) -> bool:
        """Whether the value compared with says more than the words, which hold constants, and the parameters below them."""
        against = node.get("against")
        return against is not None and not isinstance(against, bool | list) and not node.get("parameters") and str(against) not in self.text(node["words"])

    def parameter(self, parameter: Mapping[str, Any], named: Mapping[str, Any]) -> str:
        known = {**named.get(parameter["id"], {}), **parameter}
        title = self.text(named.get(parameter["id"], {}).get("title")) or parameter["id"]
        unit = f" {self.text(known['unit'])}" if known.get("unit") else ""
        since = f" ({self.word('from')} {known['from']}; {self.basis(known['basis'])})" if known.get("from") else ""
        return f"{title}{self.colon}{known['value']}{unit}{since}"

    def ruling(self, ruling: Mapping[str, Any] | None) -> Iterator[str]:
        if ruling:
            yield f"    {self.word('ruled')}{self.colon}{self.word('holds' if ruling.get('holds') else 'fails')} — {ruling.get('evidence') or ''}"


def _below(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for one in [*node.get("nodes", ()), *node.get("entries", ())]:
        for inner in one if isinstance(one, list) else (one,):
            yield from _below(inner)
