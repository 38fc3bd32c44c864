"""One's own account, as JSON: the devices on which the user is signed in."""

from typing import Any

from flask import Blueprint, abort

from ..auth.identity import end_other_sessions, require_user, sign_out
from ..security.access import fresh_sign_in_required
from ..sessions import current_session
from .devices import Device, devices_of, revoke

blueprint = Blueprint("account", __name__, url_prefix="/api/sessions")


@blueprint.get("")
def sessions() -> dict[str, Any]:
    """List the devices on which the user is signed in."""
    devices = devices_of(require_user(), current=current_session().public_id)
    return {"sessions": [_as_json(device) for device in devices]}


@blueprint.delete("/<public_id>")
@fresh_sign_in_required
def revoke_one(public_id: str) -> tuple[str, int]:
    """Sign one device out."""
    if public_id == current_session().public_id:
        sign_out()
    elif not revoke(require_user(), public_id):
        abort(404)
    return "", 204


@blueprint.delete("")
@fresh_sign_in_required
def revoke_others() -> tuple[str, int]:
    """Sign out everywhere but here."""
    end_other_sessions(require_user())
    return "", 204


def _as_json(device: Device) -> dict[str, Any]:
    return {
        "id": device.id,
        "current": device.current,
        "user_agent": device.user_agent,
        "ip": device.ip,
        "created_at": device.created_at.isoformat(),
        "seen_at": device.seen_at.isoformat(),
    }
