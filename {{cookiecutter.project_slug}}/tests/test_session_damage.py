"""Whatever stands in the store instead of a session is nobody's session, and no error (CWE-502)."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask, session
from flask.testing import FlaskClient

from my_flask_app.models import User
from my_flask_app.sessions.record import (
    UnreadableRecord,
    decode,
    encode,
    is_signpost,
)

from .backend import overwrite
from .cookies import plant
from .notebook import add_notebook
from .stores import key_in, make_record, store_of
from .style import SIGNED_IN_PAGE, is_signed_in, log_in, succeeded
from .support import browser, cookies_set, token_of

DAMAGED = {
    "nothing": "",
    "garbage": "\x01garbage",
    "half a record": '{"user_id":1,"session_ep',
    "a number": "1",
    "null": "null",
    "a text": '"user_id"',
    "a list": '["user_id"]',
    "a tagged tuple": '{" t":["user_id"]}',
    "deep lists": "[" * 100_000,
    "deep objects": '{"a":' * 50_000,
    "deep tags": '{"a":' + '{" t":[' * 400 + "]}" * 400 + "}",
    "a long number": '{"a":' + "9" * 10_000 + "}",
    "not base64": '{"a":{" b":"x"}}',
    "bytes of a number": '{"a":{" b":1}}',
    "no uuid": '{"a":{" u":"x"}}',
    "an empty tag": '{"a":{" di":{}}}',
    "a tag of a number": '{"a":{" di":1}}',
    "a year too far": '{"a":{" d":"Sun, 22 Nov 99999999999999999999 12:00:00 GMT"}}',
    "nobody's": "{}",
    "a user who is a text": '{"user_id":"1"}',
    "a user who is true": '{"user_id":true}',
}


@pytest.fixture(autouse=True)
def _notebook(app: Flask) -> None:
    add_notebook(app)


@pytest.mark.requirement("R23", "R72")
@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_corrupt_entry_means_anonymous(
    app: Flask, signed_in_client: FlaskClient, caplog: pytest.LogCaptureFixture, data: str
) -> None:
    plant(app, signed_in_client, data)
    expected = browser(app).get(SIGNED_IN_PAGE)
    response = signed_in_client.get(SIGNED_IN_PAGE)
    assert (response.status_code, response.text) == (expected.status_code, expected.text)
    assert cookies_set(response) == []
    assert "session_unreadable" in caplog.messages


@pytest.mark.requirement("R23")
def test_a_pickle_is_not_run(app: Flask, signed_in_client: FlaskClient, tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    command = f"cos\nsystem\n(S'touch {trace}'\ntR."
    plant(app, signed_in_client, command)
    assert not is_signed_in(signed_in_client)
    assert signed_in_client.get("/note/anything").text == ""
    assert not trace.exists()


@pytest.mark.requirement("R23")
def test_data_and_user_have_to_agree(
    app: Flask, signed_in_client: FlaskClient, other_user: User, caplog: pytest.LogCaptureFixture
) -> None:
    key = key_in(signed_in_client)
    overwrite(store_of(app), key, user_id=other_user.id)
    assert not is_signed_in(signed_in_client)
    assert "session_unreadable" in caplog.messages


@pytest.mark.requirement("R23")
def test_an_anonymous_record_does_not_become_a_users_by_its_data(
    app: Flask, client: FlaskClient, user: User
) -> None:
    client.post("/note/one/1")
    data = encode({"user_id": user.id, "session_epoch": user.session_epoch})
    plant(app, client, data)
    assert not is_signed_in(client)


@pytest.mark.requirement("R19", "R23")
def test_one_signs_in_over_a_corrupt_entry_under_a_new_token(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    plant(app, signed_in_client, "garbage")
    before = token_of(signed_in_client)
    assert succeeded(log_in(signed_in_client, user.email))
    assert token_of(signed_in_client) != before
    assert is_signed_in(signed_in_client)


@pytest.mark.requirement("R72")
def test_a_session_that_is_damaged_during_a_request_is_not_written(
    app: Flask, signed_in_client: FlaskClient
) -> None:
    key = key_in(signed_in_client)

    @app.post("/damage")
    def damage() -> str:
        overwrite(store_of(app), key, data="garbage", version=99)
        session["note"] = "x"
        return ""

    response = signed_in_client.post("/damage")
    assert response.status_code == 200
    assert cookies_set(response) == []
    record = store_of(app).load(key)
    assert record
    assert record.data == "garbage"


@pytest.mark.requirement("R72")
def test_the_list_of_devices_leaves_out_a_corrupt_entry(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    desk = browser(app)
    with desk.session_transaction() as values:
        values["user_id"] = user.id
    overwrite(store_of(app), key_in(desk), data="garbage")
    result = app.test_cli_runner().invoke(args=["sessions", "list", user.email])
    assert (result.exit_code, len(result.output.splitlines())) == (0, 1)


@pytest.mark.requirement("R72")
def test_the_list_of_devices_leaves_out_a_time_of_which_no_date_can_be_made(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    far = {"created_at": 1e100, "seen_at": 1e100, "expires_at": 1e100}
    desk = browser(app)
    with desk.session_transaction() as values:
        values["user_id"] = user.id
    overwrite(store_of(app), key_in(desk), **far)
    result = app.test_cli_runner().invoke(args=["sessions", "list", user.email])
    assert (result.exit_code, len(result.output.splitlines())) == (0, 1)
    assert not is_signed_in(desk)


@pytest.mark.requirement("R23", "R72")
@pytest.mark.parametrize("user_id", [2**63, 10**30, 0, -1])
def test_a_user_whom_no_database_can_have_is_unreadable(user_id: int) -> None:
    with pytest.raises(UnreadableRecord):
        decode(make_record(user_id=user_id))


@pytest.mark.requirement("R23", "R72")
@pytest.mark.parametrize(
    "fields", [{"data": 5}, {"data": b"5"}, {"data": "5", "expires_at": "never"}], ids=str
)
def test_a_damaged_signpost_leads_nowhere(fields: dict[str, Any]) -> None:
    assert is_signpost(make_record(user_id=None, data="5"))
    assert not is_signpost(make_record(user_id=None, **fields))
