"""The child process that looks at foreign HDF5 files first, so that a crash of libhdf5 is its own.

Run as a script with nothing of ours imported. Each line of standard input is a JSON request
``{"path": ..., "seconds": ...}``; each is answered by one line, ``{"refused": null}`` or a reason. Where a
file makes libhdf5 crash there is no answer; where it hangs, SIGALRM ends the process after ``seconds``.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import resource
import select
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np

IDLE_SECONDS = 60
MEMORY_BYTES = 3 << 30  # of addresses; what is read at once is far below it
PACKED = 1100  # deflate's best ratio is about 1032 to 1
ALWAYS_FITS = 64 << 20  # declared bytes that harm nobody, whatever the file's size
READ_BYTES = 1 << 20  # read at once; larger arrays in one plain piece hold nothing to crash on
ROWS_OF = 256  # elements read at once where they are of variable length
MOST_OBJECTS, DEEPEST = 1_000_000, 64
MOST_ABSENT = 10_000  # chunks: libhdf5 takes 3 kB for each that is asked for, there or not
OWN_FILTERS = {1, 2, 3, 4, 5, 6, 32000}  # gzip, shuffle, fletcher32, szip, nbit, scaleoffset, lzf
# What h5py raises on a damaged file.
DAMAGE = (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError)


class RefusedError(Exception):
    """The file must not be opened; the text says what in it, and why."""


def main() -> None:
    """Answer requests until standard input ends, or nobody asks for a while."""
    answers = os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)  # the C library's last words
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; its end is told by standard input
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    memory = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    while select.select([0], [], [], IDLE_SECONDS)[0] and (line := sys.stdin.readline()):
        request = json.loads(line)
        with _ended_in_time(request["seconds"]):
            answer = {"refused": refusal(request["path"])}
        print(json.dumps(answer), file=answers, flush=True)


@contextmanager
def _ended_in_time(seconds: int) -> Iterator[None]:
    """Die after ``seconds``, or when the parent does: either works while libhdf5 holds the interpreter."""
    flags = fcntl.fcntl(0, fcntl.F_GETFL)
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    # SIGIO, which ends us, comes when the pipe's other end closes.
    fcntl.fcntl(0, fcntl.F_SETFL, flags | os.O_ASYNC)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        fcntl.fcntl(0, fcntl.F_SETFL, flags)


def refusal(path: str) -> str | None:
    """Why the file must not be opened, or None; also None for a file that is refused on opening anyway."""
    try:
        with h5py.File(path, "r", locking=False) as file:
            _Walk(file, os.stat(path).st_size).all()  # noqa: PTH116 - nothing but what is needed is imported
    except RefusedError as error:
        return str(error)
    except MemoryError:
        return "the file must be readable in little memory, got sizes that take all of it"
    except RecursionError:
        return "the file must be of finite depth, got one that is too deep"
    except DAMAGE:
        return None
    return None


class _Walk:
    """Goes through every link, attribute, type and chunk index once."""

    def __init__(self, file: h5py.File, file_bytes: int) -> None:
        self._file = file
        self._most = max(ALWAYS_FITS, PACKED * file_bytes)
        self._file_bytes = file_bytes
        self._seen: set[int] = set()
        self._count = 0

    def all(self) -> None:
        """Raise RefusedError at the first thing that no reader should follow."""
        pending: list[tuple[str, Any, tuple[int, ...]]] = [("", self._file["/"], ())]
        while pending:
            name, thing, above = pending.pop()
            self._count += 1
            if self._count > MOST_OBJECTS or len(above) > DEEPEST:
                raise RefusedError(
                    f"the file must hold at most {MOST_OBJECTS} objects in {DEEPEST} levels, got more"
                )
            address = _address(thing)
            if address and address in above:
                raise RefusedError(f"{name} must not lead back to a group above it, got a cycle of links")
            if address in self._seen:
                continue
            self._seen.update([address] if address else [])
            self._attributes(name, thing)
            if isinstance(thing, h5py.Group):
                pending += [(*found, (*above, address)) for found in self._members(name, thing)]
            elif isinstance(thing, h5py.Dataset):
                pending += [(*found, ()) for found in self._dataset(name, thing)]

    def _members(self, name: str, group: h5py.Group) -> Iterator[tuple[str, Any]]:
        names: list[bytes] = []
        with _damage_left_to_the_reader():
            names.extend(group.id)
        for raw in names:
            full = f"{name}/{raw.decode('utf-8', 'backslashreplace')}".lstrip("/")
            with _damage_left_to_the_reader():
                kind = group.id.links.get_info(raw).type
                if kind == h5py.h5l.TYPE_EXTERNAL:
                    raise RefusedError(f"{full} must be stored in the file itself, got an external link")
                if kind not in (h5py.h5l.TYPE_HARD, h5py.h5l.TYPE_SOFT):
                    raise RefusedError(f"{full} must be a link of HDF5 itself, got a user-defined one")
                if kind == h5py.h5l.TYPE_HARD:  # a soft link leads to what a hard one leads to, or nowhere
                    yield full, group[raw]

    def _attributes(self, name: str, thing: Any) -> None:
        names: list[str] = []
        with _damage_left_to_the_reader():
            names.extend(thing.attrs)
        for key in names:
            with _damage_left_to_the_reader():
                attribute = thing.attrs.get_id(key)
                self._fits(f"{name} attribute {key}".lstrip(), attribute.shape, attribute.dtype)
                thing.attrs[key]

    def _dataset(self, name: str, dataset: h5py.Dataset) -> Iterator[tuple[str, Any]]:
        for look in (self._storage, self._sizes, self._filters, self._chunks):
            with _damage_left_to_the_reader():
                look(name, dataset)
        with _damage_left_to_the_reader():
            if dataset.chunks or dataset.dtype.hasobject or dataset.nbytes <= READ_BYTES:
                yield from self._values(name, dataset)

    def _storage(self, name: str, dataset: h5py.Dataset) -> None:
        sources = dataset.virtual_sources() if dataset.is_virtual else []
        if dataset.external is not None or any(source.file_name != "." for source in sources):
            raise RefusedError(f"{name} must be stored in the file itself, got storage in other files")

    def _filters(self, name: str, dataset: h5py.Dataset) -> None:
        plist = dataset.id.get_create_plist()
        found = {plist.get_filter(index)[0] for index in range(plist.get_nfilters())}
        for number in sorted(found - OWN_FILTERS):
            raise RefusedError(f"{name} must be packed by HDF5's own filters, got filter {number}")

    def _sizes(self, name: str, dataset: h5py.Dataset) -> None:
        self._fits(name, dataset.shape or (), dataset.dtype)
        if dataset.chunks:
            self._fits(f"a chunk of {name}", dataset.chunks, dataset.dtype)

    def _chunks(self, name: str, dataset: h5py.Dataset) -> None:
        dataset.id.get_storage_size()
        if not dataset.chunks:
            return
        stored = 0
        with _damage_left_to_the_reader():
            stored = dataset.id.get_num_chunks()
        asked = math.prod(
            -(-size // chunk) for size, chunk in zip(dataset.shape, dataset.chunks, strict=True)
        )
        if asked > MOST_ABSENT + 4 * stored:
            raise RefusedError(f"{name} must hold its {asked} chunks, got {stored}")

    def _fits(self, name: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
        declared, held = math.prod(int(size) for size in shape) * dtype.itemsize, self._file_bytes
        if declared > self._most:
            raise RefusedError(f"{name} must fit its file, got {declared} declared bytes in a file of {held}")

    def _values(self, name: str, dataset: h5py.Dataset) -> Iterator[tuple[str, Any]]:
        """Read all, piece by piece, and go where references lead.

        A chunk that unpacks to less than its shape crashes libhdf5 as late as this.
        """
        parts = [dataset.fields(field) for field in dataset.dtype.names or ()] or [dataset]
        for piece in _stored_chunks(dataset) if dataset.chunks else _rows(dataset):
            for part in parts:
                yield from self._referred(name, part, piece)

    def _referred(self, name: str, readable: Any, selection: Any) -> Iterator[tuple[str, Any]]:
        values = np.empty(0)
        with _damage_left_to_the_reader():
            values = np.asarray(readable[selection])
        if values.dtype.kind == "O":
            for value in values.flat:
                if isinstance(value, h5py.Reference) and value:
                    with _damage_left_to_the_reader():
                        yield f"{name}, a reference,", self._file[value]


@contextmanager
def _damage_left_to_the_reader() -> Iterator[None]:
    """The reader will meet it too and say it; only what takes all memory must not reach it."""
    try:
        yield
    except DAMAGE as error:
        if "memory allocation failed" in str(error):
            raise MemoryError from error


def _stored_chunks(dataset: h5py.Dataset) -> Iterable[tuple[slice, ...]]:
    """Selections of the chunks that the index holds; of all that the shape asks for if it breaks off."""
    starts: list[tuple[int, ...]] = []
    try:
        dataset.id.chunk_iter(lambda chunk: starts.append(chunk.chunk_offset))
    except DAMAGE:
        return dataset.iter_chunks()
    return [tuple(slice(a, a + n) for a, n in zip(start, dataset.chunks, strict=True)) for start in starts]


def _rows(dataset: h5py.Dataset) -> Iterator[Any]:
    """Selections of a dataset without chunks, which is small or has elements of variable length."""
    if not dataset.ndim:
        yield ()
        return
    rows = max(1, ROWS_OF * len(dataset) // max(1, dataset.size))
    for start in range(0, len(dataset), rows):
        yield slice(start, start + rows)


def _address(thing: Any) -> int:
    """Where the object lies in the file; 0, which no object but a damaged one has, if that cannot be told."""
    with _damage_left_to_the_reader():
        return int(h5py.h5o.get_info(thing.id).addr)
    return 0


if __name__ == "__main__":
    main()
