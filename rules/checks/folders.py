"""Checking bundles where they lie on disk: one folder per bundle, the centre first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path as Folder

from rules.bundle import Bundle, read_folder
from rules.checks import Remark, check_bundle, of_problems
from rules.documents import Problems

CENTRE = "centre"


def check_folders(root: Folder, *, on: date) -> tuple[list[Bundle], Mapping[str, tuple[Remark, ...]]]:
    """The bundles under `root` that can be read, and what there is to say about each folder, readable or not.

    `root` may also be one bundle's own folder; its neighbours are read then, but only it is spoken of.
    """
    one = root.name if (root / "bundle.yaml").is_file() else None
    above = root.resolve().parent if one is not None else root
    folders = sorted((path for path in above.iterdir() if (path / "bundle.yaml").is_file()), key=lambda path: (path.name != CENTRE, path.name))
    bundles: list[Bundle] = []
    said: dict[str, tuple[Remark, ...]] = {}
    centre: Bundle | None = None
    for folder in folders:
        try:
            bundle = read_folder(folder, centre=centre)
        except Problems as problems:
            said[folder.name] = of_problems(problems)
            continue
        if bundle.kind == "centre":
            centre = bundle
        bundles.append(bundle)
    wanted = [bundle for bundle in bundles if one is None or bundle.code == root.resolve().name]
    for bundle in wanted:
        said[bundle.code] = check_bundle(bundle, on=on, others=[other for other in bundles if other is not bundle])
    if one is not None:
        said = {name: remarks for name, remarks in said.items() if name == root.resolve().name}
    return wanted, dict(sorted(said.items(), key=lambda item: (item[0] != CENTRE, item[0])))
