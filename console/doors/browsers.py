"""A browser and a place in words: enough to know one's own devices by, and no more."""

from __future__ import annotations

import ipaddress

from flask_babel import gettext as _

from console.errors import N_

_DEVICES = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("HarmonyOS", N_("鸿蒙设备")), ("Android", N_("安卓手机")), ("Windows", "Windows"), ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)  # fmt: skip
_BROWSERS = (("MicroMessenger", N_("微信")), ("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))


def browser_words(agent: str) -> str:
    """“手机 · Chrome”"""
    device = next((words for mark, words in _DEVICES if mark in agent), N_("其他设备"))
    browser = next((words for mark, words in _BROWSERS if mark in agent), "")
    return f"{_(device)} · {_(browser)}" if browser else _(device)


def masked_place(address: str | None) -> str:
    """10.12.3.*, or the first three groups of an IPv6 address: the network, not the machine."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None:
            return ":".join(found.exploded.split(":")[:3]) + ":*"
        found = found.ipv4_mapped
    return ".".join(str(found).split(".")[:3]) + ".*"
