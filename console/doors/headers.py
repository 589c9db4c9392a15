"""What every answer says about itself: a strict content policy with a nonce, no frames, no sniffing, no leaks by referrer."""

from __future__ import annotations

import secrets

from flask import Flask, Response, g, request

#: after signing out the next person at this computer finds nothing of it: pages are never stored, but a tab may have kept answers not yet sent
SIGNING_OUT = frozenset({"SignIn.logout", "portal.sign_out"})
_PERMISSIONS = "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()"


def nonce() -> str:
    """This answer's nonce, the only key to running a script."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return g.csp_nonce


def policy(*, inline_style_attributes: bool) -> str:
    """The content policy. Console and ops allow style *attributes*, which FAB's and Flask-Admin's forms still write."""
    rules = [
        "default-src 'none'",
        f"script-src 'nonce-{nonce()}'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "manifest-src 'self'",
    ]
    if inline_style_attributes:
        rules.append("style-src-attr 'unsafe-inline'")
    return "; ".join(rules)


def install(app: Flask, *, inline_style_attributes: bool, https: bool) -> None:
    @app.after_request
    def add(response: Response) -> Response:
        put = response.headers.setdefault
        if request.endpoint != "static":
            put("Content-Security-Policy", policy(inline_style_attributes=inline_style_attributes))
            put("Cache-Control", "no-store")
        else:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if "v" in request.args else "no-cache"
        if request.endpoint in SIGNING_OUT and request.method == "POST":
            put("Clear-Site-Data", '"storage"')
        put("X-Content-Type-Options", "nosniff")
        put("X-Frame-Options", "DENY")
        put("Referrer-Policy", "same-origin")
        put("Permissions-Policy", _PERMISSIONS)
        put("Cross-Origin-Opener-Policy", "same-origin")
        put("Cross-Origin-Resource-Policy", "same-origin")
        if https:
            put("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        return response
