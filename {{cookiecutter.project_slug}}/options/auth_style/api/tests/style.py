"""The ways in and out of this auth style, for the tests that every style has."""

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from .support import PASSWORD

SIGNED_IN_PAGE = "/api/session"
CONTENT_TYPE_OF_ERRORS = "application/problem+json"

# What nobody has to sign in for. A new entry is a decision: does everybody get to see it?
PUBLIC = {
    "DELETE /api/session",
    "GET /",
    "GET /healthz",
    "GET /readyz",
    "GET /static/x",
    "POST /api/session",
    "POST /api/users",
}

# The requirements without a test in this style, and why.
NOT_TESTED = {"R73": "nothing redirects"}


def register(client: FlaskClient, email: str, password: str = PASSWORD) -> TestResponse:
    """Make an account."""
    return client.post("/api/users", json={"email": email, "password": password})


def log_in(
    client: FlaskClient, email: str, password: str = PASSWORD, *, remember: bool = False
) -> TestResponse:
    """Sign in as a single-page app does."""
    body = {"email": email, "password": password, "remember": remember}
    return client.post("/api/session", json=body)


def log_out(client: FlaskClient) -> TestResponse:
    """Sign out."""
    return client.delete("/api/session")


def reauthenticate(client: FlaskClient, password: str = PASSWORD) -> TestResponse:
    """Prove again to be the signed-in user."""
    return client.post("/api/reauthenticate", json={"password": password})


def change_password(client: FlaskClient, new: str, current: str = PASSWORD) -> TestResponse:
    """Change the password."""
    return client.put("/api/password", json={"password": current, "new_password": new})


def revoke_others(client: FlaskClient) -> TestResponse:
    """Sign out everywhere else."""
    return client.delete("/api/sessions")


def revoke(client: FlaskClient, public_id: str) -> TestResponse:
    """Sign one device out."""
    return client.delete(f"/api/sessions/{public_id}")


def succeeded(response: TestResponse) -> bool:
    """Tell whether the application did what it was asked."""
    return response.status_code in (200, 204)


def was_registered(response: TestResponse) -> bool:
    """Tell whether there is a new account."""
    return response.status_code == 201


def asks_to_sign_in(response: TestResponse) -> bool:
    """Tell whether the answer is that nobody is signed in."""
    return response.status_code == 401


def asks_for_credentials(response: TestResponse) -> bool:
    """Tell whether the answer is that the sign-in is not fresh."""
    return response.status_code == 403 and "reauthenticate" in response.get_json()["type"]


def is_signed_in(client: FlaskClient) -> bool:
    """Tell whether the browser is let in."""
    response = client.get(SIGNED_IN_PAGE)
    assert response.status_code in (200, 401), response.status
    return response.status_code == 200 and "user" in response.get_json()
