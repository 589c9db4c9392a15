"""The list of this room's pages."""

from __future__ import annotations

from console.publicity.views_notices import Notices
from console.publicity.views_objections import Objections

PAGES = (Notices, Objections)
