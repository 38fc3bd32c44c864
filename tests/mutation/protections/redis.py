"""Sessions in Redis."""

from __future__ import annotations

from tests.mutation.protections.protection import REDIS, STORE, Protection

PROTECTIONS = [
    Protection(
        "redis: the index is read until it names nothing new",
        STORE,
        "            records += self._load_all(new)\n",
        "            records += self._load_all(new)\n            break\n",
        REDIS,
    ),
    Protection(
        "redis: a refused read is not a session that is gone",
        STORE,
        "        raise StoreUnavailable(type(values).__name__) from values\n",
        "        return None\n",
        REDIS,
    ),
    Protection(
        "redis: update compares the version",
        STORE,
        "if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end\n",
        "",
        REDIS,
    ),
    Protection(
        "redis: take compares the version",
        STORE,
        "if ARGV[1] and redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return nil end\n",
        "",
        REDIS,
    ),
    Protection(
        "redis: a touch never creates",
        STORE,
        "if not seen_at or tonumber(seen_at) >= tonumber(ARGV[2]) then return 0 end\n",
        "",
        REDIS,
    ),
    Protection(
        "redis: a session has a time to live",
        STORE,
        """redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
""",
        "redis.call('HSET', KEYS[1], unpack(ARGV, 2))\n",
        REDIS,
    ),
    Protection(
        "redis: an error is StoreUnavailable",
        STORE,
        "    except RedisError as error:\n",
        "    except ZeroDivisionError as error:\n",
        REDIS,
    ),
    Protection(
        "redis: no retries",
        STORE,
        "        retry=Retry(NoBackoff(), 0),\n",
        "",
        REDIS,
    ),
    Protection(
        "redis: insert does not replace",
        STORE,
        "if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end\n",
        "",
        REDIS,
    ),
    Protection(
        "redis: an update renews the time to live",
        STORE,
        """redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
""",
        "redis.call('HSET', KEYS[1], unpack(ARGV, 3))\n",
        REDIS,
    ),
    Protection(
        "redis: a touch renews the time to live",
        STORE,
        """'expires_at', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
""",
        "'expires_at', ARGV[3])\n",
        REDIS,
    ),
    Protection(
        "redis: the index has a time to live",
        STORE,
        "                pipe.expire(index, INDEX_LIFETIME)\n",
        "",
        REDIS,
    ),
    Protection(
        "redis: the index waits for a record that is on its way",
        STORE,
        "if scores[key] < self._clock() - INDEX_GRACE",
        "if True",
        REDIS,
    ),
    Protection(
        "redis: the index forgets what is gone",
        STORE,
        "                self._client.zrem(self._index(user_id), *stale)\n",
        "                pass\n",
        REDIS,
    ),
    Protection(
        "redis: a foreign entry is anonymous",
        STORE,
        '                if str(error).startswith("WRONGTYPE"):\n',
        "                if False:\n",
        REDIS,
    ),
    Protection(
        "redis: a server that says nothing is given up",
        STORE,
        "        socket_timeout=TIMEOUT,\n",
        "",
        REDIS,
    ),
    Protection(
        "redis: applications have keys of their own",
        STORE,
        'return f"{self._prefix}:session:{key}"',
        'return f"session:{key}"',
        REDIS,
    ),
]
