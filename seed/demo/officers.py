"""The officers of the demo: one for each role and level, and those whom the walk needs in every league."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from console import clock, passwords
from console.accounts import grants, queries, recusals
from console.accounts.staff import create_staff
from console.departments import queries as departments
from console.departments.models import Division
from console.roles import ROLES, Role
from console.scope import Staff, System
from seed.demo import filling

PASSWORD = "ruku-demo-2026"  # demo databases only; start refuses demo mode in production
REGION = "150000"
LEAGUE_FIRST = ("transport", "housing")  # their bundles review first in the league
_NAMES = ["苏日娜", "那日苏", "包格日勒", "李慧敏", "王海龙", "赵丽娟", "斯日古楞", "陈志远", "白玉兰", "张文博", "乌恩其", "刘晓燕", "宝音图", "孙立新", "其其格玛", "周国栋", "萨如拉", "马建平", "高云", "特古斯", "韩雪", "阿荣", "郭志华", "哈斯", "田丽", "巴雅尔", "吴文杰", "娜仁花", "杨树林", "格根"]


@dataclass(frozen=True)
class Post:
    """An account with one grant; `department` None means all of them."""

    username: str
    role: Role
    department: str | None
    division: str

    @property
    def level(self) -> str:
        return "自治区" if self.division == REGION else "盟市" if self.division.endswith("00") else "旗县"


def posts(leagues: list[str]) -> list[Post]:
    """Everybody: the posts of each department, then the platform's."""
    found = []
    for department in ("transport", "water", "housing", "natural_resources", "finance"):
        region = {
            "first": Role.FIRST_REVIEWER, "second": Role.SECOND_REVIEWER, "coordinator": Role.COORDINATOR,
            "editor": Role.RULE_EDITOR, "publisher": Role.RULE_PUBLISHER, "admin": Role.DEPARTMENT_ADMIN,
        }  # fmt: skip
        found += [Post(f"{department}-{name}", role, department, REGION) for name, role in region.items()]
        if department not in LEAGUE_FIRST:  # a refusal reopened is another officer's
            found.append(Post(f"{department}-first-2", Role.FIRST_REVIEWER, department, REGION))
        # whoever reconsidered a file does not put it on a notice
        found.append(Post(f"{department}-coordinator-2", Role.COORDINATOR, department, REGION))
        if department in LEAGUE_FIRST:
            found += [Post(f"{department}-first-{code[:4]}", Role.FIRST_REVIEWER, department, code) for code in leagues]
    found += [
        Post("transport-admin-1501", Role.DEPARTMENT_ADMIN, "transport", "150100"),
        Post("water-first-150105", Role.FIRST_REVIEWER, "water", "150105"),  # water reviews first in the banner
        Post("supervisor", Role.SUPERVISOR, None, REGION),
        Post("supervisor-1501", Role.SUPERVISOR, None, "150100"),
        Post("supervisor-150105", Role.SUPERVISOR, None, "150105"),
        Post("platform-admin", Role.PLATFORM_ADMIN, None, REGION),
        Post("operator", Role.OPERATOR, "centre", REGION),
        Post("centre-coordinator", Role.COORDINATOR, "centre", REGION),
        Post("centre-editor", Role.RULE_EDITOR, "centre", REGION),
        Post("centre-publisher", Role.RULE_PUBLISHER, "centre", REGION),
    ]
    return found


def leagues(session: Session) -> list[str]:
    return list(session.scalars(select(Division.code).where(Division.level == 2).order_by(Division.code)))


def hire(session: Session) -> dict[str, Post]:
    """Make the accounts that are missing, with their grants; username → post."""
    staff = {post.username: post for post in posts(leagues(session))}
    known = set(session.scalars(select(User.username)))
    ids = {code: department.id for code in {p.department for p in staff.values() if p.department}
           if (department := departments.department_by_code(session, code))}  # fmt: skip
    hashed = passwords.hash_password(PASSWORD)  # once: a good hash is slow, and this one guards nothing
    for number, post in enumerate(staff.values()):
        if post.username in known:
            continue
        name = _NAMES[number % len(_NAMES)] + ("" if number < len(_NAMES) else "（二）" if number < 2 * len(_NAMES) else "（三）")
        home = departments.office_for(session, ids.get(post.department or "") or ids["centre"], post.division, 3)
        user = create_staff(session, post.username, name=name, password=None, office=home)
        user.password = hashed
        grants.give_grant(
            session, user.id, role=post.role, department_id=ids.get(post.department or ""), division_code=post.division,
            reason="演示", actor=System("demo"),
        )  # fmt: skip
        _declare(session, Staff(user.id, name), post, number)
    return staff


def _declare(session: Session, officer: Staff, post: Post, number: int) -> None:
    """What everybody does on their first day: say who they are and what they keep out of."""
    recusals.identify(session, actor=officer, id_number=filling.id_number("150121", dt.date(1979, 5, 6), number))
    family = post.role in (Role.FIRST_REVIEWER, Role.COORDINATOR)
    if family:
        recusals.declare_relative(
            session, actor=officer, relation="spouse", name="何家骏", id_number=filling.id_number("150122", dt.date(1978, 8, 9), number)
        )
    if post.username == "transport-first":
        recusals.declare_employer(session, actor=officer, employer="内蒙古草原路桥检测中心（有限公司）", left_on=clock.today(session) - dt.timedelta(days=400))
    recusals.declare(session, actor=officer, nothing=not family)


def principal(session: Session, username: str) -> Staff:
    """The officer as the console's doorway makes them: grants valid now, offices resolved."""
    user = session.scalars(select(User).where(User.username == username)).one()
    return Staff(user.id, f"{user.last_name}{user.first_name}", queries.grants_of(session, user.id))


def sign_ins(session: Session) -> list[tuple[str, str, str]]:
    """(role, level, username) for the table of `make run`: one per role and level."""
    seen: dict[tuple[str, str], str] = {}
    for post in posts(leagues(session)):
        seen.setdefault((ROLES[post.role].title, post.level), post.username)
    return [(role, level, username) for (role, level), username in seen.items()]
