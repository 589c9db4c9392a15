"""A queue in one table: DELETE … FOR UPDATE SKIP LOCKED, a hundred a transaction."""

from __future__ import annotations

import os
import time

import jobs_work
import psycopg

TAKE = "DELETE FROM t_queue WHERE id IN (SELECT id FROM t_queue ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED) RETURNING work, arg"

with psycopg.connect(os.environ["JOB_DSN"]) as connection:
    while True:
        rows = connection.execute(TAKE).fetchall()
        for work, number in rows:
            if work == "update":
                connection.execute("UPDATE t_job SET n = n + 1 WHERE id = %s", (number,))
        connection.commit()
        if rows:
            jobs_work.done(len(rows))
        else:
            time.sleep(0.02)
