"""Webhooks are signed as Standard Webhooks says, so that others' libraries verify them."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from control_databases import NOON
from notifications import notification
from recording_peer import peer

from alerts.receivers import signatures

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEXT = "whsec_" + base64.b64encode(b"the next one, 24 bytes..").decode()


def test_the_vector_of_the_specification_is_met():
    at = datetime.fromtimestamp(1_614_265_330, UTC)
    headers = signatures.signed(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}', [signatures.key(SECRET)]
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_the_body_is_signed_as_it_is_sent_by_each_secret(receiver):
    with peer() as server:
        pager = receiver("webhook", url=f"{server.url}/hook", secret=(SECRET, NEXT))
        assert pager.deliver(notification(what="Beträge über 1 Mio €")).delivered
    (request,) = server.received
    sent = request.headers
    assert sent["webhook-timestamp"] == str(int(NOON.timestamp()))
    content = f"{sent['webhook-id']}.{sent['webhook-timestamp']}.".encode() + request.body
    expected = [
        "v1," + base64.b64encode(hmac.digest(base64.b64decode(one[6:]), content, "sha256")).decode()
        for one in (SECRET, NEXT)
    ]
    assert sent["webhook-signature"].split(" ") == expected
    assert request.json["what"] == "Beträge über 1 Mio €"


def test_a_notification_sent_again_is_known_by_its_id_and_signed_anew(receiver):
    with peer() as server:
        pager = receiver("webhook", url=server.url, secret=SECRET)
        for one in (notification(), notification(repeat=True), notification("page", reference="x")):
            pager.deliver(one)
    ids = {request.headers["webhook-id"] for request in server.received}
    keys = {request.headers["idempotency-key"] for request in server.received}
    assert len(ids) == len(keys) == 1
    assert "." not in ids.pop(), "full stops part what is signed"


def test_without_a_secret_nothing_is_signed(receiver):
    with peer() as server:
        receiver("webhook", url=server.url).deliver(notification())
    assert not [name for name in server.received[0].headers if name.startswith("webhook-")]


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "whsec_",
        "whsec_not/base64!",
        "hunter2",
        *("whsec_" + base64.b64encode(b"k" * size).decode() for size in (23, 65)),
    ],
)
def test_a_secret_of_another_form_is_refused_without_repeating_it(broken):
    with pytest.raises(ValueError, match="must be 'whsec_'") as caught:
        signatures.key(broken)
    assert not broken or broken not in str(caught.value).replace("'whsec_'", "")


@pytest.mark.parametrize("size", [24, 64])
def test_a_secret_is_as_long_as_the_specification_says(size):
    assert signatures.key("whsec_" + base64.b64encode(b"k" * size).decode()) == b"k" * size


def test_the_time_of_the_attempt_is_signed_not_that_of_the_incident():
    later = signatures.signed("msg_1", NOON + timedelta(minutes=5), b"{}", [b"k" * 24])
    assert later["webhook-timestamp"] == str(int(NOON.timestamp()) + 300)
