"""The one error a bad recipe raises: every problem at once, each with its file and line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a recipe.

    ``where`` is the dotted key (``reconstruct.lam``), ``line`` its 1-based line in ``file`` (None for
    a value that came from ``--set`` or from Python).
    """

    where: str
    what: str
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}: " if self.file and self.line else ""
        place = place or (f"{self.file}: " if self.file else "")
        return _printable(f"{place}{_shortened(self.where, 100)} {_shortened(self.what, 900)}".strip())


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most // 2]}...{text[-most // 2 :]}"


def _printable(text: str) -> str:
    """What would move a terminal's cursor or turn the direction of writing, as its escape."""
    shown = (one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
    return "".join(shown)


class RecipeError(ValueError):
    """A recipe that cannot be run; ``problems`` lists all of it, ``str()`` has a line for each."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    def __reduce__(self) -> tuple[type[RecipeError], tuple[list[Problem]]]:
        return RecipeError, (self.problems,)
