"""A file becomes rows: brought here, looked at and written by jobs, confirmed on its own page (`console.exchange`)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from flask import Response, redirect, request, url_for
from flask_appbuilder import expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _

from console.crud.base import ScreenView
from console.crud.screen import Screen
from console.crud.telling import sentence
from console.db import transaction
from console.doors.preferences import language
from console.errors import ConsoleError, NotAllowed
from console.exchange import guidance, imports
from console.exchange.terms import terms
from console.scope import current


class Importing(ScreenView):
    import_template = "appbuilder/general/model/import.html"

    @classmethod
    def routes_of(cls, screen: Screen) -> set[str]:
        return {"import_file", "import_sample"} if screen.importable else set()

    @expose("/import", methods=["GET", "POST"])
    @has_access
    @permission_name("import")
    def import_file(self) -> Any:
        """What a file must have, and the file. It is taken in and looked at; the page it leads to asks for the yes."""
        if request.method != "POST":
            return self._import_page()
        with tempfile.TemporaryDirectory(prefix="ruku-brought-") as folder:
            path = Path(folder) / "file"
            given = request.files.get("file")
            if given is not None:
                given.save(path)
            else:
                path.touch()
            try:
                with transaction() as session:
                    name = given.filename if given is not None else ""
                    brought = imports.bring(session, self.screen, path, name or "", actor=current(), language=language()).id
            except NotAllowed:
                raise
            except ConsoleError as error:
                return self._import_page(sentence(error)), error.status
        return redirect(url_for("Imports.show", import_id=brought), 303)

    @expose("/import/sample.csv")
    @has_access
    @permission_name("import")
    def import_sample(self) -> Any:
        """An empty file with the right headings."""
        answer = Response(guidance.sample(self.screen), mimetype="text/csv")
        answer.headers.set("Content-Disposition", "attachment", filename=f"{self.screen.name}.csv")
        return answer

    def _import_page(self, problem: str = "") -> Any:
        return self.render_template(
            self.import_template, screen=self.screen, title=_("导入%(what)s", what=_(self.screen.title)), columns=guidance.columns(self.screen),
            key=guidance.key_words(self.screen), problem=problem, max_mb=terms().max_mb, hours=terms().hours,
        )  # fmt: skip
