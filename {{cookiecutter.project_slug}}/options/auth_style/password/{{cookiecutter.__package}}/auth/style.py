"""Signing in with an e-mail address and a password."""

from typing import Any

from environs import Env
from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import Form

from ..security.access import fresh_sign_in_required, public
from ..security.redirects import local_path
from .accounts import (
    EmailTaken,
    InvalidEmail,
    WrongCredentials,
    change_password,
    confirm_password,
    make_account,
    sign_in_with_password,
)
from .forms import ChangePasswordForm, LoginForm, ReauthenticateForm, RegisterForm
from .identity import require_user, sign_out
from .passwords import WeakPassword, prepare

blueprint = Blueprint("auth", __name__)
blueprint.record(prepare)


def settings(env: Env) -> dict[str, Any]:
    """Return no settings: passwords need none."""
    return {}


@blueprint.after_request
def keep_out_of_caches(response: Response) -> Response:
    """Forms for credentials are never stored, by a browser or on the way."""
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/register")
@public
def register() -> ResponseReturnValue:
    """Show the form for a new account."""
    return _show("register", RegisterForm())


@blueprint.post("/register")
@public
def create_account() -> ResponseReturnValue:
    """Make an account. It does not sign in: that is one place's business."""
    form = RegisterForm(request.form)
    if not form.validate():
        return _show("register", form, 400)
    try:
        make_account(form.email.data or "", form.password.data or "")
    except (InvalidEmail, EmailTaken) as error:
        form.email.errors = [str(error)]
        return _show("register", form, 400)
    except WeakPassword as error:
        form.password.errors = [str(error)]
        return _show("register", form, 400)
    return redirect(url_for("auth.login", registered=1), 303)


@blueprint.get("/login")
@public
def login() -> ResponseReturnValue:
    """Show the form for signing in."""
    return _show("login", LoginForm(next=request.args.get("next")))


@blueprint.post("/login")
@public
def authenticate() -> ResponseReturnValue:
    """Sign in, and go where the visitor wanted to."""
    form = LoginForm(request.form)
    if not form.validate():
        return _show("login", form, 400)
    try:
        sign_in_with_password(
            form.email.data or "", form.password.data or "", remember=bool(form.remember.data)
        )
    except WrongCredentials:
        form.password.errors = ["The e-mail address or the password is not right."]
        return _show("login", form, 401)
    return redirect(local_path(form.next.data, url_for("account.show")), 303)


@blueprint.post("/logout")
@public
def logout() -> ResponseReturnValue:
    """Sign out. Public, so that it also works with a session that has just expired."""
    sign_out()
    return redirect(url_for("pages.home"), 303)


@blueprint.get("/reauthenticate")
def reauthenticate() -> ResponseReturnValue:
    """Ask for the password before a sensitive change."""
    return _show_own("reauthenticate", ReauthenticateForm(next=request.args.get("next")))


@blueprint.post("/reauthenticate")
def confirm() -> ResponseReturnValue:
    """Check the password, and go on with what needed it."""
    form = ReauthenticateForm(request.form)
    if not form.validate():
        return _show_own("reauthenticate", form, 400)
    try:
        confirm_password(require_user(), form.password.data or "")
    except WrongCredentials:
        form.password.errors = ["The password is not right."]
        return _show_own("reauthenticate", form, 401)
    return redirect(local_path(form.next.data, url_for("account.show")), 303)


@blueprint.get("/account/password")
@fresh_sign_in_required
def edit_password() -> ResponseReturnValue:
    """Show the form for a new password."""
    return _show_own("change_password", ChangePasswordForm())


@blueprint.post("/account/password")
@fresh_sign_in_required
def update_password() -> ResponseReturnValue:
    """Change the password, which signs out every other device."""
    form = ChangePasswordForm(request.form)
    if not form.validate():
        return _show_own("change_password", form, 400)
    try:
        change_password(require_user(), form.password.data or "", form.new_password.data or "")
    except WrongCredentials:
        form.password.errors = ["The password is not right."]
        return _show_own("change_password", form, 401)
    except WeakPassword as error:
        form.new_password.errors = [str(error)]
        return _show_own("change_password", form, 400)
    flash("Your password is changed. All other devices are signed out.")
    return redirect(url_for("account.show"), 303)


def _show(page: str, form: Form, status: int = 200) -> ResponseReturnValue:
    return render_template(f"auth/{page}.html", form=form), status


def _show_own(page: str, form: Form, status: int = 200) -> ResponseReturnValue:
    """Show a page of the signed-in user; those of visitors do not ask who is there."""
    return render_template(f"auth/{page}.html", form=form, user=require_user()), status
