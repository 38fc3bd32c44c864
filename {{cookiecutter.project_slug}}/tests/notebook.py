"""Views that write into the session, as a developer adds them, some of them slow."""

from collections.abc import Callable

from flask import Flask, session

from my_flask_app.security.access import public
from my_flask_app.sessions import current_session


def add_notebook(app: Flask, pause: Callable[[], object] = lambda: None) -> None:
    """Add the views. The slow ones have read the session when they come to the `pause`."""

    @app.get("/note/<name>")
    @public
    def read(name: str) -> str:
        return str(session.get(name, ""))

    @app.post("/note/<name>/<text>")
    @public
    def write(name: str, text: str) -> str:
        session[name] = text
        return "written"

    @app.post("/forget/<name>")
    @public
    def forget(name: str) -> str:
        session.pop(name, None)
        return ""

    @app.post("/enter/<int:user_id>")
    @public
    def enter(user_id: int) -> str:
        session["user_id"] = user_id
        return ""

    @app.get("/slow/read")
    @public
    def slow_read() -> str:
        found = session.get("note", "")
        pause()
        return str(found)

    @app.post("/slow/note/<name>/<text>")
    @public
    def slow_write(name: str, text: str) -> str:
        session.get("note")
        pause()
        session[name] = text
        return ""

    @app.post("/slow/forget/<name>")
    @public
    def slow_forget(name: str) -> str:
        session.get("note")
        pause()
        session.pop(name, None)
        return ""

    @app.post("/slow/rotate")
    @public
    def slow_rotate() -> str:
        session.get("note")
        pause()
        current_session().rotate()
        return ""
