"""docs/security.md says what the tests say."""

from pathlib import Path

from .security_table import NOT_TESTED, REQUIREMENTS, document, marked_tests, marks_in

DOCUMENT = Path(__file__).parents[1] / "docs" / "security.md"


def test_the_document_is_what_the_tests_make_of_it() -> None:
    told = DOCUMENT.read_text(encoding="utf-8")
    assert told == document(), "run: python -m tests.security_table > docs/security.md"


def test_every_requirement_has_a_test_or_a_reason() -> None:
    tested = marked_tests().keys()
    assert tested <= REQUIREMENTS.keys()
    assert tested | NOT_TESTED.keys() == REQUIREMENTS.keys()
    assert tested & NOT_TESTED.keys() == set()


def test_requirements_of_a_test_are_found() -> None:
    source = """
class TestGroup:
    @pytest.mark.parametrize("x", [1])
    @pytest.mark.requirement("R01", "R02")
    def test_something(self): ...

def test_unmarked(): ...
"""
    assert list(marks_in(source)) == [("test_something", "R01"), ("test_something", "R02")]
