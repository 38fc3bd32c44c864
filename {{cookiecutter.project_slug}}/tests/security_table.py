"""docs/security.md, made from the tests: `python -m tests.security_table > docs/security.md`."""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from . import backend, cookies
from .style import NOT_TESTED as NOT_TESTED_HERE

TESTS = Path(__file__).parent

INTRODUCTION = """\
# Security

What this project promises about sessions and sign-in, and the test that holds it to each promise.
The requirements are drawn from OWASP ASVS 5.0, the OWASP Cheat Sheets and Testing Guide,
NIST SP 800-63B-4, RFC 6265bis and the HTTP Observatory; a test names those it stands for:
`@pytest.mark.requirement("R26")`.

## Time limits

`SESSION_LIFETIME` and `SESSION_IDLE_TIMEOUT` are enforced on the server. Signing in with a password
alone is NIST's AAL1, whose sessions should end within 30 days and need no idle limit; a
`SESSION_LIFETIME` of more than `30d` goes beyond that and should have a reason. With a second
factor in front of the application, AAL2 asks for `24h` and an idle limit of `1h`, AAL3 for `12h`
and `15m`. "Remember me" only keeps the cookie when the browser is closed: there is no second token,
and neither limit grows.
Sensitive changes need a sign-in of the last ten minutes. A user has at most `SESSION_MAX_PER_USER`
sessions; the oldest one goes.

## Requests from other sites

There are no tokens in forms. A request that changes something must say
`Sec-Fetch-Site: same-origin` (or `none`), or else an `Origin` that is exactly ours; with neither
header, it must not bring a session cookie. All browsers of the last years send one of the two, and
pages cannot forge them. `SameSite` and the `__Host-` name of the cookie stand beside that.

## Limits

* Registration says that an address is taken, so that anybody can ask for one address after another.
  Addresses are not verified: whoever registers one need not own it.
* The throttle slows guessing down for an account, from one address and from all together. Somebody
  with many addresses can keep the owner waiting too, for up to half an hour at a time, where the
  owner has not signed in within the last month; though never sign out a device. Registrations are
  slowed down by address. There is no limit for the whole site.
* Behind a proxy `PROXY_HOPS` must be right: the throttle and the logs rely on it.
* `flask users disable` and a changed password end sessions at the next request; a request that is
  being answered is not interrupted.
* A cookie that was copied out of a browser works until its session ends. It is not bound to a
  device or an address; the list of devices is how its owner finds out.
* What the web server itself refuses (a malformed request line, headers that are too large) does not
  have our headers.
* Nothing here limits how many requests a visitor may send. That is the proxy's business.

## Requirements and tests

Names of tests, in words; `pytest -k` takes them with underscores. Tests of the store itself come on
top of these.

| | requirement | tests |
| --- | --- | --- |
"""

