"""As much of memcached as the store needs, in a thread of the tests, over a real socket.

pymemcache's own mock knows no `cas`. This one is held to the server's behaviour by the same tests,
which run on a real memcached where MEMCACHED_URL is set.
"""

import socketserver
import threading
import time
from contextlib import suppress
from itertools import count
from typing import NamedTuple
from urllib.parse import quote

MONTH = 30 * 86_400
LARGEST = 1024 * 1024 - 512  # bytes; the rest is memcached's own


class Item(NamedTuple):
    """A value and what belongs to it."""

    value: bytes
    flags: bytes
    expires_at: float
    number: int


class FakeMemcached(socketserver.ThreadingTCPServer):
    """The server. Its commands are steps: nothing happens in the middle of one."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, login: bytes = b"") -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.login = login  # what a client must send first
        self.is_full = False  # as with -M, when there is no memory left
        self.items: dict[bytes, Item] = {}
        self.lock = threading.Lock()
        self.numbers = count(1)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        """Its address, without user and password."""
        return f"memcached://127.0.0.1:{self.server_address[1]}"

    def answer(self, command: bytes, arguments: list[bytes], value: bytes) -> bytes:
        """Return what memcached says to this command."""
        with self.lock:
            now = time.time()
            self.items = {key: item for key, item in self.items.items() if item.expires_at > now}
            match command:
                case b"set" | b"add" | b"cas":
                    return self._store(command, arguments, value)
                case b"gets":
                    return self._fetch(arguments)
                case b"delete":
                    return b"DELETED" if self.items.pop(arguments[0], None) else b"NOT_FOUND"
                case b"md":
                    return self._delete_unchanged(*arguments)
                case b"lru_crawler":  # `metadump hash`
                    return self._names()
            return b"VERSION 1.6 of a test" if command == b"version" else b"ERROR"

    def _fetch(self, names: list[bytes]) -> bytes:
        lines = [
            b"VALUE %b %b %d %d\r\n%b\r\n"
            % (name, item.flags, len(item.value), item.number, item.value)
            for name in names
            if (item := self.items.get(name))
        ]
        return b"".join([*lines, b"END"])

    def _delete_unchanged(self, name: bytes, number: bytes = b"") -> bytes:
        item = self.items.get(name)
        if item is None or number not in (b"", b"C%d" % item.number):
            return b"EX" if item else b"NF"
        del self.items[name]
        return b"HD"

    def _names(self) -> bytes:
        lines = [f"key={quote(k)} exp={int(i.expires_at)}\r\n" for k, i in self.items.items()]
        return "".join([*lines, "END"]).encode()

    def _store(self, command: bytes, arguments: list[bytes], value: bytes) -> bytes:
        key, flags, seconds = arguments[0], arguments[1], int(arguments[2])
        if len(value) > LARGEST:
            return b"SERVER_ERROR object too large for cache"
        if self.is_full:
            return b"SERVER_ERROR out of memory storing object"
        item = self.items.get(key)
        if command == b"add" and item:
            return b"NOT_STORED"
        if command == b"cas" and (item is None or item.number != int(arguments[4])):
            return b"EXISTS" if item else b"NOT_FOUND"
        end = seconds if seconds > MONTH else time.time() + (seconds or 1e9)
        self.items[key] = Item(value, flags, end, next(self.numbers))
        return b"STORED"


class _Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: FakeMemcached

    def handle(self) -> None:
        """Answer one command after the other, until the client goes."""
        with suppress(ConnectionError):
            self._answer_all()

    def _answer_all(self) -> None:
        is_signed_in = not self.server.login
        while line := self.rfile.readline().split():
            command, *arguments = line
            value = b""
            is_store = command in (b"set", b"add", b"cas")
            if is_store:
                value = self.rfile.read(int(arguments[3]) + 2)[:-2]
            if is_signed_in:
                answer = self.server.answer(command, arguments, value)
            elif not is_store:
                answer = b"CLIENT_ERROR unauthenticated"
            else:
                is_signed_in = value == self.server.login
                answer = b"STORED" if is_signed_in else b"CLIENT_ERROR authentication failure"
            self.wfile.write(answer + b"\r\n")
