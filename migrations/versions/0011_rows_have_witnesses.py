"""Every decision, audit and grant row leaves a keyed digest in the audit, whoever writes it; chains in SM3 as well as SHA-256.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import hashlib
import os

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# The table a row belongs to says who may have seen it; its digest says what it was. Keyed, so that somebody who holds an exported
# entry cannot try names until one fits; whoever may read every row (owner, worker, auditor) may read the key.
WITNESS = """
CREATE FUNCTION ruku_outside() RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog AS
  $$ SELECT rolsuper OR NOT pg_has_role(session_user, 'ruku_app', 'member') FROM pg_roles WHERE rolname = session_user $$;

-- one entry for at most 500 rows: {"rows": {key: digest, or null when the row is gone}}
CREATE FUNCTION ruku_write_witness(tab text, op text, keys text[], digests text[]) RETURNS void LANGUAGE plpgsql
SET search_path = public, pg_temp SET "TimeZone" = 'UTC' AS $$
DECLARE head jsonb; body text;
BEGIN
  IF keys IS NULL THEN RETURN; END IF;
  head := jsonb_build_object('action', 'row.written', 'at', ruku_now(), 'subject', tab, 'op', op, 'who', ruku_who(), 'login', session_user);
  IF ruku_outside() THEN head := head || '{"outside": true}'; END IF;
  FOR i IN 1..array_length(keys, 1) BY 500 LOOP
    body := (head || jsonb_build_object('rows', jsonb_object(keys[i:i+499], digests[i:i+499])))::text;
    INSERT INTO audit_entry (stream, at, who, action, subject, body, leaf)
    VALUES ('rows', ruku_now(), ruku_who(), 'row.written', tab, body, encode(sha256(convert_to(body, 'UTF8')), 'hex'));
  END LOOP;
END $$;

