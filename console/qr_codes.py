"""A text as a QR code that every phone reads."""

from __future__ import annotations

import io

import segno


def qr_svg(text: str) -> str:
    """An inline SVG with a white ground, black in the dark theme too."""
    picture = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        picture, kind="svg", xmldecl=False, svgns=True, scale=4, border=3, dark="#000", light="#fff", svgclass="qr-code",
        lineclass=None, title="QR", nl=False, omitsize=True,
    )  # fmt: skip
    return picture.getvalue().decode()
