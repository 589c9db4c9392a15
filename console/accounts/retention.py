"""Sessions that ended, codes and links that expired: whose browser it was, and nothing else, is kept for a while for questions."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Select, func, select

from console.accounts.models import AccessToken, SignInCode, SignInLink, WebSession
from console.erasure import NO_ONE, NOWHERE, Rule
from console.errors import N_


def _sessions(before: dt.datetime) -> Select[Any]:
    """By person: all that are over go at once; 0 stands for visitors."""
    person, ended = func.coalesce(WebSession.person_id, 0), func.coalesce(WebSession.ended_at, WebSession.expires_at)
    return select(person.label("id"), func.min(ended).label("since"), NO_ONE, NOWHERE).where(ended < before).group_by(person)


def _codes(before: dt.datetime) -> Select[Any]:
    return select(SignInCode.id, SignInCode.expires_at.label("since"), NO_ONE, NOWHERE).where(SignInCode.expires_at < before)


def _links(before: dt.datetime) -> Select[Any]:
    return select(SignInLink.id, SignInLink.expires_at.label("since"), NO_ONE, NOWHERE).where(SignInLink.expires_at < before)


def _tokens(before: dt.datetime) -> Select[Any]:
    over = func.coalesce(AccessToken.ended_at, AccessToken.expires_at)
    return select(AccessToken.id, over.label("since"), NO_ONE, NOWHERE).where(over < before)


RETENTION = (
    Rule("sessions", N_("结束了的登录会话"), N_("整条会话"), N_("审计里的登录记录"), N_("结束或到期"), _sessions),
    Rule("codes", N_("短信验证码"), N_("验证码和手机的指纹"), N_("没有"), N_("到期"), _codes),
    Rule("links", N_("一次性登录链接"), N_("整条链接"), N_("审计里的建立记录"), N_("到期"), _links),
    Rule("tokens", N_("访问令牌"), N_("整条令牌"), N_("审计里的建立、首用和撤销记录"), N_("结束或到期"), _tokens),
)
