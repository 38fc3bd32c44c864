"""Where a visitor may be sent after signing in (CWE-601)."""

from urllib.parse import urlsplit

from werkzeug.urls import iri_to_uri


def local_path(target: str | None, default: str) -> str:
    """Return `target` if it is a path of this site, else `default`.

    What is checked is the address as it will leave in Location: Werkzeug drops tabs and newlines
    on the way, which turns a harmless looking `/<tab>/evil.example` into another site.
    """
    if not target or any(char <= " " or char in "\\\x7f" for char in target):
        return default
    try:
        location = iri_to_uri(target)
        parts = urlsplit(location)
    except ValueError:
        return default
    is_local = all(
        address.startswith("/") and not address.startswith("//") for address in (target, location)
    )
    if not is_local or parts.scheme or parts.netloc:
        return default
    return location
