"""Every route of the application, for what has to hold for all of them."""

import re
from dataclasses import dataclass

from flask import Flask

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Route:
    """One way to call the application; every variable part of the path is `x`."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_safe(self) -> bool:
        """Tell whether the method promises to change nothing."""
        return self.method in SAFE_METHODS


def routes_of(app: Flask) -> list[Route]:
    """Return every route, without HEAD and OPTIONS, which Flask adds by itself."""
    return [
        Route(method, re.sub("<[^>]+>", "x", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]
