"""The ways in and out of this auth style, for the tests that every style has."""

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from .support import PASSWORD

SIGNED_IN_PAGE = "/account"


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


def is_signed_in(client: FlaskClient) -> bool:
    """Tell whether the browser is let in."""
    response = client.get(SIGNED_IN_PAGE)
    assert response.status_code in (200, 303), response.status
    return response.status_code == 200 and "data-user=" in response.text
