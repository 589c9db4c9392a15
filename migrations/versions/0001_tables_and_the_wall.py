"""Every table, the wall of row-level security around the scoped ones, and what each database role may do.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# ── who asks: read from settings that console.scope writes at the start of each transaction ──────────────────────
FUNCTIONS = """
CREATE FUNCTION ruku_now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT now()';
CREATE FUNCTION ruku_who() RETURNS text LANGUAGE sql STABLE AS
  $$ SELECT coalesce(current_setting('ruku.who', true), '') $$;
CREATE FUNCTION ruku_offices(subject text) RETURNS int[] LANGUAGE sql STABLE AS
  $$ SELECT coalesce(string_to_array(nullif(current_setting('ruku.offices_' || subject, true), ''), ',')::int[], '{}') $$;
-- System is honoured only for logins that belong to the worker
CREATE FUNCTION ruku_system() RETURNS boolean LANGUAGE sql STABLE AS
  $$ SELECT ruku_who() LIKE 'system:%' AND pg_has_role(session_user, 'ruku_worker', 'member') $$;
-- the portal's named services: before anyone is signed in somebody has to look a person up
CREATE FUNCTION ruku_doorkeeper() RETURNS boolean LANGUAGE sql STABLE AS
  $$ SELECT ruku_who() IN ('system:register', 'system:sign_in') $$;
CREATE FUNCTION ruku_applicant() RETURNS int LANGUAGE sql STABLE AS
  $$ SELECT CASE WHEN ruku_who() LIKE 'applicant:%' THEN substr(ruku_who(), 11)::int END $$;
CREATE FUNCTION ruku_citizen() RETURNS boolean LANGUAGE sql STABLE AS
  $$ SELECT ruku_who() = 'public' OR ruku_who() LIKE 'applicant:%' $$;
CREATE FUNCTION ruku_refuse() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege'; END $$;
CREATE FUNCTION ruku_wake_relay() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_notify('ruku_outbox', ''); RETURN NULL; END $$;
"""

# The one road. Only this function writes admission.step: it compares and sets, and asks the same scope as the policy,
# because the row may leave the caller's office with the move, which a plain UPDATE under row-level security may not do.
ADVANCE = """
CREATE FUNCTION ruku_advance(moves jsonb) RETURNS SETOF integer
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH m AS (
    SELECT * FROM jsonb_to_recordset(moves) AS x(
      id int, version int, from_step text, to_step text, office_id int, department_id int, release_id int,
      since timestamptz, resumes_at text, holder_id int, due_at timestamptz, warn_at timestamptz,
      is_provisional boolean, calendar_version int, days_left smallint, flags text[], verdict text)
  )
  UPDATE admission a SET
    step = m.to_step, version = a.version + 1, since = m.since,
    office_id = m.office_id, department_id = m.department_id, release_id = m.release_id,
    resumes_at = m.resumes_at, holder_id = m.holder_id, due_at = m.due_at, warn_at = m.warn_at,
    is_provisional = m.is_provisional, calendar_version = m.calendar_version, days_left = m.days_left,
    flags = m.flags, verdict = m.verdict, overdue_told_at = NULL, claimed_until = NULL
  FROM m
  WHERE a.id = m.id AND a.version = m.version AND a.step = m.from_step
    AND (ruku_system() OR a.office_id = ANY(ruku_offices('files')) OR a.applicant_id = ruku_applicant())
  RETURNING a.id
