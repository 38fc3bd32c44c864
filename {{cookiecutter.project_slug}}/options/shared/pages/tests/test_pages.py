"""The pages: what they let a visitor do, and what nobody can smuggle into them."""

from html.parser import HTMLParser

import pytest
from flask import Flask
from flask.testing import FlaskClient

from my_flask_app.models import User
from my_flask_app.security.access import public

from .routes import routes_of
from .stores import record_of
from .style import is_signed_in, log_in
from .support import Clock, browser, token_of

PROBE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """A page's elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        """Return the attributes of every element of these kinds."""
        return [attributes for tag, attributes in self.elements if tag in tags]

    def field(self, name: str) -> dict[str, str | None]:
        """Return the one field of this name."""
        (field,) = (field for field in self.all("input") if field.get("name") == name)
        return field


@pytest.fixture
def pages(app: Flask, user: User) -> dict[str, Page]:
    """Every page, as the user sees it."""
    pages: dict[str, Page] = {}
    for path in (route.path for route in routes_of(app) if route.is_safe):
        client = browser(app)
        log_in(client, user.email)
        response = client.get(path, buffered=True)
        if response.status_code == 200 and response.mimetype == "text/html":
            pages[path] = Page(response.text)
    assert {"/", "/account", "/account/sessions", "/login", "/reauthenticate"} <= pages.keys()
    return pages


@pytest.mark.requirement("R41")
def test_every_page_of_a_user_says_who_that_is_and_has_a_button_to_sign_out(
    pages: dict[str, Page], user: User
) -> None:
    own = {path: page for path, page in pages.items() if "data-user" in page.all("body")[0]}
    assert {path for path in pages if path.startswith("/account")} <= own.keys()
    for path, page in own.items():
        assert page.all("body")[0]["data-user"] == user.email
        forms = [form for form in page.all("form") if form.get("action") == "/logout"]
        assert [form["method"] for form in forms] == ["post"], path


@pytest.mark.requirement("R68")
def test_no_page_needs_what_its_policy_forbids(pages: dict[str, Page]) -> None:
    for path, page in pages.items():
        assert page.all("script", "style", "iframe", "object", "base") == [], path
        for _, attributes in page.elements:
            assert not any(name.startswith("on") or name == "style" for name in attributes), path
            for name in ("href", "src", "action"):
                address = attributes.get(name) or "/"
                assert address.startswith(("/", "#")), path
                assert not address.startswith("//"), path


@pytest.mark.requirement("R54")
@pytest.mark.parametrize(
    ("path", "name", "purpose"),
    [
        ("/login", "email", "username"),
        ("/login", "password", "current-password"),
        ("/register", "email", "username"),
        ("/register", "password", "new-password"),
        ("/reauthenticate", "password", "current-password"),
        ("/account/password", "password", "current-password"),
        ("/account/password", "new_password", "new-password"),
    ],
)
def test_password_managers_can_fill_in_the_forms(
    signed_in_client: FlaskClient, path: str, name: str, purpose: str
) -> None:
    field = Page(signed_in_client.get(path).text).field(name)
    assert field["autocomplete"] == purpose
    assert field["type"] == ("email" if name == "email" else "password")
    assert "maxlength" not in field or name == "email"  # a pasted password is not cut short
    assert "onpaste" not in field
    assert "value" not in field or field["value"] == ""


@pytest.mark.parametrize("path", ["/login", "/register", "/reauthenticate", "/account/password"])
def test_every_field_has_a_label(signed_in_client: FlaskClient, path: str) -> None:
    page = Page(signed_in_client.get(path).text)
    labelled = {label.get("for") for label in page.all("label")}
    visible = [field for field in page.all("input") if field.get("type") != "hidden"]
    assert visible
    assert {field.get("id") for field in visible} <= labelled


@pytest.mark.requirement("R71")
def test_a_password_is_never_sent_back(app: Flask, signed_in_client: FlaskClient) -> None:
    data = {"email": "no address", "password": "typed-by-me-123", "new_password": "typed-by-me-123"}
    for path in ("/login", "/register", "/reauthenticate", "/account/password"):
        response = signed_in_client.post(path, data=data)
        assert response.status_code in (400, 401)
        assert "typed-by-me" not in response.text


@pytest.mark.requirement("R68")
def test_what_somebody_types_is_never_markup(signed_in_client: FlaskClient) -> None:
    client = signed_in_client
    data = {"email": PROBE, "password": "x", "new_password": "x", "next": PROBE, "remember": PROBE}
    answers = [client.post(path, data=data) for path in ("/login", "/register", "/reauthenticate")]
    answers += [client.get(path, query_string={"next": PROBE}) for path in ("/login", "/account")]
    answers.append(client.get("/reauthenticate", query_string={"next": PROBE, "registered": PROBE}))
    answers.append(client.get(f"/{PROBE}"))
    for response in answers:
        assert "<script" not in response.text
        assert "onerror" not in {
            name for _, attributes in Page(response.text).elements for name in attributes
        }


@pytest.mark.requirement("R68")
def test_what_a_browser_calls_itself_is_never_markup(app: Flask, user: User) -> None:
    client = browser(app)
    client.environ_base["HTTP_USER_AGENT"] = f"Firefox/1 {PROBE}"
    log_in(client, user.email)
    page = client.get("/account/sessions").text
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.requirement("R40")
def test_the_devices_of_a_user_are_listed_without_their_tokens(app: Flask, user: User) -> None:
    clients = [browser(app) for _ in range(3)]
    for client in clients:
        log_in(client, user.email)
    text = clients[0].get("/account/sessions").text
    assert text.count("/revoke") == 4  # each device, and all others at once
    assert text.count("This device") == 1
    assert not any((token_of(client) or "?") in text for client in clients)


@pytest.mark.requirement("R40")
def test_one_device_can_be_signed_out_with_its_button(app: Flask, user: User) -> None:
    desk, phone = browser(app), browser(app)
    log_in(phone, user.email)
    log_in(desk, user.email)
    record = record_of(app, phone)
    assert record
    page = Page(desk.get("/account/sessions").text)
    (action,) = (form["action"] or "" for form in page.all("form") if record.public_id in str(form))
    desk.post(action)
    assert [is_signed_in(desk), is_signed_in(phone)] == [True, False]


@pytest.mark.requirement("R41", "R36")
def test_the_button_of_this_device_signs_out(signed_in_client: FlaskClient) -> None:
    page = Page(signed_in_client.get("/account/sessions").text)
    actions = [form["action"] or "" for form in page.all("form") if "action" in form]
    (revoke,) = (action for action in actions if action.endswith("/revoke"))
    response = signed_in_client.post(revoke)
    assert response.status_code == 303
    assert token_of(signed_in_client) is None
    assert not is_signed_in(signed_in_client)


def test_a_message_is_shown_once(signed_in_client: FlaskClient) -> None:
    signed_in_client.post("/account/sessions/revoke-others")
    assert "All other devices are signed out." in signed_in_client.get("/account").text
    assert "All other devices are signed out." not in signed_in_client.get("/account").text


@pytest.mark.requirement("R44")
def test_a_sensitive_page_is_shown_after_the_password(
    signed_in_client: FlaskClient, clock: Clock
) -> None:
    clock.advance(minutes=11)
    asked = signed_in_client.get("/account/password?x=1")
    assert asked.location == "/reauthenticate?next=/account/password?x%3D1"
    answer = signed_in_client.get(asked.location)
    assert Page(answer.text).field("next")["value"] == "/account/password?x=1"


@pytest.mark.parametrize(("status", "path"), [(404, "/nowhere"), (405, "/logout")])
def test_an_error_is_a_page_with_a_way_back(client: FlaskClient, status: int, path: str) -> None:
    response = client.get(path)
    assert response.status_code == status
    assert str(status) in response.text
    assert "/" in [link.get("href") for link in Page(response.text).all("a")]


@pytest.mark.requirement("R77")
def test_an_error_page_needs_no_valid_host(client: FlaskClient) -> None:
    response = client.get("/account", headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert "The Host header is not valid." in response.text


def test_an_error_page_does_not_need_the_session(app: Flask, client: FlaskClient) -> None:
    @app.get("/broken")
    @public
    def broken() -> str:
        raise RuntimeError

    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert "Cookie" not in client.get("/broken").vary
