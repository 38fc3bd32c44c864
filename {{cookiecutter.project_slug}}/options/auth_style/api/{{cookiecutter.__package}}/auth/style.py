"""Signing in with an e-mail address and a password, over JSON."""

from typing import Any

from environs import Env
from flask import Blueprint, Response
from werkzeug.exceptions import Conflict, Unauthorized

from ..bodies import InvalidBody, read_body
from ..security.access import fresh_sign_in_required, public
from .accounts import (
    EmailTaken,
    InvalidEmail,
    WrongCredentials,
    change_password,
    confirm_password,
    make_account,
    sign_in_with_password,
)
from .identity import require_user, sign_out
from .passwords import WeakPassword, prepare
from .schemas import Confirmation, Credentials, PasswordChange, SignIn

blueprint = Blueprint("auth", __name__, url_prefix="/api")
blueprint.record(prepare)


def settings(env: Env) -> dict[str, Any]:
    """Return no settings: passwords need none."""
    return {}


@blueprint.after_request
def keep_out_of_caches(response: Response) -> Response:
    """Nothing about credentials is stored, by a browser or on the way."""
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/users")
@public
def register() -> tuple[dict[str, Any], int]:
    """Make an account. It does not sign in: that is one place's business."""
    body = read_body(Credentials())
    try:
        user = make_account(body["email"], body["password"])
    except InvalidEmail as error:
        raise InvalidBody({"email": [str(error)]}) from None
    except WeakPassword as error:
        raise InvalidBody({"password": [str(error)]}) from None
    except EmailTaken as error:
        raise Conflict(str(error)) from None
    return {"user": {"email": user.email}}, 201


@blueprint.post("/session")
@public
def sign_in() -> dict[str, Any]:
    """Sign in; the cookie comes with the answer."""
    body = read_body(SignIn())
    try:
        user = sign_in_with_password(body["email"], body["password"], remember=body["remember"])
    except WrongCredentials:
        raise Unauthorized("The e-mail address or the password is not right.") from None
    return {"user": {"email": user.email}}


@blueprint.get("/session")
def show() -> dict[str, Any]:
    """Return who is signed in."""
    return {"user": {"email": require_user().email}}


@blueprint.delete("/session")
@public
def end() -> tuple[str, int]:
    """Sign out. Public, so that it also works with a session that has just expired."""
    sign_out()
    return "", 204


@blueprint.post("/reauthenticate")
def reauthenticate() -> tuple[str, int]:
    """Prove again to be the signed-in user, for what needs a fresh sign-in."""
    body = read_body(Confirmation())
    try:
        confirm_password(require_user(), body["password"])
    except WrongCredentials:
        raise Unauthorized("The password is not right.") from None
    return "", 204


@blueprint.put("/password")
@fresh_sign_in_required
def update_password() -> tuple[str, int]:
    """Change the password, which signs out every other device."""
    body = read_body(PasswordChange())
    try:
        change_password(require_user(), body["password"], body["new_password"])
    except WrongCredentials:
        raise Unauthorized("The password is not right.") from None
    except WeakPassword as error:
        raise InvalidBody({"new_password": [str(error)]}) from None
    return "", 204