$$;
"""

# What anyone may learn with the code or number in hand, and nothing beside it: the tables behind stay closed to them.
ANSWERS = """
CREATE FUNCTION ruku_objection_state(asked text)
RETURNS TABLE (state text, made_at timestamptz, ruled_at timestamptz, ruling text, notice text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT CASE WHEN o.ruled_at IS NULL THEN 'open' WHEN o.upheld THEN 'upheld' ELSE 'dismissed' END,
         o.made_at, o.ruled_at, o.ruling, n.number
  FROM objection o JOIN notice_item i ON i.id = o.notice_item_id JOIN notice n ON n.id = i.notice_id
  WHERE o.code = asked
$$;
-- that a person on a notice is held is public; who objected and why is not
CREATE FUNCTION ruku_held_items(asked integer) RETURNS SETOF integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT i.id FROM notice_item i
  WHERE i.notice_id = asked AND EXISTS (SELECT 1 FROM objection o WHERE o.notice_item_id = i.id AND o.ruled_at IS NULL)
$$;
CREATE FUNCTION ruku_restricted_since(certificate text, on_day date) RETURNS date
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT min(r.valid_from) FROM roster_entry e JOIN applicant a ON a.id = e.applicant_id
  JOIN restriction r ON r.id_number_hash = a.id_number_hash
  WHERE e.code = certificate AND r.valid_from <= on_day AND (r.valid_to IS NULL OR r.valid_to >= on_day)
$$;
"""

# One person, one account: an applicant may ask whether a number is registered elsewhere, and sees nothing else of it.
IDENTITY = """
CREATE FUNCTION ruku_identity_taken(hash text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT 1 FROM applicant WHERE id_number_hash = hash AND id IS DISTINCT FROM ruku_applicant())
$$;
"""

# The ops desk sees that letters fail, and why; whose they are stays with the offices that may read the file.
FAILED_DELIVERIES = """
CREATE FUNCTION ruku_failed_deliveries()
RETURNS TABLE (id integer, channel text, office text, office_en text, due_at timestamptz, attempts integer,
               gave_up_at timestamptz, last_error text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT d.id, d.channel, o.name, o.name_en, d.due_at, d.attempts, d.gave_up_at, d.last_error
  FROM delivery d JOIN admission a ON a.id = d.admission_id JOIN office o ON o.id = a.office_id
  WHERE d.sent_at IS NULL AND d.attempts > 0 AND (ruku_who() LIKE 'staff:%' OR ruku_system())
$$;
"""

SYSTEM, OWN = "(SELECT ruku_system())", "applicant_id = (SELECT ruku_applicant())"
CITIZEN, DOORKEEPER = "(SELECT ruku_citizen())", "(SELECT ruku_doorkeeper())"
PART = "EXISTS (SELECT 1 FROM admission a WHERE a.id = admission_id)"  # asks admission's own policy


def _offices(subject: str) -> str:
    return f"office_id = ANY((SELECT ruku_offices('{subject}'))::int[])"


def _any(*conditions: str) -> str:
    return " OR ".join(conditions)


FILES, NOTICES, ROSTER = _offices("files"), _offices("notices"), _offices("roster")
_PART_OF_FILE = _any(SYSTEM, FILES, OWN, PART)
_THROUGH = "EXISTS (SELECT 1 FROM admission a WHERE a.{theirs} = {table}.{ours})"

# table → who reads, who inserts, who updates (None: nobody but the owner); nobody deletes a scoped row
POLICIES: dict[str, tuple[str, str | None, str | None]] = {
    "admission": (_any(SYSTEM, FILES, OWN), _any(SYSTEM, OWN), _any(SYSTEM, FILES)),
    "applicant": (
        _any(
            SYSTEM,
            DOORKEEPER,
            "id = (SELECT ruku_applicant())",
            _THROUGH.format(table="applicant", theirs="applicant_id", ours="id"),
        ),
        _any(SYSTEM, DOORKEEPER),
        _any(SYSTEM, DOORKEEPER, "id = (SELECT ruku_applicant())"),
    ),
    "application": (
        _any(SYSTEM, OWN, _THROUGH.format(table="application", theirs="application_id", ours="id")),
        _any(SYSTEM, OWN),
        _any(SYSTEM, OWN),
    ),
    "application_release": (
        _any(SYSTEM, OWN, _THROUGH.format(table="application_release", theirs="application_id", ours="application_id")),
        _any(SYSTEM, OWN),
        None,
    ),
    "application_specialty": (
        _any(SYSTEM, OWN, _THROUGH.format(table="application_specialty", theirs="id", ours="admission_id")),
        _any(SYSTEM, OWN),
        None,
    ),
    "attachment": (
        _any(SYSTEM, OWN, _THROUGH.format(table="attachment", theirs="application_id", ours="application_id")),
        _any(SYSTEM, OWN),
        _any(SYSTEM, OWN),
    ),
    "step_entry": (_PART_OF_FILE, _PART_OF_FILE, None),
    "finding": (_PART_OF_FILE, _PART_OF_FILE, None),
    "review": (_any(SYSTEM, FILES, PART), _any(SYSTEM, FILES), _any(SYSTEM, FILES)),
    "course_progress": (_PART_OF_FILE, _any(SYSTEM, OWN), _any(SYSTEM, OWN)),
    "paper": (_PART_OF_FILE, _any(SYSTEM, OWN), None),
    "attempt": (_PART_OF_FILE, _any(SYSTEM, OWN), _any(SYSTEM, OWN)),
    "answer": (_PART_OF_FILE, _any(SYSTEM, OWN), _any(SYSTEM, OWN)),
    "letter": (_PART_OF_FILE, _PART_OF_FILE, _any(SYSTEM, OWN)),
    "delivery": (_PART_OF_FILE, _PART_OF_FILE, _any(SYSTEM)),
    "staff_message": (_any(SYSTEM, FILES), _any(SYSTEM, FILES, CITIZEN), None),
    "notice": (_any(SYSTEM, NOTICES, CITIZEN), _any(SYSTEM, NOTICES), _any(SYSTEM, NOTICES)),
    "notice_item": (_any(SYSTEM, NOTICES, CITIZEN, PART), _any(SYSTEM, NOTICES), _any(SYSTEM, NOTICES)),
    "objection": (
        _any(SYSTEM, NOTICES),
        _any(SYSTEM, NOTICES, "(SELECT ruku_who()) = 'public'"),
        _any(SYSTEM, NOTICES),
    ),
    "roster_entry": (
        _any(
            SYSTEM,
            ROSTER,
            OWN,
            "(SELECT ruku_who()) = 'public'",
            "EXISTS (SELECT 1 FROM roster_specialty s WHERE s.entry_id = roster_entry.id)",  # admitted by several departments
        ),
        SYSTEM,
        SYSTEM,
    ),
    "roster_specialty": (_any(SYSTEM, ROSTER, OWN, "(SELECT ruku_who()) = 'public'"), SYSTEM, SYSTEM),
    "roster_event": (_any(SYSTEM, ROSTER, OWN), SYSTEM, None),
}

APPEND_ONLY = ("release", "release_event", "audit_entry", "audit_link", "audit_anchor", "step_entry", "finding")

# what the application may do to tables that carry no policy; scoped tables get what their policies name
GRANTS = {
    "SELECT": (
        "division",
        "department",
        "office",
        "specialty",
        "calendar_version",
        "workday",
        "code_list",
        "regulation",
        "regulation_paragraph",
        "restriction",
        "audit_link",
        "audit_anchor",
        "ab_permission",
        "ab_view_menu",
        "ab_role",
        "ab_permission_view",
        "ab_permission_view_role",
        "ab_user_role",
        "ab_group",
        "ab_group_role",
        "ab_user_group",
        "ab_register_user",
        "ab_api_key",
    ),
    "SELECT, INSERT": ("release", "release_event", "audit_entry", "outbox"),
    "SELECT, INSERT, UPDATE": ("brake", "job_run", "heartbeat", "daily_run", "staff_grant", "sign_in_code", "ab_user"),
    "SELECT, INSERT, UPDATE, DELETE": ("web_session",),
}
WORKER_GRANTS = {
    "INSERT": ("audit_link", "audit_anchor"),
    "INSERT, UPDATE": ("restriction",),
    "UPDATE, DELETE": ("outbox",),
    "DELETE": ("heartbeat",),
}


def _guard(table: str) -> None:
    read, insert, change = POLICIES[table]
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY owner_all ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)")
    op.execute(f"CREATE POLICY scope_read ON {table} FOR SELECT TO ruku_app USING ({read})")
    op.execute(f"GRANT SELECT ON {table} TO ruku_app")
    if insert:
        op.execute(f"CREATE POLICY scope_insert ON {table} FOR INSERT TO ruku_app WITH CHECK ({insert})")
        op.execute(f"GRANT INSERT ON {table} TO ruku_app")
    if change:
        op.execute(f"CREATE POLICY scope_update ON {table} FOR UPDATE TO ruku_app USING ({change})")
        columns = " (holder_id, warn_at, overdue_told_at, claimed_until)" if table == "admission" else ""
        op.execute(f"GRANT UPDATE{columns} ON {table} TO ruku_app")


def _secure() -> None:
    op.execute(FUNCTIONS)
    op.execute(ADVANCE)
    op.execute(ANSWERS)
    op.execute(IDENTITY)
    op.execute(FAILED_DELIVERIES)
    op.execute("REVOKE ALL ON FUNCTION ruku_advance(jsonb) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ruku_advance(jsonb) TO ruku_app")
    op.execute("GRANT USAGE ON SCHEMA public TO ruku_app, ruku_worker")
    for table in POLICIES:
        _guard(table)
    for what, tables in GRANTS.items():
        op.execute(f"GRANT {what} ON {', '.join(tables)} TO ruku_app")
    for what, tables in WORKER_GRANTS.items():
        op.execute(f"GRANT {what} ON {', '.join(tables)} TO ruku_worker")
    op.execute("GRANT UPDATE (due_at, claimed_until, gave_up_at) ON outbox TO ruku_app")  # a retry from the ops desk
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ruku_app")
    op.execute("GRANT SELECT ON alembic_version TO ruku_app")
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION ruku_refuse()"
        )
        op.execute(
            f"CREATE TRIGGER append_only_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION ruku_refuse()"
        )
    op.execute("CREATE TRIGGER wake_relay AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION ruku_wake_relay()")


SEQUENCES = ("objection_id_seq", "application_number_seq", "roster_number_seq", "notice_number_seq")


def upgrade() -> None:
    for name in SEQUENCES:
        op.execute(f"CREATE SEQUENCE {name}")
    op.create_table(
        "applicant",
        sa.Column("name", sa.String(length=60), nullable=False, comment="姓名"),
        sa.Column("id_number", sa.String(), nullable=True, comment="身份证号"),
        sa.Column("id_number_hash", sa.String(length=64), nullable=True, comment="身份证指纹"),
        sa.Column("phone", sa.String(), nullable=False, comment="手机"),
        sa.Column("phone_hash", sa.String(length=64), nullable=False, comment="手机指纹"),
        sa.Column("email", sa.String(), nullable=True, comment="邮箱"),
        sa.Column("password_hash", sa.Text(), nullable=False, comment="密码指纹"),
        sa.Column("failed_sign_ins", sa.Integer(), server_default="0", nullable=False, comment="连续登录失败"),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True, comment="锁定至"),
        sa.Column("language", sa.String(length=12), server_default="zh_Hans_CN", nullable=False, comment="语言"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="注册时间"),
        sa.Column("consent_version", sa.String(length=20), nullable=False, comment="同意书版本"),
        sa.Column("consented_at", sa.DateTime(timezone=True), nullable=False, comment="同意时间"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applicant")),
        sa.UniqueConstraint("id_number_hash", name=op.f("uq_applicant_id_number_hash")),
        sa.UniqueConstraint("phone_hash", name=op.f("uq_applicant_phone_hash")),
        comment="申报人",
    )
    op.create_table(
        "audit_anchor",
        sa.Column("stream", sa.String(length=20), nullable=False, comment="链"),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False, comment="序号"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="时间"),
        sa.Column("sha256", sa.String(length=64), nullable=False, comment="SHA-256"),
        sa.Column("sm3", sa.String(length=64), nullable=False, comment="SM3"),
        sa.PrimaryKeyConstraint("stream", "seq", name=op.f("pk_audit_anchor")),
        comment="每日审计根",
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), nullable=False, comment="编号"),
        sa.Column(
            "xid",
            sa.BigInteger(),
            server_default=sa.text("(pg_current_xact_id()::text)::bigint"),
            nullable=False,
            comment="事务号",
        ),
        sa.Column("stream", sa.String(length=20), nullable=False, comment="链"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="时间"),
        sa.Column("who", sa.String(length=80), nullable=False, comment="何人"),
        sa.Column("action", sa.String(length=60), nullable=False, comment="动作"),
        sa.Column("subject", sa.String(length=60), nullable=False, comment="对象"),
        sa.Column("body", sa.Text(), nullable=False, comment="规范文本"),
        sa.Column("leaf", sa.String(length=64), nullable=False, comment="SHA-256"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
        comment="审计记录",
    )
    op.create_index("ix_audit_entry_subject", "audit_entry", ["subject", "id"], unique=False)
    op.create_table(
        "audit_link",
        sa.Column("stream", sa.String(length=20), nullable=False, comment="链"),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False, comment="序号"),
        sa.Column("entry_id", sa.BigInteger(), nullable=False, comment="审计记录"),
        sa.Column("hash", sa.String(length=64), nullable=False, comment="链值"),
        sa.PrimaryKeyConstraint("stream", "seq", name=op.f("pk_audit_link")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_audit_link_entry_id")),
        comment="审计链",
    )
    op.create_table(
        "calendar_version",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False, comment="版本"),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False, comment="载入时间"),
        sa.Column("years", sa.String(length=20), nullable=False, comment="已公布年份"),
        sa.Column("source", sa.Text(), nullable=False, comment="来源"),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_calendar_version")),
        comment="日历版本",
    )
    op.create_table(
        "code_list",
        sa.Column("list", sa.String(length=40), nullable=False, comment="代码表"),
        sa.Column("code", sa.String(length=20), nullable=False, comment="代码"),
        sa.Column("name", sa.String(length=120), nullable=False, comment="名称"),
        sa.Column("name_en", sa.String(length=160), server_default="", nullable=False, comment="英文名称"),
        sa.Column("verified", sa.Boolean(), nullable=False, comment="已核实"),
        sa.PrimaryKeyConstraint("list", "code", name=op.f("pk_code_list")),
        comment="代码表",
    )
    op.create_table(
        "daily_run",
        sa.Column("job", sa.String(length=80), nullable=False, comment="作业"),
        sa.Column("day", sa.Date(), nullable=False, comment="日期"),
        sa.PrimaryKeyConstraint("job", "day", name=op.f("pk_daily_run")),
        sa.UniqueConstraint("job", "day", name=op.f("uq_daily_run_job_day")),
        comment="每日作业",
    )
    op.create_table(
        "department",
        sa.Column("code", sa.String(length=40), nullable=False, comment="部门代码"),
        sa.Column("name", sa.String(length=80), nullable=False, comment="部门名称"),
        sa.Column("name_en", sa.String(length=120), nullable=False, comment="英文名称"),
        sa.Column("short_name", sa.String(length=20), nullable=False, comment="简称"),
        sa.Column("short_code", sa.String(length=4), nullable=False, comment="办件字头"),
        sa.Column("is_centre", sa.Boolean(), server_default="false", nullable=False, comment="交易中心"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_department")),
        sa.UniqueConstraint("code", name=op.f("uq_department_code")),
        sa.UniqueConstraint("short_code", name=op.f("uq_department_short_code")),
        comment="行业主管部门",
    )
    op.create_table(
        "division",
        sa.Column("code", sa.String(length=6), nullable=False, comment="区划代码"),
        sa.Column("parent_code", sa.String(length=6), nullable=True, comment="上级区划"),
        sa.Column("level", sa.Integer(), nullable=False, comment="层级"),
        sa.Column("name", sa.String(length=60), nullable=False, comment="名称"),
        sa.Column("name_en", sa.String(length=80), nullable=False, comment="英文名称"),
        sa.Column("aliases", sa.Text(), server_default="", nullable=False, comment="别名"),
        sa.ForeignKeyConstraint(["parent_code"], ["division.code"], name=op.f("fk_division_parent_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_division")),
        comment="行政区划",
    )
    op.create_index(op.f("ix_division_parent_code"), "division", ["parent_code"], unique=False)
    op.create_table(
        "heartbeat",
        sa.Column("name", sa.String(length=80), nullable=False, comment="进程"),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="类别"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="时间"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeat")),
        comment="心跳",
    )
    op.create_table(
        "job_run",
        sa.Column("job", sa.String(length=80), nullable=False, comment="作业"),
        sa.Column("subject_count", sa.Integer(), nullable=False, comment="对象数"),
        sa.Column("outbox_id", sa.BigInteger(), nullable=True, comment="发件箱"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, comment="开始"),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True, comment="结束"),
        sa.Column("progress", sa.Integer(), server_default="0", nullable=False, comment="已办"),
        sa.Column("total", sa.Integer(), nullable=True, comment="总数"),
        sa.Column("result", sa.Text(), nullable=True, comment="结果"),
        sa.Column("error", sa.Text(), nullable=True, comment="失败原因"),
        sa.Column("cancel_asked_at", sa.DateTime(timezone=True), nullable=True, comment="要求停止"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_run")),
        comment="作业运行",
    )
    op.create_index(op.f("ix_job_run_job"), "job_run", ["job"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), nullable=False, comment="编号"),
        sa.Column("topic", sa.String(length=80), nullable=False, comment="主题"),
        sa.Column("ids", sa.ARRAY(sa.BigInteger()), nullable=False, comment="对象编号"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="写入时间"),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, comment="应发时间"),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True, comment="领取至"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False, comment="尝试次数"),
        sa.Column("last_error", sa.Text(), nullable=True, comment="最近一次失败原因"),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True, comment="完成时间"),
        sa.Column("gave_up_at", sa.DateTime(timezone=True), nullable=True, comment="转人工时间"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        comment="发件箱",
    )
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["due_at", "id"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL AND gave_up_at IS NULL"),
    )
    op.create_table(
        "regulation",
        sa.Column("id", sa.String(length=40), nullable=False, comment="文件代号"),
        sa.Column("title", sa.String(length=200), nullable=False, comment="标题"),
        sa.Column("title_en", sa.String(length=240), server_default="", nullable=False, comment="英文标题"),
        sa.Column("number", sa.String(length=80), server_default="", nullable=False, comment="文号"),
        sa.Column("in_force_from", sa.Date(), nullable=True, comment="施行日期"),
        sa.Column("in_force_to", sa.Date(), nullable=True, comment="废止日期"),
        sa.Column("verified", sa.Boolean(), nullable=False, comment="已核实"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_regulation")),
        comment="依据文件",
    )
    op.create_table(
        "restriction",
        sa.Column("id_number_hash", sa.String(length=64), nullable=False, comment="身份证指纹"),
        sa.Column("kind", sa.String(length=30), nullable=False, comment="类别"),
        sa.Column("source", sa.String(length=120), nullable=False, comment="作出机关"),
        sa.Column("basis", sa.Text(), nullable=False, comment="依据"),
        sa.Column("valid_from", sa.Date(), nullable=False, comment="起"),
        sa.Column("valid_to", sa.Date(), nullable=True, comment="止"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restriction")),
        comment="联合惩戒",
    )
    op.create_index(op.f("ix_restriction_id_number_hash"), "restriction", ["id_number_hash"], unique=False)
    op.create_table(
        "sign_in_code",
        sa.Column("purpose", sa.String(length=20), nullable=False, comment="用途"),
        sa.Column("phone_hash", sa.String(length=64), nullable=False, comment="手机指纹"),
        sa.Column("code_hash", sa.String(length=64), nullable=False, comment="验证码指纹"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="发出时间"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, comment="到期时间"),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False, comment="尝试次数"),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True, comment="使用时间"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_code")),
        comment="验证码",
    )
    op.create_index(op.f("ix_sign_in_code_phone_hash"), "sign_in_code", ["phone_hash"], unique=False)
    op.create_table(
        "specialty",
        sa.Column("standard", sa.String(length=20), nullable=False, comment="分类标准"),
        sa.Column("code", sa.String(length=12), nullable=False, comment="专业代码"),
        sa.Column("parent_code", sa.String(length=12), nullable=True, comment="上级代码"),
        sa.Column("name", sa.String(length=120), nullable=False, comment="专业名称"),
        sa.Column("level", sa.Integer(), nullable=False, comment="层级"),
        sa.Column("is_leaf", sa.Boolean(), nullable=False, comment="可申报"),
        sa.ForeignKeyConstraint(
            ["standard", "parent_code"],
            ["specialty.standard", "specialty.code"],
            name=op.f("fk_specialty_standard_parent_code"),
        ),
        sa.PrimaryKeyConstraint("standard", "code", name=op.f("pk_specialty")),
        comment="专业分类",
    )
    op.create_index("ix_specialty_parent", "specialty", ["standard", "parent_code"], unique=False)
    op.create_table(
        "web_session",
        sa.Column("token_hash", sa.String(length=64), nullable=False, comment="令牌指纹"),
        sa.Column("door", sa.String(length=10), nullable=False, comment="入口"),
        sa.Column("person_id", sa.Integer(), nullable=True, comment="何人"),
        sa.Column("data", postgresql.JSONB(), nullable=False, comment="内容"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="建立时间"),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, comment="最近使用"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, comment="到期时间"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True, comment="结束时间"),
        sa.Column("agent", sa.String(length=200), server_default="", nullable=False, comment="浏览器"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_web_session")),
        comment="登录会话",
    )
    op.create_index(op.f("ix_web_session_expires_at"), "web_session", ["expires_at"], unique=False)
    op.create_index(
        "ix_web_session_person",
        "web_session",
        ["door", "person_id"],
        unique=False,
        postgresql_where=sa.text("person_id IS NOT NULL"),
    )
    op.create_table(
        "workday",
        sa.Column("day", sa.Date(), nullable=False, comment="日期"),
        sa.Column("is_workday", sa.Boolean(), nullable=False, comment="上班"),
        sa.Column("name", sa.String(length=60), server_default="", nullable=False, comment="名称"),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_workday")),
        comment="工作日调整",
    )
    op.create_table(
        "application",
        sa.Column("number", sa.String(length=20), nullable=True, comment="申报编号"),
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("answers", postgresql.JSONB(), nullable=False, comment="填报内容"),
        sa.Column(
            "chosen", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False, comment="拟报专业"
        ),
        sa.Column("applied_on", sa.Date(), nullable=True, comment="申报日期"),
        sa.Column("division_code", sa.String(length=6), nullable=True, comment="工作所在地"),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False, comment="开始填写"),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False, comment="最近保存"),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True, comment="提交时间"),
        sa.Column("consent_version", sa.String(length=20), nullable=True, comment="承诺书版本"),
        sa.Column("submitted_hash", sa.String(length=64), nullable=True, comment="提交内容指纹"),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False, comment="版本"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_application_applicant_id")),
        sa.ForeignKeyConstraint(["division_code"], ["division.code"], name=op.f("fk_application_division_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
        sa.UniqueConstraint("number", name=op.f("uq_application_number")),
        comment="自助申报",
    )
    op.create_index(op.f("ix_application_applicant_id"), "application", ["applicant_id"], unique=False)
    op.create_index(
        "ix_application_draft",
        "application",
        ["applicant_id"],
        unique=True,
        postgresql_where=sa.text("submitted_at IS NULL"),
    )
    op.create_table(
        "brake",
        sa.Column("rule", sa.String(length=60), nullable=False, comment="自动规则"),
        sa.Column("department_id", sa.Integer(), nullable=True, comment="主管部门"),
        sa.Column("reason", sa.Text(), nullable=False, comment="理由"),
        sa.Column("pulled_by", sa.String(length=80), nullable=False, comment="拉闸人"),
        sa.Column("pulled_at", sa.DateTime(timezone=True), nullable=False, comment="拉闸时间"),
        sa.Column("released_by", sa.String(length=80), nullable=True, comment="松闸人"),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True, comment="松闸时间"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_brake_department_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brake")),
        comment="刹车",
    )
    op.create_table(
        "office",
        sa.Column("department_id", sa.Integer(), nullable=False, comment="主管部门"),
        sa.Column("division_code", sa.String(length=6), nullable=False, comment="行政区划"),
        sa.Column("level", sa.Integer(), nullable=False, comment="层级"),
        sa.Column("name", sa.String(length=120), nullable=False, comment="机构名称"),
        sa.Column("name_en", sa.String(length=160), nullable=False, comment="英文名称"),
        sa.Column("phone", sa.String(length=40), nullable=False, comment="咨询电话"),
        sa.Column("hours", sa.String(length=80), server_default="", nullable=False, comment="办公时间"),
        sa.Column("is_coordinating", sa.Boolean(), server_default="false", nullable=False, comment="审核协调机构"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_office_department_id")),
        sa.ForeignKeyConstraint(["division_code"], ["division.code"], name=op.f("fk_office_division_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office")),
        sa.UniqueConstraint("department_id", "division_code", name=op.f("uq_office_department_id_division_code")),
        comment="办理机构",
    )
    op.create_index(op.f("ix_office_division_code"), "office", ["division_code"], unique=False)
    op.create_table(
        "regulation_paragraph",
        sa.Column("regulation_id", sa.String(length=40), nullable=False, comment="文件代号"),
        sa.Column("article", sa.String(length=40), nullable=False, comment="条款"),
        sa.Column("summary", sa.Text(), nullable=False, comment="要点"),
        sa.Column("text_hash", sa.String(length=64), nullable=False, comment="文本指纹"),
        sa.Column("verified", sa.Boolean(), nullable=False, comment="已核实"),
        sa.Column("in_force_from", sa.Date(), nullable=True, comment="施行日期"),
        sa.Column("in_force_to", sa.Date(), nullable=True, comment="废止日期"),
        sa.ForeignKeyConstraint(
            ["regulation_id"], ["regulation.id"], name=op.f("fk_regulation_paragraph_regulation_id")
        ),
        sa.PrimaryKeyConstraint("regulation_id", "article", name=op.f("pk_regulation_paragraph")),
        comment="条文",
    )
    op.create_table(
        "release",
        sa.Column("department_id", sa.Integer(), nullable=False, comment="主管部门"),
        sa.Column("version", sa.Integer(), nullable=False, comment="版本"),
        sa.Column("base_id", sa.Integer(), nullable=True, comment="起草所据版本"),
        sa.Column("content", sa.Text(), nullable=False, comment="规范文本"),
        sa.Column("content_hash", sa.String(length=64), nullable=False, comment="内容指纹"),
        sa.Column("author", sa.String(length=80), nullable=False, comment="起草人"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="起草时间"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.CheckConstraint("length(content_hash) = 64", name=op.f("ck_release_hash_is_sha256")),
        sa.ForeignKeyConstraint(["base_id"], ["release.id"], name=op.f("fk_release_base_id")),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_release_department_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
        sa.UniqueConstraint("department_id", "version", name=op.f("uq_release_department_id_version")),
        comment="规则发布版",
    )
    op.create_index(op.f("ix_release_content_hash"), "release", ["content_hash"], unique=False)
    op.create_table(
        "staff_grant",
        sa.Column("staff_id", sa.Integer(), nullable=False, comment="工作人员"),
        sa.Column("role", sa.String(length=30), nullable=False, comment="角色"),
        sa.Column("department_id", sa.Integer(), nullable=True, comment="主管部门"),
        sa.Column("division_code", sa.String(length=6), nullable=False, comment="区划范围"),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False, comment="起"),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True, comment="止"),
        sa.Column("reason", sa.Text(), nullable=False, comment="理由"),
        sa.Column("granted_by", sa.String(length=80), nullable=False, comment="授权人"),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False, comment="授权时间"),
        sa.Column("ended_by", sa.String(length=80), nullable=True, comment="收回人"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True, comment="收回时间"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to > valid_from", name=op.f("ck_staff_grant_ends_after_it_starts")
        ),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_staff_grant_department_id")),
        sa.ForeignKeyConstraint(["division_code"], ["division.code"], name=op.f("fk_staff_grant_division_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_grant")),
        comment="授权",
    )
    op.create_index(op.f("ix_staff_grant_staff_id"), "staff_grant", ["staff_id"], unique=False)
    op.create_table(
        "admission",
        sa.Column("number", sa.String(length=30), nullable=False, comment="办件编号"),
        sa.Column("application_id", sa.Integer(), nullable=False, comment="自助申报"),
        sa.Column("department_id", sa.Integer(), nullable=False, comment="主管部门"),
        sa.Column("division_code", sa.String(length=6), nullable=False, comment="工作所在地"),
        sa.Column("release_id", sa.Integer(), nullable=False, comment="规则发布版"),
        sa.Column("step", sa.String(length=20), nullable=False, comment="环节"),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False, comment="进入环节时间"),
        sa.Column("resumes_at", sa.String(length=20), nullable=True, comment="补正后回到"),
        sa.Column("holder_id", sa.Integer(), nullable=True, comment="承办人"),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True, comment="到期时刻"),
        sa.Column("warn_at", sa.DateTime(timezone=True), nullable=True, comment="提醒时刻"),
        sa.Column("is_provisional", sa.Boolean(), server_default="false", nullable=False, comment="期限暂定"),
        sa.Column("calendar_version", sa.Integer(), nullable=True, comment="日历版本"),
        sa.Column("days_left", sa.SmallInteger(), nullable=True, comment="停表时剩余工作日"),
        sa.Column("overdue_told_at", sa.DateTime(timezone=True), nullable=True, comment="超期告知时间"),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True, comment="领取至"),
        sa.Column("flags", sa.ARRAY(sa.String()), server_default="{}", nullable=False, comment="提示"),
        sa.Column("verdict", sa.String(length=20), nullable=True, comment="条件核对结论"),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False, comment="受理时间"),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False, comment="版本"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.CheckConstraint(
            "step IN ('screening', 'assignment', 'first_review', 'second_review', 'correction', 'training', 'exam', 'publicity', 'roster', 'refused', 'failed', 'lapsed', 'withdrawn', 'reconsideration')",
            name=op.f("ck_admission_step_is_known"),
        ),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_admission_applicant_id")),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name=op.f("fk_admission_application_id")),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_admission_department_id")),
        sa.ForeignKeyConstraint(["division_code"], ["division.code"], name=op.f("fk_admission_division_code")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_admission_office_id")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_admission_release_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admission")),
        sa.UniqueConstraint("application_id", "department_id", name=op.f("uq_admission_application_id_department_id")),
        sa.UniqueConstraint("number", name=op.f("uq_admission_number")),
        comment="部门办件",
    )
    op.create_index(op.f("ix_admission_applicant_id"), "admission", ["applicant_id"], unique=False)
    op.create_index(op.f("ix_admission_department_id"), "admission", ["department_id"], unique=False)
    op.create_index(op.f("ix_admission_division_code"), "admission", ["division_code"], unique=False)
    op.create_index(
        "ix_admission_due", "admission", ["due_at"], unique=False, postgresql_where=sa.text("due_at IS NOT NULL")
    )
    op.create_index(op.f("ix_admission_office_id"), "admission", ["office_id"], unique=False)
    op.create_index("ix_admission_queue", "admission", ["office_id", "step", "due_at"], unique=False)
    op.create_index(
        "ix_admission_warn", "admission", ["warn_at"], unique=False, postgresql_where=sa.text("warn_at IS NOT NULL")
    )
    op.create_table(
        "application_release",
        sa.Column("application_id", sa.Integer(), nullable=False, comment="自助申报"),
        sa.Column("department_id", sa.Integer(), nullable=False, comment="主管部门"),
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("occasion", sa.String(length=10), nullable=False, comment="时点"),
        sa.Column("release_id", sa.Integer(), nullable=False, comment="规则发布版"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="时间"),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_application_release_applicant_id")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_application_release_application_id")
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_application_release_department_id")
        ),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_application_release_release_id")),
        sa.PrimaryKeyConstraint("application_id", "department_id", "occasion", name=op.f("pk_application_release")),
        comment="申报所据发布版",
    )
    op.create_index(op.f("ix_application_release_applicant_id"), "application_release", ["applicant_id"], unique=False)
    op.create_table(
        "attachment",
        sa.Column("application_id", sa.Integer(), nullable=False, comment="自助申报"),
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("field", sa.String(length=120), nullable=False, comment="所属栏目"),
        sa.Column("name", sa.String(length=200), nullable=False, comment="文件名"),
        sa.Column("hash", sa.String(length=64), nullable=False, comment="内容指纹"),
        sa.Column("media_type", sa.String(length=60), nullable=False, comment="类型"),
        sa.Column("size", sa.Integer(), nullable=False, comment="大小"),
        sa.Column("pages", sa.Integer(), server_default="1", nullable=False, comment="页数"),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False, comment="上传时间"),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True, comment="移除时间"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_attachment_applicant_id")),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name=op.f("fk_attachment_application_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
        comment="附件",
    )
    op.create_index(op.f("ix_attachment_applicant_id"), "attachment", ["applicant_id"], unique=False)
    op.create_index(op.f("ix_attachment_application_id"), "attachment", ["application_id"], unique=False)
    op.create_index(op.f("ix_attachment_hash"), "attachment", ["hash"], unique=False)
    op.create_table(
        "notice",
        sa.Column("number", sa.String(length=30), nullable=False, comment="公示编号"),
        sa.Column("department_id", sa.Integer(), nullable=False, comment="主管部门"),
        sa.Column("title", sa.String(length=200), nullable=False, comment="标题"),
        sa.Column("opened_by", sa.String(length=80), nullable=False, comment="开启人"),
        sa.Column("opened_by_name", sa.String(length=80), nullable=False, comment="责任人"),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False, comment="开启时间"),
        sa.Column("first_day", sa.Date(), nullable=False, comment="公示首日"),
        sa.Column("last_day", sa.Date(), nullable=False, comment="公示末日"),
        sa.Column("days", sa.Integer(), nullable=False, comment="工作日数"),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, comment="截止时刻"),
        sa.Column("is_provisional", sa.Boolean(), server_default="false", nullable=False, comment="期限暂定"),
        sa.Column("calendar_version", sa.Integer(), nullable=True, comment="日历版本"),
        sa.Column("content", sa.Text(), nullable=False, comment="公示内容规范文本"),
        sa.Column("content_hash", sa.String(length=64), nullable=False, comment="内容指纹"),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True, comment="领取至"),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True, comment="结束时间"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_notice_department_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_notice_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("number", name=op.f("uq_notice_number")),
        comment="公示",
    )
    op.create_index("ix_notice_due", "notice", ["due_at"], unique=False, postgresql_where=sa.text("closed_at IS NULL"))
    op.create_index(op.f("ix_notice_office_id"), "notice", ["office_id"], unique=False)
    op.create_table(
        "release_event",
        sa.Column("release_id", sa.Integer(), nullable=False, comment="规则发布版"),
        sa.Column("state", sa.String(length=20), nullable=False, comment="状态"),
        sa.Column("actor", sa.String(length=80), nullable=False, comment="何人"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="时间"),
        sa.Column("effective_on", sa.Date(), nullable=True, comment="生效日期"),
        sa.Column("reason", sa.Text(), nullable=True, comment="理由"),
        sa.Column("report", postgresql.JSONB(), nullable=True, comment="核对结果"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_release_event_release_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_event")),
        comment="发布版状态",
    )
    op.create_index(op.f("ix_release_event_release_id"), "release_event", ["release_id"], unique=False)
    op.create_table(
        "roster_entry",
        sa.Column("number", sa.String(length=17), nullable=False, comment="专家编号"),
        sa.Column("code", sa.String(length=24), nullable=False, comment="证书查询码"),
        sa.Column("name", sa.String(length=60), nullable=False, comment="姓名"),
        sa.Column("employer", sa.String(length=120), nullable=False, comment="单位"),
        sa.Column("division_code", sa.String(length=6), nullable=False, comment="工作所在地"),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False, comment="入库时间"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_roster_entry_applicant_id")),
        sa.ForeignKeyConstraint(["division_code"], ["division.code"], name=op.f("fk_roster_entry_division_code")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_roster_entry_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_entry")),
        sa.UniqueConstraint("applicant_id", name=op.f("uq_roster_entry_applicant_id")),
        sa.UniqueConstraint("code", name=op.f("uq_roster_entry_code")),
        sa.UniqueConstraint("number", name=op.f("uq_roster_entry_number")),
        comment="专家库",
    )
    op.create_index(op.f("ix_roster_entry_applicant_id"), "roster_entry", ["applicant_id"], unique=False)
    op.create_index(op.f("ix_roster_entry_division_code"), "roster_entry", ["division_code"], unique=False)
    op.create_index(op.f("ix_roster_entry_office_id"), "roster_entry", ["office_id"], unique=False)
    op.create_table(
        "application_specialty",
        sa.Column("application_id", sa.Integer(), nullable=False, comment="自助申报"),
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("standard", sa.String(length=20), nullable=False, comment="分类标准"),
        sa.Column("code", sa.String(length=12), nullable=False, comment="专业代码"),
        sa.Column("admission_id", sa.Integer(), nullable=False, comment="办件"),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_application_specialty_admission_id")),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_application_specialty_applicant_id")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_application_specialty_application_id")
        ),
        sa.ForeignKeyConstraint(
            ["standard", "code"],
            ["specialty.standard", "specialty.code"],
            name=op.f("fk_application_specialty_standard_code"),
        ),
        sa.PrimaryKeyConstraint("application_id", "standard", "code", name=op.f("pk_application_specialty")),
        comment="申报专业",
    )
    op.create_index(
        op.f("ix_application_specialty_admission_id"), "application_specialty", ["admission_id"], unique=False
    )
    op.create_index(
        op.f("ix_application_specialty_applicant_id"), "application_specialty", ["applicant_id"], unique=False
    )
    op.create_table(
        "course_progress",
        sa.Column("unit", sa.String(length=60), nullable=False, comment="单元"),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False, comment="开始学习"),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True, comment="学完时间"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("admission_id", sa.Integer(), nullable=False, comment="办件"),
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_course_progress_admission_id")),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_course_progress_applicant_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_course_progress_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_progress")),
        sa.UniqueConstraint("admission_id", "unit", name=op.f("uq_course_progress_admission_id_unit")),
        comment="培训进度",
    )
    op.create_index(op.f("ix_course_progress_admission_id"), "course_progress", ["admission_id"], unique=False)
    op.create_index(op.f("ix_course_progress_applicant_id"), "course_progress", ["applicant_id"], unique=False)
    op.create_index(op.f("ix_course_progress_office_id"), "course_progress", ["office_id"], unique=False)
    op.create_table(
        "finding",
        sa.Column("release_id", sa.Integer(), nullable=False, comment="规则发布版"),
        sa.Column("moment", sa.String(length=10), nullable=False, comment="时点"),
        sa.Column("evaluated_on", sa.Date(), nullable=False, comment="核对日期"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="时间"),
        sa.Column("decision", sa.String(length=20), nullable=False, comment="结论"),
        sa.Column("facts", postgresql.JSONB(), nullable=False, comment="事实"),
        sa.Column("derivation_version", sa.Integer(), nullable=False, comment="推导版本"),
        sa.Column("trace", postgresql.JSONB(), nullable=False, comment="逐条依据"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("admission_id", sa.Integer(), nullable=False, comment="办件"),
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_finding_admission_id")),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_finding_applicant_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_finding_office_id")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_finding_release_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
        comment="条件核对",
    )
    op.create_index(op.f("ix_finding_admission_id"), "finding", ["admission_id"], unique=False)
    op.create_index(op.f("ix_finding_applicant_id"), "finding", ["applicant_id"], unique=False)
    op.create_index(op.f("ix_finding_office_id"), "finding", ["office_id"], unique=False)
    op.create_table(
        "letter",
        sa.Column("key", sa.String(length=80), nullable=False, comment="唯一键"),
        sa.Column("event", sa.String(length=40), nullable=False, comment="事由"),
        sa.Column("title", sa.String(length=200), nullable=False, comment="标题"),
        sa.Column("body", sa.Text(), nullable=False, comment="正文"),
        sa.Column("title_en", sa.String(length=240), server_default="", nullable=False, comment="英文标题"),
        sa.Column("body_en", sa.Text(), server_default="", nullable=False, comment="英文正文"),
        sa.Column("sms", sa.Text(), server_default="", nullable=False, comment="短信"),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False, comment="成文时间"),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True, comment="阅读时间"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("admission_id", sa.Integer(), nullable=False, comment="办件"),
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_letter_admission_id")),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_letter_applicant_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_letter_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter")),
        sa.UniqueConstraint("key", name=op.f("uq_letter_key")),
        comment="函件",
    )
    op.create_index(op.f("ix_letter_admission_id"), "letter", ["admission_id"], unique=False)
    op.create_index(op.f("ix_letter_applicant_id"), "letter", ["applicant_id"], unique=False)
    op.create_index(op.f("ix_letter_office_id"), "letter", ["office_id"], unique=False)
    op.create_table(
        "notice_item",
        sa.Column("notice_id", sa.Integer(), nullable=False, comment="公示"),
        sa.Column("position", sa.Integer(), nullable=False, comment="序号"),
        sa.Column("name", sa.String(length=60), nullable=False, comment="姓名"),
        sa.Column("employer", sa.String(length=120), nullable=False, comment="单位"),
        sa.Column("specialties", postgresql.JSONB(), nullable=False, comment="专业"),
        sa.Column("outcome", sa.String(length=20), nullable=True, comment="结果"),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True, comment="办结时间"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("admission_id", sa.Integer(), nullable=False, comment="办件"),
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_notice_item_admission_id")),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_notice_item_applicant_id")),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_notice_item_notice_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_notice_item_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_item")),
        sa.UniqueConstraint("notice_id", "admission_id", name=op.f("uq_notice_item_notice_id_admission_id")),
        comment="公示名单",
    )
    op.create_index(op.f("ix_notice_item_admission_id"), "notice_item", ["admission_id"], unique=False)
    op.create_index(op.f("ix_notice_item_applicant_id"), "notice_item", ["applicant_id"], unique=False)
    op.create_index(op.f("ix_notice_item_notice_id"), "notice_item", ["notice_id"], unique=False)
    op.create_index(op.f("ix_notice_item_office_id"), "notice_item", ["office_id"], unique=False)
    op.create_table(
        "paper",
        sa.Column("number", sa.Integer(), nullable=False, comment="第几卷"),
        sa.Column("release_id", sa.Integer(), nullable=False, comment="规则发布版"),
        sa.Column("seed", sa.String(length=64), nullable=False, comment="种子"),
        sa.Column("commitment", sa.String(length=64), nullable=False, comment="种子承诺值"),
        sa.Column("questions", postgresql.JSONB(), nullable=False, comment="题目与选项次序"),
        sa.Column("full_marks", sa.Integer(), nullable=False, comment="满分"),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False, comment="组卷时间"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("admission_id", sa.Integer(), nullable=False, comment="办件"),
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_paper_admission_id")),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_paper_applicant_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_paper_office_id")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_paper_release_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper")),
        sa.UniqueConstraint("admission_id", "number", name=op.f("uq_paper_admission_id_number")),
        comment="试卷",
    )
    op.create_index(op.f("ix_paper_admission_id"), "paper", ["admission_id"], unique=False)
    op.create_index(op.f("ix_paper_applicant_id"), "paper", ["applicant_id"], unique=False)
    op.create_index(op.f("ix_paper_office_id"), "paper", ["office_id"], unique=False)
    op.create_table(
        "review",
        sa.Column("level", sa.String(length=20), nullable=False, comment="审核环节"),
        sa.Column("round", sa.Integer(), server_default="1", nullable=False, comment="轮次"),
        sa.Column("reviewer_id", sa.Integer(), nullable=False, comment="审核人"),
        sa.Column("reviewer_name", sa.String(length=80), nullable=False, comment="审核人姓名"),
        sa.Column("decision", sa.String(length=30), nullable=True, comment="决定"),
        sa.Column(
            "checklist",
            postgresql.JSONB(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="核对单",
        ),
        sa.Column("score", sa.Integer(), nullable=True, comment="评分"),
        sa.Column("note", sa.Text(), server_default="", nullable=False, comment="内部意见"),
        sa.Column("reason", sa.Text(), server_default="", nullable=False, comment="告知申报人的理由"),
        sa.Column(
            "items",
            postgresql.JSONB(),
            server_default=sa.text("'[]'"),
            nullable=False,
            comment="补正栏目或不予通过依据",
        ),
        sa.Column(
            "rulings",
            postgresql.JSONB(),
            server_default=sa.text("'[]'"),
            nullable=False,
            comment="对不知条件的认定",
        ),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False, comment="保存时间"),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True, comment="决定时间"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("admission_id", sa.Integer(), nullable=False, comment="办件"),
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_review_admission_id")),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_review_applicant_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_review_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
        sa.UniqueConstraint("admission_id", "level", "round", name=op.f("uq_review_admission_id_level_round")),
        comment="审核",
    )
    op.create_index(op.f("ix_review_admission_id"), "review", ["admission_id"], unique=False)
    op.create_index(op.f("ix_review_applicant_id"), "review", ["applicant_id"], unique=False)
    op.create_index(op.f("ix_review_office_id"), "review", ["office_id"], unique=False)
    op.create_index("ix_review_reviewer", "review", ["reviewer_id", "decided_at"], unique=False)
    op.create_table(
        "roster_specialty",
        sa.Column("entry_id", sa.Integer(), nullable=False, comment="专家库"),
        sa.Column("standard", sa.String(length=20), nullable=False, comment="分类标准"),
        sa.Column("code", sa.String(length=12), nullable=False, comment="专业代码"),
        sa.Column("department_id", sa.Integer(), nullable=False, comment="主管部门"),
        sa.Column("admission_id", sa.Integer(), nullable=False, comment="办件"),
        sa.Column("term_from", sa.Date(), nullable=False, comment="聘期起"),
        sa.Column("term_to", sa.Date(), nullable=False, comment="聘期止"),
        sa.Column("standing", sa.String(length=20), server_default="active", nullable=False, comment="状态"),
        sa.Column("unpaid", sa.Boolean(), server_default="false", nullable=False, comment="不取酬"),
        sa.Column("responsible", sa.String(length=80), nullable=False, comment="责任人"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_roster_specialty_admission_id")),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_roster_specialty_applicant_id")),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_roster_specialty_department_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["roster_entry.id"], name=op.f("fk_roster_specialty_entry_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_roster_specialty_office_id")),
        sa.ForeignKeyConstraint(
            ["standard", "code"],
            ["specialty.standard", "specialty.code"],
            name=op.f("fk_roster_specialty_standard_code"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_specialty")),
        sa.UniqueConstraint("entry_id", "standard", "code", name=op.f("uq_roster_specialty_entry_id_standard_code")),
        comment="入库专业",
    )
    op.create_index(op.f("ix_roster_specialty_admission_id"), "roster_specialty", ["admission_id"], unique=False)
    op.create_index(op.f("ix_roster_specialty_applicant_id"), "roster_specialty", ["applicant_id"], unique=False)
    op.create_index(op.f("ix_roster_specialty_office_id"), "roster_specialty", ["office_id"], unique=False)
    op.create_table(
        "staff_message",
        sa.Column("key", sa.String(length=80), nullable=False, comment="唯一键"),
        sa.Column("admission_id", sa.Integer(), nullable=True, comment="办件"),
        sa.Column("event", sa.String(length=40), nullable=False, comment="事由"),
        sa.Column("text", sa.Text(), nullable=False, comment="内容"),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False, comment="成文时间"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_staff_message_admission_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_staff_message_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_message")),
        sa.UniqueConstraint("key", name=op.f("uq_staff_message_key")),
        comment="站内信",
    )
    op.create_index(op.f("ix_staff_message_admission_id"), "staff_message", ["admission_id"], unique=False)
    op.create_index("ix_staff_message_office", "staff_message", ["office_id", "id"], unique=False)
    op.create_index(op.f("ix_staff_message_office_id"), "staff_message", ["office_id"], unique=False)
    op.create_table(
        "step_entry",
        sa.Column("action", sa.String(length=30), nullable=False, comment="动作"),
        sa.Column("from_step", sa.String(length=20), nullable=True, comment="原环节"),
        sa.Column("to_step", sa.String(length=20), nullable=False, comment="到环节"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="时间"),
        sa.Column("who", sa.String(length=80), nullable=False, comment="何人"),
        sa.Column("reason", sa.Text(), nullable=True, comment="理由"),
        sa.Column(
            "items", postgresql.JSONB(), server_default="[]", nullable=False, comment="补正栏目"
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True, comment="到期时刻"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("admission_id", sa.Integer(), nullable=False, comment="办件"),
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_step_entry_admission_id")),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_step_entry_applicant_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_step_entry_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_step_entry")),
        comment="办理沿革",
    )
    op.create_index(op.f("ix_step_entry_admission_id"), "step_entry", ["admission_id"], unique=False)
    op.create_index(op.f("ix_step_entry_applicant_id"), "step_entry", ["applicant_id"], unique=False)
    op.create_index(op.f("ix_step_entry_office_id"), "step_entry", ["office_id"], unique=False)
    op.create_table(
        "attempt",
        sa.Column("paper_id", sa.Integer(), nullable=False, comment="试卷"),
        sa.Column("number", sa.Integer(), nullable=False, comment="第几次"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, comment="开考时间"),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False, comment="收卷时刻"),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True, comment="领取至"),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True, comment="交卷时间"),
        sa.Column("marks", sa.Integer(), nullable=True, comment="得分"),
        sa.Column("passed", sa.Boolean(), nullable=True, comment="及格"),
        sa.Column("graded", postgresql.JSONB(), nullable=True, comment="逐题判分"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("admission_id", sa.Integer(), nullable=False, comment="办件"),
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_attempt_admission_id")),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_attempt_applicant_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_attempt_office_id")),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name=op.f("fk_attempt_paper_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sa.UniqueConstraint("admission_id", "number", name=op.f("uq_attempt_admission_id_number")),
        comment="应考",
    )
    op.create_index(op.f("ix_attempt_admission_id"), "attempt", ["admission_id"], unique=False)
    op.create_index(op.f("ix_attempt_applicant_id"), "attempt", ["applicant_id"], unique=False)
    op.create_index(op.f("ix_attempt_ends_at"), "attempt", ["ends_at"], unique=False)
    op.create_index(op.f("ix_attempt_office_id"), "attempt", ["office_id"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("letter_id", sa.Integer(), nullable=False, comment="函件"),
        sa.Column("channel", sa.String(length=10), nullable=False, comment="渠道"),
        sa.Column("idempotency_key", sa.String(length=80), nullable=False, comment="幂等键"),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, comment="应发时间"),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True, comment="领取至"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False, comment="尝试次数"),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True, comment="送出时间"),
        sa.Column("gave_up_at", sa.DateTime(timezone=True), nullable=True, comment="转人工时间"),
        sa.Column("last_error", sa.Text(), nullable=True, comment="失败原因"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("admission_id", sa.Integer(), nullable=False, comment="办件"),
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_delivery_admission_id")),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_delivery_applicant_id")),
        sa.ForeignKeyConstraint(["letter_id"], ["letter.id"], name=op.f("fk_delivery_letter_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_delivery_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_delivery_idempotency_key")),
        comment="投递",
    )
    op.create_index(op.f("ix_delivery_admission_id"), "delivery", ["admission_id"], unique=False)
    op.create_index(op.f("ix_delivery_applicant_id"), "delivery", ["applicant_id"], unique=False)
    op.create_index(op.f("ix_delivery_letter_id"), "delivery", ["letter_id"], unique=False)
    op.create_index(op.f("ix_delivery_office_id"), "delivery", ["office_id"], unique=False)
    op.create_index(
        "ix_delivery_waiting",
        "delivery",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("sent_at IS NULL AND gave_up_at IS NULL"),
    )
    op.create_table(
        "objection",
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("code", sa.String(length=20), nullable=False, comment="查询码"),
        sa.Column("notice_item_id", sa.Integer(), nullable=False, comment="公示名单"),
        sa.Column("objector", sa.String(), nullable=False, comment="异议人"),
        sa.Column("contact", sa.String(), nullable=False, comment="联系方式"),
        sa.Column("ground", sa.Text(), nullable=False, comment="异议内容"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False, comment="提出时间"),
        sa.Column("upheld", sa.Boolean(), nullable=True, comment="成立"),
        sa.Column("ruling", sa.Text(), nullable=True, comment="处理意见"),
        sa.Column("ruled_by", sa.String(length=80), nullable=True, comment="处理人"),
        sa.Column("ruled_at", sa.DateTime(timezone=True), nullable=True, comment="处理时间"),
        sa.Column("admission_id", sa.Integer(), nullable=False, comment="办件"),
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_objection_admission_id")),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_objection_applicant_id")),
        sa.ForeignKeyConstraint(["notice_item_id"], ["notice_item.id"], name=op.f("fk_objection_notice_item_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_objection_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objection")),
        sa.UniqueConstraint("code", name=op.f("uq_objection_code")),
        comment="异议",
    )
    op.create_index(op.f("ix_objection_admission_id"), "objection", ["admission_id"], unique=False)
    op.create_index(op.f("ix_objection_applicant_id"), "objection", ["applicant_id"], unique=False)
    op.create_index(op.f("ix_objection_office_id"), "objection", ["office_id"], unique=False)
    op.create_index(
        "ix_objection_open", "objection", ["admission_id"], unique=False, postgresql_where=sa.text("ruled_at IS NULL")
    )
    op.create_table(
        "roster_event",
        sa.Column("entry_id", sa.Integer(), nullable=False, comment="专家库"),
        sa.Column("roster_specialty_id", sa.Integer(), nullable=True, comment="入库专业"),
        sa.Column("event", sa.String(length=20), nullable=False, comment="事件"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="时间"),
        sa.Column("who", sa.String(length=80), nullable=False, comment="何人"),
        sa.Column("reason", sa.Text(), nullable=True, comment="理由"),
        sa.Column("facts", postgresql.JSONB(), nullable=False, comment="内容"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_roster_event_applicant_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["roster_entry.id"], name=op.f("fk_roster_event_entry_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_roster_event_office_id")),
        sa.ForeignKeyConstraint(
            ["roster_specialty_id"], ["roster_specialty.id"], name=op.f("fk_roster_event_roster_specialty_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_event")),
        comment="专家库沿革",
    )
    op.create_index(op.f("ix_roster_event_applicant_id"), "roster_event", ["applicant_id"], unique=False)
    op.create_index(op.f("ix_roster_event_entry_id"), "roster_event", ["entry_id"], unique=False)
    op.create_index(op.f("ix_roster_event_office_id"), "roster_event", ["office_id"], unique=False)
    op.create_table(
        "answer",
        sa.Column("attempt_id", sa.Integer(), nullable=False, comment="应考"),
        sa.Column("question", sa.String(length=40), nullable=False, comment="题号"),
        sa.Column("choice", sa.String(length=12), nullable=False, comment="选择"),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False, comment="保存时间"),
        sa.Column("admission_id", sa.Integer(), nullable=False, comment="办件"),
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_answer_admission_id")),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_answer_applicant_id")),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"], name=op.f("fk_answer_attempt_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_answer_office_id")),
        sa.PrimaryKeyConstraint("attempt_id", "question", name=op.f("pk_answer")),
        comment="作答",
    )
    op.create_index(op.f("ix_answer_admission_id"), "answer", ["admission_id"], unique=False)
    op.create_index(op.f("ix_answer_applicant_id"), "answer", ["applicant_id"], unique=False)
    op.create_index(op.f("ix_answer_office_id"), "answer", ["office_id"], unique=False)
    op.create_table(
        "ab_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("label", sa.String(length=150), nullable=True),
        sa.Column("description", sa.String(length=512), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "ab_permission",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "ab_register_user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first_name", sa.String(length=64), nullable=False),
        sa.Column("last_name", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=128), nullable=False),
        sa.Column("password", sa.String(length=256), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("registration_date", sa.DateTime(), nullable=True),
        sa.Column("registration_hash", sa.String(length=256), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
        sa.UniqueConstraint("username"),
    )
    op.create_table(
        "ab_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "ab_user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first_name", sa.String(length=64), nullable=False),
        sa.Column("last_name", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=128), nullable=False),
        sa.Column("password", sa.String(length=256), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("last_login", sa.DateTime(), nullable=True),
        sa.Column("login_count", sa.Integer(), nullable=True),
        sa.Column("fail_login_count", sa.Integer(), nullable=True),
        sa.Column("created_on", sa.DateTime(), nullable=True),
        sa.Column("changed_on", sa.DateTime(), nullable=True),
        sa.Column("created_by_fk", sa.Integer(), nullable=True),
        sa.Column("changed_by_fk", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["changed_by_fk"],
            ["ab_user.id"],
        ),
        sa.ForeignKeyConstraint(
            ["created_by_fk"],
            ["ab_user.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
        sa.UniqueConstraint("username"),
    )
    op.create_table(
        "ab_view_menu",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "ab_api_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("key_hash", sa.String(length=256), nullable=False),
        sa.Column("lookup_hash", sa.String(length=256), nullable=True),
        sa.Column("key_prefix", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_on", sa.DateTime(), nullable=True),
        sa.Column("expires_on", sa.DateTime(), nullable=True),
        sa.Column("revoked_on", sa.DateTime(), nullable=True),
        sa.Column("last_used_on", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("lookup_hash"),
        sa.UniqueConstraint("uuid"),
    )
    op.create_index("idx_api_key_lookup_hash", "ab_api_key", ["lookup_hash"], unique=True)
    op.create_index("idx_api_key_prefix", "ab_api_key", ["key_prefix"], unique=False)
    op.create_index("idx_api_key_user_id", "ab_api_key", ["user_id"], unique=False)
    op.create_table(
        "ab_group_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.Column("role_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["ab_group.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("group_id", "role_id"),
    )
    op.create_index("idx_group_id", "ab_group_role", ["group_id"], unique=False)
    op.create_index("idx_group_role_id", "ab_group_role", ["role_id"], unique=False)
    op.create_table(
        "ab_permission_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("permission_id", sa.Integer(), nullable=False),
        sa.Column("view_menu_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["permission_id"],
            ["ab_permission.id"],
        ),
        sa.ForeignKeyConstraint(
            ["view_menu_id"],
            ["ab_view_menu.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("permission_id", "view_menu_id"),
    )
    op.create_index("idx_permission_id", "ab_permission_view", ["permission_id"], unique=False)
    op.create_index("idx_view_menu_id", "ab_permission_view", ["view_menu_id"], unique=False)
    op.create_table(
        "ab_user_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["ab_group.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "group_id"),
    )
    op.create_index("idx_user_group_id", "ab_user_group", ["group_id"], unique=False)
    op.create_index("idx_user_id", "ab_user_group", ["user_id"], unique=False)
    op.create_table(
        "ab_user_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("role_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "role_id"),
    )
    op.create_table(
        "ab_permission_view_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("permission_view_id", sa.Integer(), nullable=True),
        sa.Column("role_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["permission_view_id"], ["ab_permission_view.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("permission_view_id", "role_id"),
    )
    op.create_index("idx_permission_view_id", "ab_permission_view_role", ["permission_view_id"], unique=False)
    op.create_index("idx_role_id", "ab_permission_view_role", ["role_id"], unique=False)

    op.create_foreign_key("fk_staff_grant_staff_id", "staff_grant", "ab_user", ["staff_id"], ["id"])
    _secure()


def downgrade() -> None:
    for table, (_, insert, change) in POLICIES.items():  # policies look through admission: they go before any table
        for name in ("owner_all", "scope_read", *(["scope_insert"] if insert else []), *(["scope_update"] if change else [])):
            op.execute(f"DROP POLICY {name} ON {table}")
    op.drop_constraint("fk_staff_grant_staff_id", "staff_grant", type_="foreignkey")
    op.drop_index("idx_role_id", table_name="ab_permission_view_role")
    op.drop_index("idx_permission_view_id", table_name="ab_permission_view_role")
    op.drop_table("ab_permission_view_role")
    op.drop_table("ab_user_role")
    op.drop_index("idx_user_id", table_name="ab_user_group")
    op.drop_index("idx_user_group_id", table_name="ab_user_group")
    op.drop_table("ab_user_group")
    op.drop_index("idx_view_menu_id", table_name="ab_permission_view")
    op.drop_index("idx_permission_id", table_name="ab_permission_view")
    op.drop_table("ab_permission_view")
    op.drop_index("idx_group_role_id", table_name="ab_group_role")
    op.drop_index("idx_group_id", table_name="ab_group_role")
    op.drop_table("ab_group_role")
    op.drop_index("idx_api_key_user_id", table_name="ab_api_key")
    op.drop_index("idx_api_key_prefix", table_name="ab_api_key")
    op.drop_index("idx_api_key_lookup_hash", table_name="ab_api_key")
    op.drop_table("ab_api_key")
    op.drop_table("ab_view_menu")
    op.drop_table("ab_user")
    op.drop_table("ab_role")
    op.drop_table("ab_register_user")
    op.drop_table("ab_permission")
    op.drop_table("ab_group")
    op.drop_index(op.f("ix_answer_office_id"), table_name="answer")
    op.drop_index(op.f("ix_answer_applicant_id"), table_name="answer")
    op.drop_index(op.f("ix_answer_admission_id"), table_name="answer")
    op.drop_table("answer")
    op.drop_index(op.f("ix_roster_event_office_id"), table_name="roster_event")
    op.drop_index(op.f("ix_roster_event_entry_id"), table_name="roster_event")
    op.drop_index(op.f("ix_roster_event_applicant_id"), table_name="roster_event")
    op.drop_table("roster_event")
    op.drop_index("ix_objection_open", table_name="objection", postgresql_where=sa.text("ruled_at IS NULL"))
    op.drop_index(op.f("ix_objection_office_id"), table_name="objection")
    op.drop_index(op.f("ix_objection_applicant_id"), table_name="objection")
    op.drop_index(op.f("ix_objection_admission_id"), table_name="objection")
    op.drop_table("objection")
    op.drop_index(
        "ix_delivery_waiting", table_name="delivery", postgresql_where=sa.text("sent_at IS NULL AND gave_up_at IS NULL")
    )
    op.drop_index(op.f("ix_delivery_office_id"), table_name="delivery")
    op.drop_index(op.f("ix_delivery_letter_id"), table_name="delivery")
    op.drop_index(op.f("ix_delivery_applicant_id"), table_name="delivery")
    op.drop_index(op.f("ix_delivery_admission_id"), table_name="delivery")
    op.drop_table("delivery")
    op.drop_index(op.f("ix_attempt_office_id"), table_name="attempt")
    op.drop_index(op.f("ix_attempt_ends_at"), table_name="attempt")
    op.drop_index(op.f("ix_attempt_applicant_id"), table_name="attempt")
    op.drop_index(op.f("ix_attempt_admission_id"), table_name="attempt")
    op.drop_table("attempt")
    op.drop_index(op.f("ix_step_entry_office_id"), table_name="step_entry")
    op.drop_index(op.f("ix_step_entry_applicant_id"), table_name="step_entry")
    op.drop_index(op.f("ix_step_entry_admission_id"), table_name="step_entry")
    op.drop_table("step_entry")
    op.drop_index(op.f("ix_staff_message_office_id"), table_name="staff_message")
    op.drop_index("ix_staff_message_office", table_name="staff_message")
    op.drop_index(op.f("ix_staff_message_admission_id"), table_name="staff_message")
    op.drop_table("staff_message")
    op.drop_index(op.f("ix_roster_specialty_office_id"), table_name="roster_specialty")
    op.drop_index(op.f("ix_roster_specialty_applicant_id"), table_name="roster_specialty")
    op.drop_index(op.f("ix_roster_specialty_admission_id"), table_name="roster_specialty")
    op.drop_table("roster_specialty")
    op.drop_index("ix_review_reviewer", table_name="review")
    op.drop_index(op.f("ix_review_office_id"), table_name="review")
    op.drop_index(op.f("ix_review_applicant_id"), table_name="review")
    op.drop_index(op.f("ix_review_admission_id"), table_name="review")
    op.drop_table("review")
    op.drop_index(op.f("ix_paper_office_id"), table_name="paper")
    op.drop_index(op.f("ix_paper_applicant_id"), table_name="paper")
    op.drop_index(op.f("ix_paper_admission_id"), table_name="paper")
    op.drop_table("paper")
    op.drop_index(op.f("ix_notice_item_office_id"), table_name="notice_item")
    op.drop_index(op.f("ix_notice_item_notice_id"), table_name="notice_item")
    op.drop_index(op.f("ix_notice_item_applicant_id"), table_name="notice_item")
    op.drop_index(op.f("ix_notice_item_admission_id"), table_name="notice_item")
    op.drop_table("notice_item")
    op.drop_index(op.f("ix_letter_office_id"), table_name="letter")
    op.drop_index(op.f("ix_letter_applicant_id"), table_name="letter")
    op.drop_index(op.f("ix_letter_admission_id"), table_name="letter")
    op.drop_table("letter")
    op.drop_index(op.f("ix_finding_office_id"), table_name="finding")
    op.drop_index(op.f("ix_finding_applicant_id"), table_name="finding")
    op.drop_index(op.f("ix_finding_admission_id"), table_name="finding")
    op.drop_table("finding")
    op.drop_index(op.f("ix_course_progress_office_id"), table_name="course_progress")
    op.drop_index(op.f("ix_course_progress_applicant_id"), table_name="course_progress")
    op.drop_index(op.f("ix_course_progress_admission_id"), table_name="course_progress")
    op.drop_table("course_progress")
    op.drop_index(op.f("ix_application_specialty_applicant_id"), table_name="application_specialty")
    op.drop_index(op.f("ix_application_specialty_admission_id"), table_name="application_specialty")
    op.drop_table("application_specialty")
    op.drop_index(op.f("ix_roster_entry_office_id"), table_name="roster_entry")
    op.drop_index(op.f("ix_roster_entry_division_code"), table_name="roster_entry")
    op.drop_index(op.f("ix_roster_entry_applicant_id"), table_name="roster_entry")
    op.drop_table("roster_entry")
    op.drop_index(op.f("ix_release_event_release_id"), table_name="release_event")
    op.drop_table("release_event")
    op.drop_index(op.f("ix_notice_office_id"), table_name="notice")
    op.drop_index("ix_notice_due", table_name="notice", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_table("notice")
    op.drop_index(op.f("ix_attachment_hash"), table_name="attachment")
    op.drop_index(op.f("ix_attachment_application_id"), table_name="attachment")
    op.drop_index(op.f("ix_attachment_applicant_id"), table_name="attachment")
    op.drop_table("attachment")
    op.drop_index(op.f("ix_application_release_applicant_id"), table_name="application_release")
    op.drop_table("application_release")
    op.drop_index("ix_admission_warn", table_name="admission", postgresql_where=sa.text("warn_at IS NOT NULL"))
    op.drop_index("ix_admission_queue", table_name="admission")
    op.drop_index(op.f("ix_admission_office_id"), table_name="admission")
    op.drop_index("ix_admission_due", table_name="admission", postgresql_where=sa.text("due_at IS NOT NULL"))
    op.drop_index(op.f("ix_admission_division_code"), table_name="admission")
    op.drop_index(op.f("ix_admission_department_id"), table_name="admission")
    op.drop_index(op.f("ix_admission_applicant_id"), table_name="admission")
    op.drop_table("admission")
    op.drop_index(op.f("ix_staff_grant_staff_id"), table_name="staff_grant")
    op.drop_table("staff_grant")
    op.drop_index(op.f("ix_release_content_hash"), table_name="release")
    op.drop_table("release")
    op.drop_table("regulation_paragraph")
    op.drop_index(op.f("ix_office_division_code"), table_name="office")
    op.drop_table("office")
    op.drop_table("brake")
    op.drop_index("ix_application_draft", table_name="application", postgresql_where=sa.text("submitted_at IS NULL"))
    op.drop_index(op.f("ix_application_applicant_id"), table_name="application")
    op.drop_table("application")
    op.drop_table("workday")
    op.drop_index("ix_web_session_person", table_name="web_session", postgresql_where=sa.text("person_id IS NOT NULL"))
    op.drop_index(op.f("ix_web_session_expires_at"), table_name="web_session")
    op.drop_table("web_session")
    op.drop_index("ix_specialty_parent", table_name="specialty")
    op.drop_table("specialty")
    op.drop_index(op.f("ix_sign_in_code_phone_hash"), table_name="sign_in_code")
    op.drop_table("sign_in_code")
    op.drop_index(op.f("ix_restriction_id_number_hash"), table_name="restriction")
    op.drop_table("restriction")
    op.drop_table("regulation")
    op.drop_index(
        "ix_outbox_waiting", table_name="outbox", postgresql_where=sa.text("done_at IS NULL AND gave_up_at IS NULL")
    )
    op.drop_table("outbox")
    op.drop_index(op.f("ix_job_run_job"), table_name="job_run")
    op.drop_table("job_run")
    op.drop_table("heartbeat")
    op.drop_index(op.f("ix_division_parent_code"), table_name="division")
    op.drop_table("division")
    op.drop_table("department")
    op.drop_table("daily_run")
    op.drop_table("code_list")
    op.drop_table("calendar_version")
    op.drop_table("audit_link")
    op.drop_index("ix_audit_entry_subject", table_name="audit_entry")
    op.drop_table("audit_entry")
    op.drop_table("audit_anchor")
    op.drop_table("applicant")
    for name in SEQUENCES:
        op.execute(f"DROP SEQUENCE {name}")
    op.execute(
        "DROP FUNCTION ruku_objection_state(text), ruku_held_items(integer), ruku_restricted_since(text, date),"
        " ruku_failed_deliveries(), ruku_advance(jsonb), ruku_identity_taken(text), ruku_refuse(), ruku_wake_relay(), ruku_citizen(), ruku_applicant(),"
        " ruku_doorkeeper(), ruku_system(), ruku_offices(text), ruku_who(), ruku_now()"
    )
