"""What stands before every view: access, CSRF, headers, hosts, limits, the throttle."""

from __future__ import annotations

from tests.mutation.protections.protection import (
    ACCESS,
    BODIES,
    CSRF,
    HEADERS,
    HOSTS,
    REDIRECTS,
    REDIS,
    THROTTLE,
    Protection,
)

PROTECTIONS = [
    Protection(
        "routes need a signed-in user",
        ACCESS,
        "        raise SignInRequired\n",
        "        pass\n",
    ),
    Protection(
        "sensitive changes need a fresh sign-in",
        ACCESS,
        "            raise ReauthenticationRequired\n",
        "            pass\n",
    ),
    Protection("CSRF guard", CSRF, "        raise CrossOriginRequest\n", "        pass\n"),
    Protection(
        "Sec-Fetch-Site: same-site is another site",
        CSRF,
        'return site in ("same-origin", "none")',
        'return site in ("same-origin", "same-site", "none")',
    ),
    Protection(
        "Origin is compared",
        CSRF,
        "return origin == _own_origin(app, request)",
        "return True",
    ),
    Protection(
        "neither header, but a cookie",
        CSRF,
        'return app.config["SESSION_COOKIE_NAME"] not in request.cookies',
        "return True",
    ),
    Protection(
        "next: control characters and backslashes",
        REDIRECTS,
        'if not target or any(char <= " " or char in "\\\\\\x7f" for char in target):',
        "if not target:",
    ),
    Protection(
        "next: no //host",
        REDIRECTS,
        'address.startswith("/") and not address.startswith("//")',
        'address.startswith("/")',
    ),
    Protection(
        "a clock that is behind blocks nobody",
        THROTTLE,
        "now + wait if wait else 0.0",
        "now + wait",
    ),
    Protection(
        "throttle",
        THROTTLE,
        "        raise TooManyAttempts(retry_after=int(blocked_until - now) + 1)\n",
        "        return\n",
    ),
    Protection(
        "throttle: IPv6 by network",
        THROTTLE,
        "return str(ipaddress.ip_network((int(parsed), 64), strict=False))",
        "return address",
    ),
    Protection(
        "the Host header is checked",
        HOSTS,
        '        raise BadRequest("The Host header is not valid.")\n',
        "        pass\n",
    ),
    Protection(
        "https only",
        HOSTS,
        '    raise Forbidden("This site answers over https only.")\n',
        "    return None\n",
    ),
    Protection(
        "no proxy is believed by default",
        HOSTS,
        "    if hops:\n",
        "    hops = hops or 1\n    if hops:\n",
    ),
    Protection(
        "the host of a proxy's header is not believed",
        HOSTS,
        "x_host=0",
        "x_host=hops",
    ),
    *(
        Protection(f"header {name}", HEADERS, f'    "{name}": "{value}",\n', "")
        for name, value in {
            "Cross-Origin-Embedder-Policy": "require-corp",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }.items()
    ),
    Protection(
        "CSP: no framing",
        HEADERS,
        "frame-ancestors 'none'",
        "frame-ancestors *",
    ),
    Protection(
        "HSTS",
        HEADERS,
        '    if app.config["EXTERNAL_URL"].startswith("https://"):\n',
        "    if False:\n",
    ),
    Protection(
        "a body is JSON by its type",
        BODIES,
        '        raise UnsupportedMediaType("Send application/json.")\n',
        "        pass\n",
        REDIS,
    ),
    Protection(
        "a path keeps its line breaks encoded",
        HOSTS,
        "quote(request.path)",
        "request.path",
    ),
    Protection(
        "programs are not redirected to https",
        HOSTS,
        ' and "text/html" in request.headers.get("Accept", "")',
        "",
    ),
    Protection(
        "throttle: IPv4 in IPv6 is IPv4",
        THROTTLE,
        "    if parsed.ipv4_mapped:",
        "    if False:",
    ),
    Protection(
        "throttle: each failure waits longer",
        THROTTLE,
        "return min(2.0 ** min(failures_above_limit, 20), LONGEST_WAIT)",
        "return 1.0",
    ),
    Protection(
        "throttle: compare-and-swap",
        THROTTLE,
        "UPDATE = sa.update(counters).where(_is_unchanged)",
        "UPDATE = sa.update(counters).where(_has_key)",
    ),
    Protection(
        "throttle: success gives back one attempt only",
        THROTTLE,
        ".values(failures=counters.c.failures - 1)",
        ".values(failures=0)",
    ),
    Protection(
        "throttle: by account from everywhere",
        THROTTLE,
        '"account": 25',
        '"account": 1000',
    ),
    Protection(
        "CSP: forms go nowhere else",
        HEADERS,
        "form-action 'self'",
        "form-action *",
    ),
    Protection(
        "only views that say so are public",
        ACCESS,
        'getattr(view, "is_public", False) is True',
        'getattr(view, "is_public", True) is True',
    ),
    Protection(
        "a known address is not held up by strangers",
        THROTTLE,
        'kinds = tuple(kind for kind in LIMITS if not (is_known and kind == "account"))',
        "kinds = tuple(LIMITS)",
    ),
    Protection(
        "an address is known for a month",
        THROTTLE,
        "KNOWN_FOR = 30 * 86_400.0",
        "KNOWN_FOR = 300 * 86_400.0",
    ),
    Protection(
        "fewer than a hundred guesses a day",
        THROTTLE,
        "LONGEST_WAIT = 1800.0",
        "LONGEST_WAIT = 900.0",
    ),
    Protection(
        "a port does not make an address another",
        THROTTLE,
        'bare = address.partition(":")[0] if address.count(":") == 1 else address',
        "bare = address",
    ),
    Protection(
        "what is no address shares a counter",
        THROTTLE,
        '        return "unknown"',
        "        return address",
    ),
    Protection(
        "a sign-in of the owner gives strangers no new guesses",
        THROTTLE,
        'mine = [self.key("account and source"), self.key("known")]',
        'mine = [self.key("account"), self.key("account and source"), self.key("known")]',
    ),
    Protection(
        "only what was counted is taken back",
        THROTTLE,
        "attempt = replace(attempt, kinds=kinds)",
        "attempt = replace(attempt)",
    ),
    Protection(
        "names of hosts have no case",
        HOSTS,
        'environ["HTTP_HOST"] = environ["HTTP_HOST"].lower()',
        "pass",
    ),
]
