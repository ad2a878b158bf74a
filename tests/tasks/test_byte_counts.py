"""Bytes a thread reads and writes, against files of known size."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import pytest

from proxflow.tasks import byte_counts
from proxflow.tasks.byte_counts import track_bytes

SIZE = 3 << 20
SLACK = 4096  # the counters themselves are read


def test_counts_are_of_what_was_read_and_written(tmp_path: Path) -> None:
    since = track_bytes()
    (tmp_path / "a").write_bytes(bytes(SIZE))
    assert since().written == SIZE
    read = since().read
    (tmp_path / "a").read_bytes()
    after = since().read
    assert read is not None and after is not None
    assert SIZE <= after - read < SIZE + SLACK


def test_another_thread_is_not_counted(tmp_path: Path) -> None:
    since = track_bytes()
    other = Thread(target=(tmp_path / "a").write_bytes, args=(bytes(SIZE),))
    other.start()
    other.join()
    assert (tmp_path / "a").stat().st_size == SIZE
    assert since().written == 0


def test_nothing_is_said_where_the_kernel_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(byte_counts, "COUNTERS", tmp_path / "none")
    assert track_bytes()() == (None, None)
