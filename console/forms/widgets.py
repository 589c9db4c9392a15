"""One widget template per kind of field: `templates/forms/widgets.html` holds a macro of the widget's name for each."""

from __future__ import annotations

from typing import Any

from flask import current_app
from markupsafe import Markup

TEMPLATE = "forms/widgets.html"


class TemplateWidget:
    """Draws a field with the macro named like its rule's widget; an unknown name is an error, not a plain text box."""

    def __call__(self, field: Any, page: Any = None) -> Markup:
        """`page`: what the form knows around the field; see `forms.build.Surroundings`."""
        macros: Any = current_app.jinja_env.get_template(TEMPLATE).module
        return Markup(getattr(macros, field.rule.widget)(field, page))


def names() -> frozenset[str]:
    """The widgets there are; a test compares them with the kinds of field."""
    module = current_app.jinja_env.get_template(TEMPLATE).module
    return frozenset(name for name in dir(module) if not name.startswith("_") and callable(getattr(module, name)))
