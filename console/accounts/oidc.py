"""Signing in at the authority's own provider (OpenID Connect): authorization code with PKCE, state and nonce; no pages here.

The provider says who somebody is, never what they may do: its subject is looked up among accounts that were bound to it beforehand, and
nothing is made. Addresses come from the provider's own description, read at most every ten minutes; its keys are read again when a
token names one we have not seen. An internal certificate authority is named to `requests` by REQUESTS_CA_BUNDLE.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from config import Settings
from console.errors import N_, ConsoleError

log = logging.getLogger("ruku.oidc")

# asymmetric only: with a symmetric one our own client secret would sign
ALGORITHMS = ("RS256", "PS256", "ES256")
WAIT = (3.05, 5)  # seconds to connect, to answer
REREAD, KEYS_REREAD = 600.0, 60.0
LEEWAY = 60
TRY_SECONDS = 600  # so long one may take at the provider


class ProviderDown(ConsoleError):
    message = N_("统一身份认证现在连不上。请稍后再试，或用用户名和密码登录。")
    status = 503


class ProviderRefused(ConsoleError):
    """Whatever is wrong with an answer: the page says the same, the log says which."""

    message = N_("统一身份认证没有通过。请重新登录；一直不行时请联系本部门管理员。")
    status = 401


@dataclass(frozen=True)
class Identity:
    """`subject` is the provider's name for the person; `two_steps`: it says that more than a password was asked for."""

    subject: str
    two_steps: bool


@dataclass
class Provider:
    """One provider, with what it says about itself; one per process."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    _described: dict[str, Any] = field(default_factory=dict, repr=False)
    _read_at: float = field(default=-REREAD, repr=False)
    _keys: KeySet | None = field(default=None, repr=False)
    _keys_at: float = field(default=-REREAD, repr=False)

    def begin(self, redirect_uri: str) -> tuple[str, dict[str, Any]]:
        """Where to send the browser, and what to keep for `finish`."""
        kept = {"state": secrets.token_urlsafe(24), "nonce": secrets.token_urlsafe(24), "verifier": secrets.token_urlsafe(48)}
        address, _ = self._client(redirect_uri).create_authorization_url(
            self._endpoint("authorization_endpoint"), state=kept["state"], code_verifier=kept["verifier"], nonce=kept["nonce"]
        )
        return address, kept

    def finish(self, redirect_uri: str, kept: Mapping[str, Any], answer: Mapping[str, str]) -> Identity:
        """Who came back; ProviderRefused or ProviderDown."""
        if not compare_digest(str(kept.get("state", "")), answer.get("state", "")) or not answer.get("state"):
            raise _refused("the state is not ours")
        if answer.get("iss", self.issuer) != self.issuer:
            raise _refused("the answer names another issuer")
        if not answer.get("code"):
            raise _refused(f"no code: {answer.get('error', '')[:60]!r}")
        try:
            token = self._client(redirect_uri).fetch_token(
                self._endpoint("token_endpoint"), code=answer["code"], code_verifier=kept["verifier"], timeout=WAIT, allow_redirects=False
            )
        except requests.RequestException as error:
            raise _down(error) from None
        except (AuthlibBaseError, ValueError, KeyError) as error:
            raise _refused(f"no token: {type(error).__name__}") from None
        return self._identity(str(token.get("id_token") or ""), str(kept["nonce"]))

    def _identity(self, id_token: str, nonce: str) -> Identity:
        expected = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self.client_id},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
            sub={"essential": True},
        )
        try:
            claims = self._decode(id_token).claims
            expected.validate(claims)
        except (JoseError, ValueError) as error:
            raise _refused(f"id token: {type(error).__name__}: {error}") from None
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != self.client_id:
            raise _refused("id token for several, given to another")
        subject, means = claims["sub"], claims.get("amr")
        if not subject or len(subject) > 255:
            raise _refused("id token without a subject")
        return Identity(subject, isinstance(means, list) and "mfa" in means)

    def _decode(self, id_token: str) -> jwt.Token:
        try:
            return jwt.decode(id_token, self._key_set(), algorithms=ALGORITHMS)
        except (InvalidKeyIdError, ValueError):
            if time.monotonic() - self._keys_at < KEYS_REREAD:
                raise
            self._keys = None  # the provider may have changed its keys
            return jwt.decode(id_token, self._key_set(), algorithms=ALGORITHMS)

    # ── what the provider says about itself ──────────────────────────────────────────────────────────────────

    def _client(self, redirect_uri: str) -> OAuth2Session:
        return OAuth2Session(
            self.client_id, self.client_secret, scope="openid", redirect_uri=redirect_uri, code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic",  # noqa: S106 - a way, not a secret
        )  # fmt: skip

    def _endpoint(self, name: str) -> str:
        address = self._description().get(name)
        if not isinstance(address, str) or not address.startswith(("https://", "http://")):
            raise _down(f"{name} is missing in the description")
        if self.issuer.startswith("https://") and not address.startswith("https://"):
            raise _down(f"{name} is plain HTTP")
        return address

    def _description(self) -> dict[str, Any]:
        if time.monotonic() - self._read_at > REREAD:
            found = _read(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self.issuer:
                raise _down(f"it calls itself {str(found.get('issuer'))[:100]!r}")
            self._described, self._read_at = found, time.monotonic()
        return self._described

    def _key_set(self) -> KeySet:
        if self._keys is None:
            try:
                self._keys = KeySet.import_key_set(_read(self._endpoint("jwks_uri")))  # type: ignore[arg-type]
            except (JoseError, ValueError, KeyError) as error:
                raise _down(f"keys: {type(error).__name__}") from None
            self._keys_at = time.monotonic()
        return self._keys


def from_settings(settings: Settings) -> Provider | None:
    """The configured provider, if any."""
    if not settings.oidc_issuer:
        return None
    return Provider(settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret)


def _read(address: str) -> dict[str, Any]:
    try:
        answer = requests.get(address, timeout=WAIT, allow_redirects=False, headers={"Accept": "application/json"})
        if answer.status_code != 200 or len(answer.content) > 1_000_000:
            raise _down(f"{answer.status_code} from {address}")
        found = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise _down(error) from None
    if not isinstance(found, dict):
        raise _down(f"no object at {address}")
    return found


def _down(why: object) -> ProviderDown:
    log.warning("the provider cannot be used: %s", why)
    return ProviderDown()


def _refused(why: str) -> ProviderRefused:
    log.warning("a sign-in by the provider was refused: %s", why)
    return ProviderRefused()
