"""A gateway that says 200 to everything and means something else."""

from __future__ import annotations

import dataclasses

import pytest

from console.post import sms
from console.post.channels import NotSent, OutgoingMessage
from tests.console.post import peers

MESSAGE = OutgoingMessage("d7-0-abcdef", "13755550001", "补正通知", "请改好三处。\n")


@pytest.mark.parametrize("manner", ["denied", "wrong"])
def test_an_answer_that_denies_what_its_code_says_is_tried_again_under_the_same_key(manner):
    with peers.gateway() as gateway:
        gateway.manner = [manner]
        with pytest.raises(NotSent) as error:
            sms.send(MESSAGE, url=gateway.url)
        sms.send(MESSAGE, url=gateway.url)
        assert gateway.keys == [MESSAGE.key]
        assert {headers["Idempotency-Key"] for headers in gateway.headers} == {MESSAGE.key}
    assert MESSAGE.to not in str(error.value) and "没有收下" in str(error.value)


@pytest.mark.parametrize("manner", ["no_error", "ok"])
def test_an_answer_that_denies_nothing_is_good_news(manner):
    with peers.gateway() as gateway:
        gateway.manner = [manner]
        sms.send(dataclasses.replace(MESSAGE, key=manner), url=gateway.url)
