"""What a file of weights is refused for, as a request that a person can mend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proxflow.data.errors import ScanError
from proxflow.tasks.errors import RequestError


@contextmanager
def weights_refused(path: Path) -> Iterator[None]:
    """RequestError, in one sentence, for what is raised within the block: by readers of the file (ScanError)
    and by networks that its weights do not fit (ValueError, which names no file).
    """
    try:
        yield
    except RequestError:
        raise
    except ScanError as error:
        raise RequestError(str(error)) from None
    except ValueError as error:
        raise RequestError(f"{path.name}: {error}") from None
