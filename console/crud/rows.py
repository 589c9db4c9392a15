"""The rows of a list as HTML. A list is a page's greater part, and a template takes several times as long to write it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask_babel import gettext as _
from markupsafe import Markup, escape

Links = Sequence[tuple[str, str]]


def stacked(heads: Sequence[str], lines: Sequence[Sequence[Any]]) -> Markup:
    """A small table of its own, beside a row's details; on a phone every cell says its head."""
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(words) for words in heads)
    told = [Markup("").join(Markup('<td data-label="{}">{}</td>').format(*cell) for cell in zip(heads, line, strict=True)) for line in lines]
    table = '<div class="table-wrap"><table class="table table-stack"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    return Markup(table).format(head, Markup("").join(Markup("<tr>{}</tr>").format(line) for line in told))


def body(
    rows: Sequence[tuple[str, Sequence[str], Any]], heads: Sequence[tuple[str, str]], links_of: Callable[[Any, str], Links], *, picked_by: Callable[[Any], str] | None
) -> Markup:
    """`rows` are (key, cells, row); a cell is HTML, as a screen's `reader()` writes it. With `picked_by`, which names a row, every row can be picked."""
    starts = [f'<td data-label="{escape(head)}">' for _name, head in heads[1:]]
    drawn = []
    for key, cells, row in rows:
        links = [(escape(words), escape(url)) for words, url in links_of(row, key)]
        picked = ""
        if picked_by is not None:
            label = _("选中“%(name)s”", name=picked_by(row))
            picked = f'<td class="stack-end"><label class="pick"><input type="checkbox" name="rowid" value="{escape(key)}" aria-label="{escape(label)}"></label></td>'
        first = f'<td class="name-cell"><a class="row-link" href="{links[0][1]}">{cells[0]}</a></td>'
        further = "".join([f"{start}{cell}</td>" for start, cell in zip(starts, cells[1:], strict=True)])
        acts = "".join([f'<a href="{url}">{words}</a>' for words, url in links])
        drawn.append(f'<tr>{picked}{first}{further}<td><span class="row-actions">{acts}</span></td></tr>')
    return Markup("\n".join(drawn))
