"""Sessions in memcached, their index, and the connections."""

from __future__ import annotations

from tests.mutation.protections.protection import STORE, Protection

MEMCACHED = ("memcached-password",)
INDEX = "{package}/sessions/index.py"
CONNECTIONS = "{package}/sessions/connections.py"

PROTECTIONS = [
    Protection(
        "memcached: update compares the version",
        STORE,
        "if before is None or before.version != record.version - 1:",
        "if before is None:",
        MEMCACHED,
    ),
    Protection(
        "memcached: take compares the version",
        STORE,
        "if before is None or before.version != version:",
        "if before is None:",
        MEMCACHED,
    ),
    Protection(
        "memcached: a change is written over what was read alone",
        STORE,
        "client.cas(name, value, number, expire=_lifetime(record))",
        "client.set(name, value, expire=_lifetime(record))",
        MEMCACHED,
    ),
    Protection(
        "memcached: what was changed meanwhile is not deleted",
        STORE,
        'f"md {self._name(key)} C{number.decode()}"',
        'f"md {self._name(key)}"',
        MEMCACHED,
    ),
    Protection(
        "memcached: an answer may come in pieces",
        STORE,
        'client.ask(f"md',
        'client.raw_command(f"md',
        MEMCACHED,
    ),
    Protection(
        "memcached: a deletion that was not done is not reported as done",
        STORE,
        'return answer == b"HD"',
        "return True",
        MEMCACHED,
    ),
    Protection(
        "memcached: a server without md is refused",
        STORE,
        '        if answer not in (b"HD", b"NF", b"EX"):\n',
        "        if False:\n",
        MEMCACHED,
    ),
    Protection(
        "memcached: an update is tried again after a touch",
        STORE,
        """                return True
        raise StoreUnavailable("other requests kept touching the record")

    def take(""",
        """                return True
            break
        raise StoreUnavailable("other requests kept touching the record")

    def take(""",
        MEMCACHED,
    ),
    Protection(
        "memcached: a touch only moves forwards",
        STORE,
        "if before is None or before.seen_at >= seen_at:",
        "if before is None:",
        MEMCACHED,
    ),
    Protection(
        "memcached: insert does not replace",
        STORE,
        "is_new = client.add(",
        "is_new = client.set(",
        MEMCACHED,
    ),
    Protection(
        "memcached: insert tells when it did nothing",
        STORE,
        "        if not is_new:\n",
        "        if False:\n",
        MEMCACHED,
    ),
    Protection(
        "memcached: the index names a session before it is there",
        STORE,
        """            self._index.add(record.key, record.user_id, record.expires_at)
        with self._connections.client() as client:
            is_new = client.add(self._name(record.key), dump(record), expire=_lifetime(record))
""",
        """            pass
        with self._connections.client() as client:
            is_new = client.add(self._name(record.key), dump(record), expire=_lifetime(record))
        if record.user_id is not None:
            self._index.add(record.key, record.user_id, record.expires_at)
""",
        MEMCACHED,
    ),
    Protection(
        "memcached: the index is read until it names nothing new",
        STORE,
        "            found |= self._load_all(new)\n",
        "            found |= self._load_all(new)\n            break\n",
        MEMCACHED,
    ),
    Protection(
        "memcached: the rows of lost sessions do not stay for ever",
        STORE,
        "        if over:\n",
        "        if False:\n",
        MEMCACHED,
    ),
    Protection(
        "memcached: for_user is one user's",
        STORE,
        "for record, _ in found.values() if record.user_id == user_id]",
        "for record, _ in found.values()]",
        MEMCACHED,
    ),
    Protection(
        "memcached: the index does not name signposts",
        STORE,
        "                if record.user_id is None:\n",
        "                if False:\n",
        MEMCACHED,
    ),
    Protection(
        "memcached: a session ends though the index cannot be tidied",
        STORE,
        "        with suppress(StoreUnavailable):\n            self._index.forget(key)\n",
        "        self._index.forget(key)\n",
        MEMCACHED,
    ),
    Protection(
        "memcached: an index that cannot be tidied can be read",
        STORE,
        """            with suppress(StoreUnavailable):
                self._index.forget_ended(over, now)
""",
        "            self._index.forget_ended(over, now)\n",
        MEMCACHED,
    ),
    Protection(
        "memcached: prune spares sessions in use",
        STORE,
        "                if record.expires_at >= now:\n",
        "                if False:\n",
        MEMCACHED,
    ),
    Protection(
        "memcached: prune notes how long a session in use lasts",
        STORE,
        "                    self._index.extend(key, record.expires_at)\n",
        "                    pass\n",
        MEMCACHED,
    ),
    Protection(
        "memcached: prune spares what was touched meanwhile",
        STORE,
        "                    over.remove(key)  # it has been touched just now\n",
        "                    pass  # it has been touched just now\n",
        MEMCACHED,
    ),
    Protection(
        "memcached: prune goes on to the end",
        STORE,
        "            if len(keys) < PRUNE_BATCH:\n                return count\n",
        "            return count\n",
        MEMCACHED,
    ),
    Protection(
        "memcached: a damaged record does not hide the others",
        STORE,
        "                with suppress(UnreadableRecord):\n",
        "                with suppress(ZeroDivisionError):\n",
        MEMCACHED,
    ),
    Protection(
        "memcached: a time above thirty days is a date",
        STORE,
        "return seconds if seconds <= MONTH else int(time.time()) + seconds",
        "return seconds",
        MEMCACHED,
    ),
    Protection(
        "memcached: the time that is left counts",
        STORE,
        "max(1, math.ceil(record.expires_at - record.seen_at)) + LEEWAY",
        "max(1, math.ceil(record.expires_at - time.time())) + LEEWAY",
        MEMCACHED,
    ),
    Protection(
        "memcached: a session that has no time left is not kept for ever",
        STORE,
        "seconds = max(1, math.ceil(",
        "seconds = int(0 * 1 + math.ceil(",
        MEMCACHED,
    ),
    Protection(
        "memcached: applications do not share sessions",
        STORE,
        'return f"{self._prefix}:session:{key}"',
        'return f"session:{key}"',
        MEMCACHED,
    ),
    Protection(
        "memcached: readiness asks memcached",
        STORE,
        "            client.version()\n        self._index.ping()\n",
        "            pass\n        self._index.ping()\n",
        MEMCACHED,
    ),
    Protection(
        "memcached: readiness needs the index",
        STORE,
        "        self._index.ping()\n",
        "",
        MEMCACHED,
    ),
    Protection(
        "memcached: an address that cannot work stops the start",
        STORE,
        "        Address.parse(url)\n    except ValueError:\n",
        "        pass\n    except ValueError:\n",
        MEMCACHED,
    ),
    Protection(
        "memcached: a database that is down is an outage",
        INDEX,
        "        except (DBAPIError, PoolTimeout) as error:\n",
        "        except ZeroDivisionError as error:\n",
        MEMCACHED,
    ),
    Protection(
        "memcached: a row that was extended meanwhile stays",
        INDEX,
        "chosen = columns.key.in_(keys) & (columns.expires_at < now)",
        "chosen = columns.key.in_(keys)",
        MEMCACHED,
    ),
    Protection(
        "memcached: the index is one user's",
        INDEX,
        ".where(columns.user_id == user_id)",
        "",
        MEMCACHED,
    ),
    Protection(
        "memcached: a server that is down is an outage",
        CONNECTIONS,
        "        except (MemcacheError, OSError, LookupError, ValueError) as error:\n",
        "        except MemcacheError as error:\n",
        MEMCACHED,
    ),
    Protection(
        "memcached: another kind of server is an outage",
        CONNECTIONS,
        "        except (MemcacheError, OSError, LookupError, ValueError) as error:\n",
        "        except (MemcacheError, OSError) as error:\n",
        MEMCACHED,
    ),
    Protection(
        "memcached: nobody waits for long",
        CONNECTIONS,
        "            timeout=TIMEOUT,\n            no_delay=True,\n",
        "            no_delay=True,\n",
        MEMCACHED,
    ),
    Protection(
        "memcached: a connection that failed is not used again",
        CONNECTIONS,
        "get_and_release(destroy_on_fail=True)",
        "get_and_release(destroy_on_fail=False)",
        MEMCACHED,
    ),
    Protection(
        "memcached: a connection that the server closed is replaced",
        CONNECTIONS,
        "if client.sock is not None and _has_something_to_read(client.sock):",
        "if False:",
        MEMCACHED,
    ),
    Protection(
        "memcached: a forked worker has connections of its own",
        CONNECTIONS,
        "if self._process != os.getpid():",
        "if False:",
        MEMCACHED,
    ),
    Protection(
        "memcached: a connection signs in",
        CONNECTIONS,
        "                    self._sign_in(client)\n",
        "                    pass\n",
        MEMCACHED,
    ),
    Protection(
        "memcached: a server without a password does not keep ours",
        CONNECTIONS,
        'client.set("auth", self._address.login, expire=-1)',
        'client.set("auth", self._address.login)',
        MEMCACHED,
    ),
    Protection(
        "memcached: nothing is unpickled",
        CONNECTIONS,
        "            default_noreply=False,\n",
        "            default_noreply=False,\n"
        '            serde=__import__("pymemcache.serde").serde.pickle_serde,\n',
        MEMCACHED,
    ),
    Protection(
        "memcached: a store waits for the answer",
        CONNECTIONS,
        "default_noreply=False",
        "default_noreply=True",
        MEMCACHED,
    ),
    Protection(
        "memcached: TLS is checked",
        CONNECTIONS,
        "ssl.create_default_context()",
        "ssl._create_unverified_context()",
        MEMCACHED,
    ),
    Protection(
        "memcached: memcacheds:// is TLS",
        CONNECTIONS,
        "tls_context=self._tls,",
        "tls_context=None,",
        MEMCACHED,
    ),
    Protection(
        "memcached: one server and no more",
        CONNECTIONS,
        '        if "," in parts.hostname:\n',
        "        if False:\n",
        MEMCACHED,
    ),
    Protection(
        "memcached: what the server refuses is logged",
        CONNECTIONS,
        '    logger.error("memcached refuses: %s", reason)\n',
        "",
        MEMCACHED,
    ),
]