REQUIREMENTS = {
    "R01": "No start without a secret key",
    "R02": "No weak or known keys",
    "R03": "Each project has its own secrets, outside git and images",
    "R04": "Keys can be replaced without signing anybody out",
    "R05": "Settings are read strictly; nonsense stops the start",
    "R06": "No debugging in production",
    "R07": "The cookie cannot be made weaker",
    "R08": "No default accounts",
    "R09": "Servers are asked with credentials of their own",
    "R10": "The cookie is `__Host-`, `Secure`, `Path=/`, without a domain",
    "R11": "`HttpOnly`; the token appears nowhere else",
    "R12": "`SameSite` is set",
    "R13": "The cookie ends with the browser, unless remembered",
    "R14": "Never a cookie above 4096 bytes",
    "R15": "A cookie is deleted with its attributes",
    "R16": "No other cookie",
    "R17": "The token counts in the cookie only",
    "R18": "128 random bits and more",
    "R19": "An unknown token is never adopted",
    "R20": "A changed token is nobody's",
    "R21": "The cookie says nothing about the person",
    "R22": "A token is checked before a store sees it",
    "R23": "What is stored is data, never code",
    "R24": "A stolen store holds no usable cookie",
    "R25": "A token is good for one purpose",
    "R26": "A new token at sign-in; the old one is dead",
    "R27": "And whenever a session's worth changes",
    "R28": "Nothing but a sign-in makes somebody of a visitor",
    "R29": "Visitors make no sessions",
    "R30": "Signing in as somebody else ends the first session",
    "R31": "Idle limit",
    "R32": "Absolute limit",
    "R33": "Neither depends on the cookie or on the store's own expiry",
    "R34": "The limits are documented against NIST's levels",
    "R35": "What has expired is deleted",
    "R36": "Signing out ends the session on the server",
    "R37": "A request under way does not bring it back",
    "R38": "Disabling a user ends all sessions",
    "R39": "A changed password ends the others",
    "R40": "Sessions can be listed and revoked, and are limited",
    "R41": "Signing out is offered everywhere and cleans up",
    "R42": "A token that remembers is replaced when used",
    "R43": "Changed roles act at once",
    "R44": "Sensitive changes need fresh credentials",
    "R45": "What changes something must come from our own pages",
    "R46": "Signing in and registering, too",
    "R47": "And that is bound to the session",
    "R48": "`Sec-Fetch-Site` and `Origin` are compared exactly",
    "R49": "Looking changes nothing",
    "R50": "JSON is `application/json`; no method override, no CORS",
    "R51": "argon2id with OWASP's parameters; old hashes are replaced",
    "R52": "15 to 128 characters, all of which count; no other rules",
    "R53": "No guessable passwords, nor the site's and the user's own words",
    "R54": "Password managers work; users hear of changes",
    "R55": "Guessing is slow",
    "R56": "Known and unknown accounts look the same",
    "R57": "Reset tokens: random, hashed, short-lived, used once",
    "R58": "A reset does not sign in, and ends all sessions",
    "R59": "Links in mails use the configured address",
    "R60": "Opening a link does not use it up",
    "R61": "A sign-in link is bound to its browser",
    "R62": "Code flow with PKCE, state and nonce",
    "R63": "ID tokens are checked in full",
    "R64": "Issuer and subject are the identity, never the address",
    "R65": "The provider's tokens never reach the browser",
    "R66": "Signing out at the provider",
    "R67": "Challenges are random, used once, and checked in full",
    "R68": "Security headers on every answer",
    "R69": "Nothing private in caches",
    "R70": "Security events are logged",
    "R71": "Without secrets, a line each",
    "R72": "A store that is down: 503 in seconds, and nobody is let in or signed out",
    "R73": "`next` stays on this site",
    "R74": "Limits on bodies, fields and hashing",
    "R75": "Types and forms of input are checked",
    "R76": "`X-Forwarded-*` counts for configured proxies only",
    "R77": "Only our own host names, over https",
    "R78": "Containers are unprivileged",
    "R79": "Only the web server's port is published",
    "R80": "Secrets come from files",
    "R81": "Images hold no tests, secrets or history",
    "R82": "Images are pinned",
    "R83": "CI has few rights and pinned actions",
    "R84": "Tests fail when a protection is gone",
}

CONTAINERS = "`compose.yaml` and `Dockerfile`; checked by linters when the template changes"
RESET = "nothing resets a password by mail yet"
LINK = "nobody signs in by a link"
PROVIDER = "nobody signs in through another provider"

NOT_TESTED = {
    "R09": CONTAINERS,
    "R43": "there are no roles yet",
    "R57": RESET,
    "R58": RESET,
    "R59": "no mail holds a link yet",
    "R60": "no mail holds a link yet",
    "R61": LINK,
    "R62": PROVIDER,
    "R63": PROVIDER,
    "R64": PROVIDER,
    "R65": PROVIDER,
    "R66": PROVIDER,
    "R67": "nobody signs in with a key",
    "R78": CONTAINERS,
    "R79": CONTAINERS,
    "R81": "`.dockerignore` names what may enter, instead of what may not",
    "R82": "by tag, with `uv.lock` once it is committed; README.md says how to pin the bytes",
    "R83": "`.github/workflows/ci.yml`",
    "R84": "the template takes each protection away in turn and sees these tests fail",
    **NOT_TESTED_HERE,
}


def document() -> str:
    """Return docs/security.md."""
    tests = marked_tests()
    rows = (
        f"| {number} | {title} | {_cell(number, tests[number])} |\n"
        for number, title in REQUIREMENTS.items()
    )
    return INTRODUCTION + "".join(rows)


def marked_tests() -> dict[str, list[tuple[str, str]]]:
    """Return the module and the name of each test, by what it is marked with."""
    own_tests = backend.OWN_TESTS | cookies.OWN_TESTS
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for path in sorted(TESTS.glob("test_*.py")):
        if path.name not in own_tests:
            for test, number in marks_in(path.read_text(encoding="utf-8")):
                found[number].append((path.stem, test))
    return found


def marks_in(source: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each test and each requirement that it is marked with."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                if ast.unparse(decorator).startswith("pytest.mark.requirement("):
                    for argument in cast("ast.Call", decorator).args:
                        yield node.name, ast.literal_eval(argument)


def _cell(number: str, tests: list[tuple[str, str]]) -> str:
    modules: dict[str, list[str]] = defaultdict(list)
    for module, test in tests:
        modules[module].append(test.removeprefix("test_").replace("_", " "))
    lines = [f"`{module}`: {'; '.join(names)}" for module, names in modules.items()]
    return "<br>".join(lines) or f"*{NOT_TESTED[number]}*"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    sys.stdout.write(document())
