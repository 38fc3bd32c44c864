"""The signature that keeps a browser from changing its session, and from making one up."""

import hashlib

from flask import Flask
from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from .record import UnreadableRecord

# Nothing else that SECRET_KEY signs passes for a session (CWE-347).
SALT = "session cookie"
LARGEST = 4096  # bytes of a cookie's name and value; browsers drop what is larger (RFC 6265bis 5.7)


def sign(app: Flask, token: str, text: str) -> str:
    """Return a cookie's value: the token, the text, and a signature over both by SECRET_KEY."""
    return _signer(app).sign(f"{token}.{as_payload(text)}").decode()


def as_payload(text: str) -> str:
    """Return the text as it stands in the cookie, in which anybody can read it."""
    return base64_encode(text).decode()


def verify(app: Flask, value: str) -> str:
    """Return the text of a value that we have signed, with SECRET_KEY or one of its fallbacks.

    Raises UnreadableRecord for any other. Nothing is decoded before the signature is known to be
    ours.
    """
    if len(value) > LARGEST:
        raise UnreadableRecord
    signature = value.rpartition(".")[2]
    try:
        # base64 has four ways to write the end of 32 bytes; the one that we write is ours.
        if base64_encode(base64_decode(signature)).decode() != signature:
            raise UnreadableRecord
        signed = _signer(app).unsign(value)
        return base64_decode(signed.partition(b".")[2]).decode()
    except (BadData, ValueError) as error:
        raise UnreadableRecord from error


def _signer(app: Flask) -> Signer:
    # itsdangerous signs with the last key and takes all of them. Its default digest is SHA-1.
    keys = [*app.config["SECRET_KEY_FALLBACKS"], app.config["SECRET_KEY"]]
    return Signer(keys, salt=SALT, key_derivation="hmac", digest_method=hashlib.sha256)
