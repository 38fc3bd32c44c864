"""The pages of one's own account."""

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from ..auth.identity import end_other_sessions, require_user, sign_out
from ..security.access import fresh_sign_in_required
from ..sessions import current_session
from .devices import devices_of, revoke

blueprint = Blueprint("account", __name__, url_prefix="/account")


@blueprint.get("")
def show() -> str:
    """Show the account."""
    return render_template("account/show.html", user=require_user())


@blueprint.get("/sessions")
def sessions() -> str:
    """List the devices on which the user is signed in."""
    user = require_user()
    devices = devices_of(user, current=current_session().public_id)
    return render_template("account/sessions.html", user=user, devices=devices)


@blueprint.post("/sessions/<public_id>/revoke")
@fresh_sign_in_required
def revoke_one(public_id: str) -> Response:
    """Sign one device out."""
    if public_id == current_session().public_id:
        sign_out()
        return redirect(url_for("pages.home"), 303)
    if not revoke(require_user(), public_id):
        abort(404)
    flash("The device is signed out.")
    return redirect(url_for("account.sessions"), 303)


@blueprint.post("/sessions/revoke-others")
@fresh_sign_in_required
def revoke_others() -> Response:
    """Sign out everywhere but here."""
    end_other_sessions(require_user())
    flash("All other devices are signed out.")
    return redirect(url_for("account.sessions"), 303)
