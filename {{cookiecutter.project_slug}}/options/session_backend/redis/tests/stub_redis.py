"""A server that speaks Redis' protocol and says what a test wants it to say."""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from typing import Any

Answer = Callable[[list[str]], Any]


class HangUp(Exception):
    """Raised by a test's answer: the server closes the connection instead."""


class StubRedis(socketserver.ThreadingTCPServer):
    """Answers each command with what `answer` returns, and notes who said what."""

    daemon_threads = True

    def __init__(self, answer: Answer = lambda words: "OK") -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.answer = answer
        self.role = "master"
        self.heard: list[tuple[int, list[str]]] = []  # port of the client, words

    @property
    def port(self) -> int:
        """The port of this server."""
        return int(self.server_address[1])

    def words(self, *commands: str) -> list[list[str]]:
        """Return what was said, of these commands only."""
        return [words for _, words in self.heard if words[0] in commands]

    def connections(self, command: str) -> list[int]:
        """Return the client's port of each of these commands."""
        return [port for port, words in self.heard if words[0] == command]

    def reply(self, words: list[str]) -> Any:
        """Return the answer: every client of a server begins with the same questions."""
        match words:
            case ["HELLO", *_]:
                return {"proto": 3, "role": self.role}
            case ["SENTINEL", "MASTERS"]:
                return [_state(self.port)]
            case ["CLUSTER", "SLOTS"]:
                return [[0, 16383, ["127.0.0.1", self.port, "0" * 40]]]
            case ["COMMAND"]:
                return [[name, -3, [], 1, 1, 1, [], [], [], []] for name in ("get", "set", "zrem")]
            case ["CLIENT", *_]:
                return "OK"
        return self.answer(words)


class _Conversation(socketserver.StreamRequestHandler):
    server: StubRedis

    def handle(self) -> None:
        try:
            while words := _read(self.rfile):
                self.server.heard.append((self.client_address[1], words))
                self.wfile.write(_encoded(self.server.reply(words)))
        except (HangUp, ConnectionError):
            return


@contextmanager
def stub_redis(answer: Answer = lambda words: "OK") -> Iterator[StubRedis]:
    """Yield a server that answers until the end of the block."""
    with StubRedis(answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def silent_servers(number: int) -> Iterator[list[socket.socket]]:
    """Yield servers that accept connections and never say a word."""
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        yield servers
    finally:
        for server in servers:
            server.close()


def was_asked(server: socket.socket) -> bool:
    """Tell whether somebody has connected to this silent server."""
    server.setblocking(False)
    try:
        connection, _ = server.accept()
    except BlockingIOError:
        return False
    connection.close()
    return True


def _read(stream: BufferedIOBase) -> list[str]:
    """Return the next command's words; none at the end."""
    if not (line := stream.readline()):
        return []
    words = []
    for _ in range(int(line[1:])):
        length = int(stream.readline()[1:])
        words.append(stream.read(length + 2)[:-2].decode())
    return words


def _encoded(value: Any) -> bytes:
    match value:
        case Exception():
            return f"-{value}\r\n".encode()
        case None:
            return b"_\r\n"
        case int():
            return f":{value}\r\n".encode()
        case list():
            return f"*{len(value)}\r\n".encode() + b"".join(map(_encoded, value))
        case dict():
            flat = [part for pair in value.items() for part in pair]
            return f"%{len(value)}\r\n".encode() + b"".join(map(_encoded, flat))
    text = str(value).encode()
    return b"$%d\r\n%s\r\n" % (len(text), text)


def _state(port: int) -> dict[str, Any]:
    """Return what a sentinel says about a healthy primary on this port."""
    return {
        "name": "mymaster",
        "ip": "127.0.0.1",
        "port": str(port),
        "flags": "master",
        "num-other-sentinels": "2",
    }