-- for a migration that makes a witnessed table, or rewrites its rows: a new witness of every row as it is now
CREATE FUNCTION ruku_witness_again(tab text, k text[], fleeting text[], must text) RETURNS void LANGUAGE plpgsql
SET search_path = public, pg_temp SET "TimeZone" = 'UTC' AS $$
DECLARE keys text[]; digests text[];
BEGIN
  EXECUTE format('SELECT array_agg(concat_ws(''|'', j ->> $1[1], j ->> $1[2], j ->> $1[3])),
    array_agg(encode(sha256((SELECT key FROM audit_key) || convert_to((j - $2)::text, ''UTF8'')), ''hex''))
    FROM (SELECT jsonb_strip_nulls(to_jsonb(r)) j FROM %I r) x WHERE $3 = '''' OR j ? $3', tab)
  INTO keys, digests USING k, fleeting, must;
  PERFORM ruku_write_witness(tab, 'again', keys, digests);
END $$;

-- for a migration that makes a table of decisions: from now on its rows leave witnesses. `k`: key columns; `fleeting`: columns that come
-- and go; `must`: a column that must be set (a draft is nobody's business), or ''. An update of nothing but fleeting columns is silent.
CREATE FUNCTION ruku_witnessed(tab text, k text[], fleeting text[], must text) RETURNS void LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE event text; transitions text; seen text; unlike text := ''; listed text; name text := 'ruku_witness_' || tab;
BEGIN
  seen := 'SELECT array_agg(concat_ws(''|'', ' || (SELECT string_agg(format('r.%I', c), ', ') FROM unnest(k) c) || ')), array_agg(%s)'
    || ' INTO keys, digests FROM %s WHERE ' || CASE must WHEN '' THEN 'true' ELSE format('r.%I IS NOT NULL', must) END;
  listed := format('encode(sha256((SELECT key FROM audit_key) || convert_to((jsonb_strip_nulls(to_jsonb(r)) - %L::text[])::text, ''UTF8'')), ''hex'')', fleeting);
  IF cardinality(fleeting) > 0 THEN
    unlike := format(' AND (ROW(%s) IS NOT DISTINCT FROM ROW(%s) OR to_jsonb(r) - %L::text[] <> to_jsonb(o) - %L::text[])',
      (SELECT string_agg(format('r.%I', c), ', ') FROM unnest(fleeting) c), (SELECT string_agg(format('o.%I', c), ', ') FROM unnest(fleeting) c),
      fleeting, fleeting);
  END IF;
  EXECUTE format('CREATE FUNCTION %I() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp SET "TimeZone" = ''UTC'' SET "DateStyle" = ''ISO, YMD'' AS $f$
    DECLARE keys text[]; digests text[];
    BEGIN
      IF TG_OP = ''INSERT'' THEN %s; ELSIF TG_OP = ''UPDATE'' THEN %s; ELSE %s; END IF;
      PERFORM ruku_write_witness(TG_TABLE_NAME, lower(TG_OP), keys, digests);
      RETURN NULL;
    END $f$', name,
    format(seen, listed, 'new_rows r'),
    format(seen, listed, CASE unlike WHEN '' THEN 'new_rows r' ELSE
      'new_rows r JOIN old_rows o ON ' || (SELECT string_agg(format('r.%I = o.%I', c, c), ' AND ') FROM unnest(k) c) END) || unlike,
    format(seen, 'NULL::text', 'old_rows r'));
  EXECUTE format('REVOKE ALL ON FUNCTION %I() FROM PUBLIC', name);
  FOR event, transitions IN VALUES ('insert', 'NEW TABLE AS new_rows'), ('delete', 'OLD TABLE AS old_rows'),
      ('update', 'OLD TABLE AS old_rows NEW TABLE AS new_rows') LOOP
    EXECUTE format('CREATE TRIGGER %I AFTER %s ON %I REFERENCING %s FOR EACH STATEMENT EXECUTE FUNCTION %I()',
                   'witness_' || event, event, tab, transitions, name);
  END LOOP;
  PERFORM ruku_witness_again(tab, k, fleeting, must);
END $$;
"""

# table → key columns, columns that come and go, the column that must be set
WITNESSED = {
    "ab_user": ("id", "last_login login_count fail_login_count created_on changed_on", ""),
    "admission": ("id", "claimed_until overdue_told_at warn_at", ""),
    "answer": ("attempt_id question", "", ""),
    "applicant": ("id", "failed_sign_ins locked_until language", ""),
    "application": ("id", "", "submitted_at"),
    "application_release": ("application_id department_id occasion", "", ""),
    "application_specialty": ("application_id standard code", "", ""),
    "attachment": ("id", "", ""),
    "attempt": ("id", "claimed_until", ""),
    "audit_anchor": ("stream seq", "", ""),
    "brake": ("id", "", ""),
    "calendar_version": ("version", "", ""),
    "course_progress": ("id", "", ""),
    "delivery": ("id", "claimed_until attempts due_at last_error", ""),
    "department": ("id", "", ""),
    "draft_revision": ("id", "", ""),
    "finding": ("id", "", ""),
    "letter": ("id", "read_at", ""),
    "notice": ("id", "claimed_until", ""),
    "notice_item": ("id", "", ""),
    "objection": ("id", "", ""),
    "office": ("id", "", ""),
    "paper": ("id", "", ""),
    "regulation": ("id", "", ""),
    "regulation_paragraph": ("id", "", ""),
    "release": ("id", "", ""),
    "release_event": ("id", "", ""),
    "restriction": ("id", "", ""),
    "review": ("id", "", ""),
    "roster_entry": ("id", "", ""),
    "roster_event": ("id", "", ""),
    "roster_specialty": ("id", "", ""),
    "rule_draft": ("id", "", ""),
    "specialty_transfer": ("id", "", ""),
    "staff_account": ("staff_id", "totp_last_step signed_in_at", ""),
    "staff_grant": ("id", "", ""),
    "step_entry": ("id", "", ""),
    "workday": ("day", "", ""),
}
def _array(words: str) -> str:
    return "{" + ",".join(words.split()) + "}"


def upgrade() -> None:
    op.execute("SELECT set_config('ruku.who', 'migration 0011', true)")
    key = op.create_table(
        "audit_key", sa.Column("key", sa.LargeBinary(), nullable=False, comment="密钥"), comment="审计指纹密钥"
    )
    op.bulk_insert(key, [{"key": os.urandom(32)}])
    horizon = op.create_table(
        "audit_horizon",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False, comment="编号"),
        sa.Column("below", sa.BigInteger(), nullable=False, comment="此前的事务都已入链"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_horizon")),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_horizon_one_row")),
        comment="入链进度",
    )
    op.bulk_insert(horizon, [{"id": 1, "below": 0}])
    op.execute("GRANT SELECT ON audit_key TO ruku_worker")
    op.execute("GRANT SELECT, UPDATE ON audit_horizon TO ruku_worker")
    op.create_index("ix_audit_entry_xid", "audit_entry", ["xid"])
    _chain_in_sm3()
    op.execute(WITNESS)
    op.execute(
        "REVOKE ALL ON FUNCTION ruku_write_witness(text, text, text[], text[]), ruku_witness_again(text, text[], text[], text),"
        " ruku_witnessed(text, text[], text[], text) FROM PUBLIC"
    )
    for table, (keys, fleeting, must) in WITNESSED.items():
        op.execute(f"SELECT ruku_witnessed('{table}', '{_array(keys)}', '{_array(fleeting)}', '{must}')")


def _chain_in_sm3() -> None:
    """Links made before this migration get their SM3 value now, over the same entries in the same order."""
    op.add_column("audit_link", sa.Column("sm3", sa.String(length=64), nullable=True, comment="SM3 链值"))
    op.execute("ALTER TABLE audit_link DISABLE TRIGGER append_only")
    connection = op.get_bind()
    streams = [row[0] for row in connection.execute(sa.text("SELECT DISTINCT stream FROM audit_link"))]
    page = sa.text(
        "SELECT l.seq, e.id, e.xid, e.body FROM audit_link l JOIN audit_entry e ON e.id = l.entry_id"
        " WHERE l.stream = :stream AND l.seq > :after ORDER BY l.seq LIMIT 10000"
    )
    write = sa.text("UPDATE audit_link SET sm3 = :sm3 WHERE stream = :stream AND seq = :seq")
    for stream in streams:
        head, after = "", 0
        while rows := connection.execute(page, {"stream": stream, "after": after}).all():
            values = []
            for seq, entry_id, xid, body in rows:
                head = hashlib.new("sm3", f"{head}|{seq}|{entry_id}|{xid}|{body}".encode()).hexdigest()
                values.append({"stream": stream, "seq": seq, "sm3": head})
            connection.execute(write, values)
            after = rows[-1][0]
    op.execute("UPDATE audit_link SET sm3 = '' WHERE sm3 IS NULL")  # an entry that is gone: the verifier says so
    op.alter_column("audit_link", "sm3", nullable=False)
    op.execute("ALTER TABLE audit_link ENABLE TRIGGER append_only")


def downgrade() -> None:
    for table in WITNESSED:
        op.execute(f"DROP FUNCTION ruku_witness_{table}() CASCADE")  # and its triggers
    op.execute(
        "DROP FUNCTION ruku_witnessed(text, text[], text[], text), ruku_witness_again(text, text[], text[], text),"
        " ruku_write_witness(text, text, text[], text[]), ruku_outside()"
    )
    op.drop_column("audit_link", "sm3")
    op.drop_index("ix_audit_entry_xid", table_name="audit_entry")
    op.drop_table("audit_horizon")
    op.drop_table("audit_key")
