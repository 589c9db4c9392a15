"""The limit: one keyset query with its joins and a hand-written Jinja page, under Flask."""
import os

import psycopg
from flask import Flask, request
from jinja2 import Environment

app = Flask(__name__)
DSN = os.environ["PEER_DSN"]
ROW = ("a.id,a.code,a.name,a.id_no,a.status,a.score,r.name,s.name,u.name,a.created_at "
       "FROM application a JOIN region r ON r.id=a.region_id JOIN specialty s ON "
       "s.id=a.specialty_id JOIN unit u ON u.id=a.unit_id ")
PAGE = Environment(autoescape=True).from_string(
    "<!doctype html><title>applications</title><table>{% for r in rows %}<tr>"
    "{% for c in r %}<td>{{ c }}</td>{% endfor %}<td><a href='/edit/{{ r[0] }}'>edit</a></td>"
    "</tr>{% endfor %}</table>")
FORM = Environment(autoescape=True).from_string(
    "<form>{% for c in row %}<input value='{{ c }}'>{% endfor %}{% for name, opts in sel %}"
    "<select>{% for i, n in opts %}<option value={{ i }}>{{ n }}</option>{% endfor %}</select>"
    "{% endfor %}</form>")
_conn = None


def q(sql, *args):
    global _conn
    if _conn is None:
        _conn = psycopg.connect(DSN, autocommit=True, prepare_threshold=1)
    return _conn.execute(sql, args).fetchall()


@app.get("/")
def index():
    if s := request.args.get("q"):
        rows = q("SELECT " + ROW + "WHERE a.name ILIKE %s ORDER BY a.id DESC LIMIT 25", f"%{s}%")
    elif s := request.args.get("status"):
        rows = q("SELECT " + ROW + "WHERE a.status=%s ORDER BY a.id DESC LIMIT 25", s)
    else:
        rows = q("SELECT " + ROW + "WHERE a.id < %s ORDER BY a.id DESC LIMIT 25",
                 request.args.get("before", 2**31 - 1, int))
    return PAGE.render(rows=rows)


@app.get("/show/<int:pk>")
def show(pk):
    return PAGE.render(rows=q("SELECT " + ROW + "WHERE a.id=%s", pk))


@app.get("/edit/<int:pk>")
def edit(pk):
    row = q("SELECT " + ROW + "WHERE a.id=%s", pk)[0]
    return FORM.render(row=row, sel=[(t, q(f"SELECT id,name FROM {t} ORDER BY id LIMIT 100"))
                                     for t in ("region", "specialty", "unit")])


def bare(environ, start_response):
    """The server's own floor: no framework, no query, a body of 8 kB."""
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", "8192")])
    return [b"x" * 8192]
