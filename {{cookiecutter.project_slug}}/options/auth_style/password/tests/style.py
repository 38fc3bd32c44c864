"""The ways in and out of this auth style, for the tests that every style has."""

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from .support import PASSWORD

SIGNED_IN_PAGE = "/account"
CONTENT_TYPE_OF_ERRORS = "text/html; charset=utf-8"

# What nobody has to sign in for. A new entry is a decision: does everybody get to see it?
PUBLIC = {
    "GET /",
    "GET /healthz",
    "GET /login",
    "GET /readyz",
    "GET /register",
    "GET /static/x",
    "POST /login",
    "POST /logout",
    "POST /register",
}

# The requirements without a test in this style, and why.
NOT_TESTED: dict[str, str] = {}


def register(client: FlaskClient, email: str, password: str = PASSWORD) -> TestResponse:
    """Make an account."""
    return client.post("/register", data={"email": email, "password": password})


def log_in(
    client: FlaskClient, email: str, password: str = PASSWORD, *, remember: bool = False
) -> TestResponse:
    """Sign in as a browser does."""
    data = {"email": email, "password": password}
    return client.post("/login", data={**data, "remember": "y"} if remember else data)


def log_out(client: FlaskClient) -> TestResponse:
    """Sign out."""
    return client.post("/logout")


def reauthenticate(client: FlaskClient, password: str = PASSWORD) -> TestResponse:
    """Prove again to be the signed-in user."""
    return client.post("/reauthenticate", data={"password": password})


def change_password(client: FlaskClient, new: str, current: str = PASSWORD) -> TestResponse:
    """Change the password."""
    return client.post("/account/password", data={"password": current, "new_password": new})


def revoke_others(client: FlaskClient) -> TestResponse:
    """Sign out everywhere else."""
    return client.post("/account/sessions/revoke-others")


def revoke(client: FlaskClient, public_id: str) -> TestResponse:
    """Sign one device out."""
    return client.post(f"/account/sessions/{public_id}/revoke")


def succeeded(response: TestResponse) -> bool:
    """Tell whether the application did what it was asked."""
    return response.status_code == 303 and "/login" not in response.location


def was_registered(response: TestResponse) -> bool:
    """Tell whether there is a new account."""
    return response.status_code == 303 and response.location.startswith("/login")


def asks_to_sign_in(response: TestResponse) -> bool:
    """Tell whether the answer is that nobody is signed in."""
    return response.status_code == 303 and response.location.startswith("/login")


def asks_for_credentials(response: TestResponse) -> bool:
    """Tell whether the answer is that the sign-in is not fresh."""
    return response.status_code == 303 and response.location.startswith("/reauthenticate")


def is_signed_in(client: FlaskClient) -> bool:
    """Tell whether the browser is let in."""
    response = client.get(SIGNED_IN_PAGE)
    assert response.status_code in (200, 303), response.status
    return response.status_code == 200 and "data-user=" in response.text
