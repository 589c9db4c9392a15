"""Flask-Admin 2.x as its documentation sets it up (no login; page 25)."""
import os

import models
from flask import Flask
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_babel import Babel
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config.update(SECRET_KEY="bench", SQLALCHEMY_DATABASE_URI=os.environ["PEER_DSN"].replace("postgresql:", "postgresql+psycopg:"))
Babel(app)  # flask-admin needs it as soon as flask-babel is installed (FAB installs it)
db = SQLAlchemy(app)
with app.app_context():
    Region, Specialty, Unit, Application = models.make(db.Model)


class ApplicationView(ModelView):
    column_list = models.COLUMNS
    column_searchable_list = ["name"]
    column_filters = ["status", "score", "region_id"]
    page_size = models.PAGE
    can_view_details = True


admin = Admin(app, name="bench")
admin.add_view(ApplicationView(Application, db.session))
for m in (Region, Specialty, Unit):
    admin.add_view(ModelView(m, db.session))
with app.app_context():
    db.engine.dispose()
