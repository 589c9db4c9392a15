"""Who vouches for an archive, and what is said when nobody does."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from console.studio.archive import SIGNATURE, Archive, pack, unpack, with_signature
from console.studio.signing import KeyProblem, Standing, fingerprint, new_key, read_private, read_public, sign, verify
from tests.console.studio.test_archive import contents, packed, zipped

CENTRE, STRANGER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
KNOWN = {"centre": CENTRE.public_key()}


def signed(content: bytes = b"", key: Ed25519PrivateKey = CENTRE) -> Archive:
    archive = unpack(content or packed())
    return unpack(with_signature(archive, sign(archive, key)))


def standing(archive: Archive) -> Standing:
    verdict = verify(archive, KNOWN)
    assert verdict.show("zh") and verdict.show("en") and "{" not in verdict.show("en")
    return verdict.standing


def test_a_signature_says_who_gave_it():
    verdict = verify(signed(), KNOWN)
    assert (verdict.is_good, verdict.signer, verdict.fingerprint) == (True, "centre", fingerprint(CENTRE.public_key()))
    assert verdict.show("en") == f"Signed by centre ({verdict.fingerprint}); the signature is good."


def test_signing_twice_gives_the_same_archive():
    assert with_signature(signed(), sign(signed(), CENTRE)) == with_signature(signed(), signed().signature or b"")


def test_each_way_of_not_being_signed_has_its_own_answer():
    other = pack({"bundle.yaml": b"code: water\n"}, code="water", content_hash="c" * 64, version=1)
    moved = unpack(with_signature(unpack(other), signed().signature or b""))
    rewritten = unpack(with_signature(unpack(packed(files={"bundle.yaml": b"code: roads\n# more\n"})), signed().signature or b""))
    assert [standing(one) for one in (unpack(packed()), signed(key=STRANGER), moved, rewritten)] == [
        Standing.MISSING, Standing.OTHER_KEY, Standing.OTHER_ARCHIVE, Standing.BROKEN]


@pytest.mark.parametrize("signature", [b"", b"x", b"[]", b"{}", b'{"statement":1,"key":2,"signature":3}', b'{"key":"x","signature":"!!","statement":{}}', b"\xff", b"{" * 900])
def test_a_signature_that_is_none_is_broken(signature):
    assert standing(unpack(with_signature(unpack(packed()), signature))) == Standing.BROKEN


def test_every_altered_byte_of_a_signature_is_noticed():
    text = json.loads(signed().signature or b"")
    for key, change in (("signature", "A" * 86 + "=="), ("key", "0" * 32), ("statement", {**text["statement"], "version": 4})):
        archive = unpack(zipped({**contents(with_signature(signed(), b"")), SIGNATURE: json.dumps({**text, key: change}).encode()}))
        assert standing(archive) in (Standing.BROKEN, Standing.OTHER_KEY)


def test_keys_are_pem_files_of_their_owner(tmp_path: Path):
    private, public = new_key()
    (tmp_path / "key.pem").write_bytes(private)
    (tmp_path / "key.pub.pem").write_bytes(public)
    os.chmod(tmp_path / "key.pem", 0o600)
    key = read_private(tmp_path / "key.pem")
    assert verify(signed(key=key), {"me": read_public(tmp_path / "key.pub.pem")}).is_good

    os.chmod(tmp_path / "key.pem", 0o644)
    with pytest.raises(KeyProblem, match="chmod 600"):
        read_private(tmp_path / "key.pem")
    for path, reader in ((tmp_path / "nothing.pem", read_public), (tmp_path / "key.pem", read_public), (tmp_path, read_public)):
        with pytest.raises(KeyProblem):
            reader(path)
