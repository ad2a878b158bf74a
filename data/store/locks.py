"""Advisory file locks that the kernel frees when their holder dies.

Where the file system knows no locks (NFS without a lock service, some cluster file systems), nothing waits:
two processes may compute the same, and since files appear whole and are named by their content's cause, the
result is right all the same. Nothing is evicted there, as nobody can tell what is in use.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

WITHOUT_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


@contextmanager
def exclusive(path: Path, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold ``flock`` on ``path``; ``on_wait`` is called once if another process holds it.

    The file is removed on release, so a waiter checks that what it locked is still the file of that name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = _lock_current_file(path, on_wait)
    try:
        yield
    finally:
        with suppress(FileNotFoundError):
            path.unlink()
        os.close(descriptor)


@contextmanager
def try_exclusive(path: Path) -> Iterator[bool]:
    """``exclusive`` without waiting: False where another process holds the lock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        mine = os.fstat(descriptor).st_ino == path.stat().st_ino
    except (BlockingIOError, FileNotFoundError):
        mine = False
    except BaseException:
        os.close(descriptor)
        raise
    try:
        yield mine
    finally:
        if mine:
            path.unlink(missing_ok=True)
        os.close(descriptor)


def _lock_current_file(path: Path, on_wait: Callable[[], None] | None) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try:
                _lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if on_wait is not None:
                    on_wait()
                    on_wait = None
                _lock(descriptor, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if os.fstat(descriptor).st_ino == path.stat().st_ino:
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def pin(path: Path) -> int:
    """Share-lock a file so that eviction leaves it; close the descriptor to let go.

    FileNotFoundError if it is gone, or goes while the lock is waited for.
    """
    while True:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _lock(descriptor, fcntl.LOCK_SH)
            if os.fstat(descriptor).st_ino == path.stat().st_ino:
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # it was evicted and made again


def unlink_unless_pinned(path: Path) -> bool:
    """Remove a file that nobody holds a lock on; whether it was removed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        if not _lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB):
            return False
        path.unlink(missing_ok=True)
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether a live process holds a lock on the file, or nobody can tell."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _lock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)


def _lock(descriptor: int, how: int) -> bool:
    """``flock``; False where the file system knows no locks."""
    try:
        fcntl.flock(descriptor, how)
    except OSError as error:
        if error.errno in WITHOUT_LOCKS:
            return False
        raise
    return True
