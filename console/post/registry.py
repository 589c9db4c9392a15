"""Every channel there is: the files of this package that declare one."""

from __future__ import annotations

import importlib
import pkgutil
from contextlib import ExitStack
from functools import cache

import console.post
from console.post.channels import Channel, Send, settings


@cache
def channels() -> dict[str, Channel]:
    """Name → channel, in the order of their names."""
    modules = (importlib.import_module(f"console.post.{found.name}") for found in pkgutil.iter_modules(console.post.__path__))
    declared = [module.CHANNEL for module in modules if hasattr(module, "CHANNEL")]
    return {channel.name: channel for channel in sorted(declared, key=lambda channel: channel.name)}


class Lines:
    """The channels held open while a batch is carried: each is opened when it is first needed, and all are closed together."""

    def __init__(self) -> None:
        self._open: dict[str, Send] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.clear()
        self._stack.close()

    def line(self, name: str) -> Send:
        if name not in self._open:
            channel = channels()[name]
            if channel.open is None:
                raise LookupError(f"nothing is carried by {name}")
            self._open[name] = self._stack.enter_context(channel.open(settings()))
        return self._open[name]
