"""The pages that everybody may see. Add your own here, or in a blueprint beside it."""

from flask import Blueprint, render_template

from .security.access import public

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
@public
def home() -> str:
    """Greet the visitor. Nothing here asks who that is, so the page needs no session."""
    return render_template("home.html")
