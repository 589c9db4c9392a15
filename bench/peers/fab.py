"""Flask-AppBuilder 5.x: defaults, or tuned (FAB_TUNED=1), with EXTRA_VIEWS more ModelViews."""
import logging
import os
import time

import models
from flask import Flask
from flask_appbuilder import AppBuilder, Model, ModelView
from flask_appbuilder.fields import AJAXSelectField
from flask_appbuilder.fieldwidgets import Select2AJAXWidget
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.utils.legacy import get_sqla_class
from sqlalchemy import text
from sqlalchemy.orm import joinedload

logging.getLogger("flask_appbuilder").setLevel(logging.ERROR)
TUNED = os.environ.get("FAB_TUNED") == "1"
app = Flask(__name__)
app.config.update(SECRET_KEY="bench", SQLALCHEMY_DATABASE_URI=os.environ["PEER_DSN"].replace("postgresql:", "postgresql+psycopg:"),
                  WTF_CSRF_ENABLED=False, FAB_ADD_SECURITY_VIEWS=True, RATELIMIT_ENABLED=False,
                  AUTH_RATE_LIMITED=False,
                  FAB_UPDATE_PERMS=os.environ.get("FAB_UPDATE_PERMS") != "0")
Region, Specialty, Unit, Application = models.make(Model)


class TunedInterface(SQLAInterface):
    """No count(*): the planner's estimate, or "up to 1001" when filtered. No N+1: FAB's own
    views never pass select_columns, so its eager loading of dotted columns serves REST only."""

    def query_count(self, query, filters=None, select_columns=None):
        if self.obj is not Application:  # a related interface is of the same class
            return super().query_count(query, filters, select_columns)
        if filters and filters.filters:
            return self.apply_filters(query, filters).with_entities(
                Application.id).limit(1001).count()
        return self.session.execute(text(
            "SELECT reltuples::bigint FROM pg_class WHERE relname='application'")).scalar()

    def apply_all(self, query, *args, **kwargs):
        query = super().apply_all(query, *args, **kwargs)
        return query if self.obj is not Application else query.options(
            joinedload(Application.region), joinedload(Application.specialty),
            joinedload(Application.unit))


class CachedSecurityManager(SecurityManager):
    """All (permission, view) pairs of a role set in one query, kept 5 s in the process."""
    _kept: dict = {}

    def exist_permission_on_roles(self, view_name, permission_name, role_ids):
        key = tuple(sorted(role_ids))
        until, pairs = self._kept.get(key, (0, ()))
        if until < time.monotonic():
            pairs = set(self.session.execute(text(
                "SELECT p.name, v.name FROM ab_permission_view pv JOIN ab_permission p ON "
                "p.id=pv.permission_id JOIN ab_view_menu v ON v.id=pv.view_menu_id JOIN "
                "ab_permission_view_role r ON r.permission_view_id=pv.id "
                "WHERE r.role_id = ANY(:ids)"), {"ids": list(key)}).tuples())
            self._kept[key] = (time.monotonic() + 5, pairs)
        return (permission_name, view_name) in pairs


class ApplicationView(ModelView):
    datamodel = (TunedInterface if TUNED else SQLAInterface)(Application)
    list_columns = models.COLUMNS
    search_columns = ["name", "status", "score"] + ([] if TUNED else ["region"])
    page_size = models.PAGE
    if TUNED:  # one relation of 5,000 rows is looked up as typed, not written into the page
        edit_form_extra_fields = {"unit": AJAXSelectField(
            "Unit", datamodel=datamodel, col_name="unit", widget=Select2AJAXWidget(
                endpoint="/applicationview/api/column/edit/unit"))}


db = get_sqla_class()()
db.init_app(app)
appbuilder = AppBuilder(security_manager_class=CachedSecurityManager if TUNED else None)
with app.app_context():
    appbuilder.init_app(app, db.session)
    appbuilder.add_view(ApplicationView, "Applications", category="Pool")
    for m in (Region, Specialty, Unit):
        appbuilder.add_view(type(m.__name__ + "View", (ModelView,), {
            "datamodel": SQLAInterface(m)}), m.__name__ + "s", category="Pool")
    for i in range(int(os.environ.get("EXTRA_VIEWS", "0"))):
        appbuilder.add_view(type(f"Extra{i}View", (ModelView,), {
            "datamodel": SQLAInterface(Region), "route_base": f"/extra{i}"}),
            f"Extra {i}", category=f"Menu {i // 6}")
    if not appbuilder.sm.find_user("admin"):
        appbuilder.sm.add_user("admin", "A", "B", "a@example.org",
                               appbuilder.sm.find_role("Admin"), "admin")
    db.engine.dispose()
