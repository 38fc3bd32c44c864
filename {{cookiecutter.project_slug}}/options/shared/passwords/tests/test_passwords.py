"""Passwords: which ones are taken, how they are kept, and that all of a password counts."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from threading import BoundedSemaphore

import pytest
from flask import Flask
from werkzeug.exceptions import ServiceUnavailable

from my_flask_app.auth import passwords
from my_flask_app.auth.passwords import (
    PROFILE,
    WeakPassword,
    check_strength,
    hash_password,
    needs_rehash,
    verify_password,
)

from .support import PASSWORD

EMAIL = "ada.lovelace@analytical-engine.example"


@pytest.fixture(autouse=True)
def _context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


@pytest.mark.requirement("R51")
def test_hashes_are_argon2id_with_the_parameters_of_owasp(app: Flask) -> None:
    app.config["ARGON2_PROFILE"] = PROFILE  # not the tests' own, which is quick
    match = re.match(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$", hash_password(PASSWORD))
    assert match
    memory, passes, lanes = map(int, match.groups())
    assert (memory >= 19_456 and passes >= 2) or (memory >= 47_104 and passes >= 1)
    assert lanes == 1


@pytest.mark.requirement("R51")
def test_the_same_password_never_has_the_same_hash() -> None:
    hashes = {hash_password(PASSWORD) for _ in range(5)}
    assert len(hashes) == 5
    assert all(verify_password(one, PASSWORD) for one in hashes)


@pytest.mark.requirement("R51")
def test_a_hash_with_other_parameters_is_due_for_another_one(app: Flask) -> None:
    old = hash_password(PASSWORD)
    assert not needs_rehash(old)
    app.config["ARGON2_PROFILE"] = {**PROFILE, "memory_cost": 16}
    assert needs_rehash(old)
    assert verify_password(old, PASSWORD)


@pytest.mark.requirement("R52")
@pytest.mark.parametrize(
    "password",
    [
        "blaue elefante",  # 14
        "\U0001f600\U0001f984\U0001f419" * 4,  # 12 characters, 48 bytes
        "",
        "k" * 129,
    ],
)
def test_a_password_of_a_wrong_length_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword, match=r"at (least 15|most 128) characters"):
        check_strength(password, email=EMAIL)


@pytest.mark.requirement("R52")
@pytest.mark.parametrize(
    "password",
    [
        "blauer elefant9",  # 15
        "".join(chr(0x1F400 + 7 * n) for n in range(15)),  # counted as 15
        "  a password may begin and end with spaces, and have sixty-four  ",
        "lower case and no digits at all",
        "Ünïcödé ist auch in Ordnung, 日本語も",
        ("seventeen grumpy badgers play the trombone; " * 3)[:128],
    ],
)
def test_a_password_is_free_in_all_else(password: str) -> None:
    check_strength(password, email=EMAIL)
    assert verify_password(hash_password(password), password)


@pytest.mark.requirement("R53")
@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "qwertyuiopasdfgh",
        "123456789012345678",
        "aaaaaaaaaaaaaaaaaaaa",
        "iloveyouiloveyou",
        "letmeinletmein123",
        "P@ssw0rdP@ssw0rd",
        EMAIL,
        "lovelace lovelace1",
        "LovelaceLovelace2026",
        "my-analytical-engine-123456",
        "analytical-engine1",
    ],
)
def test_a_password_that_is_easily_guessed_is_refused_and_the_reason_given(password: str) -> None:
    with pytest.raises(WeakPassword, match=r"\w+ \w+"):
        check_strength(password, email=EMAIL)


@pytest.mark.requirement("R53")
def test_the_name_of_the_site_is_no_password(app: Flask) -> None:
    app.config["PROJECT_NAME"] = "Zanzibar Quuxotics"
    for password in ("zanzibarquuxotics1", "Zanzibar-Quuxotics-123456789", "quuxotics-quuxotics"):
        with pytest.raises(WeakPassword):
            check_strength(password, email=EMAIL)
    check_strength("zanzibar of the correct horse", email=EMAIL)
    app.config["PROJECT_NAME"] = "😀 (x)"
    check_strength("zanzibarquuxotics1", email=EMAIL)


@pytest.mark.requirement("R74")
def test_zxcvbn_has_few_combinations_to_try(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []

    def judge(password: str) -> dict[str, int]:
        judged.append(password)
        return {"score": 4}

    monkeypatch.setattr(passwords, "zxcvbn", judge)
    # Took seconds of the processor as it is.
    check_strength("4@8({[1369o!|1710$5+7%24@8({3<3691!|1710" * 3, email=EMAIL)
    (one,) = judged
    assert len(one) <= 72
    assert not set(one) & set("@{[<|$+")  # what a letter has another sign for


@pytest.mark.requirement("R52")
@pytest.mark.parametrize("place", [0, 40, 72, 99, 127])
def test_every_character_counts(place: int) -> None:
    password = ("seventeen grumpy badgers play the trombone; " * 3)[:128]
    other = f"{password[:place]}#{password[place + 1 :]}"
    assert not verify_password(hash_password(password), other)


@pytest.mark.requirement("R52")
@pytest.mark.parametrize("change", [str.upper, str.strip, str.title, str.swapcase])
def test_nothing_is_cut_off_or_made_alike(change: Callable[[str], str]) -> None:
    password = " Correct horse Battery staple "
    assert not verify_password(hash_password(password), change(password))


@pytest.mark.requirement("R52")
def test_each_way_to_type_a_letter_is_the_same() -> None:
    composed = unicodedata.normalize("NFC", "Pässwörter für Übermütige")
    decomposed = unicodedata.normalize("NFD", composed)
    assert composed != decomposed
    assert verify_password(hash_password(composed), decomposed)
    assert verify_password(hash_password(decomposed), composed)


@pytest.mark.requirement("R75")
@pytest.mark.parametrize("odd", ["\0", chr(0xD800), chr(0xDFFF)])
def test_what_is_no_text_is_no_password(odd: str) -> None:
    password = f"correct horse{odd} battery staple"
    with pytest.raises(WeakPassword):
        check_strength(password, email=EMAIL)
    assert not verify_password(hash_password(PASSWORD), password)


@pytest.mark.parametrize("damaged", ["", "x", "$argon2id$", "scrypt:32768:8:1$salt$hash"])
def test_a_damaged_hash_fits_nothing(damaged: str) -> None:
    assert not verify_password(damaged, PASSWORD)


@pytest.mark.requirement("R56")
@pytest.mark.parametrize(
    ("has_hash", "password"),
    [(True, "wrong horse battery"), (False, PASSWORD), (True, "x" * 129), (True, "\0" * 20)],
)
def test_a_refusal_costs_one_hash_whatever_the_reason(
    monkeypatch: pytest.MonkeyPatch, *, has_hash: bool, password: str
) -> None:
    hashed = hash_password(PASSWORD) if has_hash else None
    verify_password(None, "so that the dummy hash is there")
    hasher = passwords._hasher()
    checked: list[str] = []

    class Counting:
        def verify(self, hashed: str, password: str) -> bool:
            checked.append(hashed)
            return hasher.verify(hashed, password)

    monkeypatch.setattr(passwords, "_hasher", Counting)
    assert not verify_password(hashed, password)
    (one,) = checked
    assert one.startswith("$argon2id$v=19$m=8,t=1,p=1$")


@pytest.mark.requirement("R74")
def test_whoever_finds_no_place_to_hash_is_asked_to_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    places = BoundedSemaphore(1)
    monkeypatch.setattr(passwords, "_places", places)
    monkeypatch.setattr(passwords, "LONGEST_WAIT", 0.01)
    with places:
        with pytest.raises(ServiceUnavailable):
            hash_password(PASSWORD)
        with pytest.raises(ServiceUnavailable):
            verify_password(None, PASSWORD)
    assert verify_password(hash_password(PASSWORD), PASSWORD)
