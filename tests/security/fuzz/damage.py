"""Ways to spoil a file: bytes, values of texts, and structures of HDF5 that lie or lead out of the file."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import h5py
import numpy as np

EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1, 2**40)
VALUE = re.compile(r'"[^"\n]*"|[-+]?[0-9][-+0-9.eE]*|[A-Za-z_][A-Za-z_0-9]*')
MARKS = (b"TREE", b"HEAP", b"SNOD", b"GCOL", b"OHDR", b"FRHP", b"FHDB", b"BTHD", b"EAHD", b"FAHD", b"OCHK")


def spoil_bytes(content: bytes, random: Random) -> bytes:
    """A few changes: bits, bytes, words with telling values, pieces moved, doubled or left out."""
    data = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, 4, 16))):
        if not data:
            break
        at = _place(data, random)
        kind = random.randrange(7)
        if kind == 0:
            data[at] ^= 1 << random.randrange(8)
        elif kind == 1:
            data[at] = random.randrange(256)
        elif kind in (2, 3):
            size = random.choice((2, 4, 8))
            data[at : at + size] = (random.choice(EDGES) % 256**size).to_bytes(size, "little")
        elif kind == 4:
            data[at : at + random.randrange(1, 64)] = b""
        elif kind == 5:
            other, size = random.randrange(len(data)), random.randrange(1, 64)
            data[at : at + size] = data[other : other + size]
        elif random.random() < 0.3:
            del data[at:]
        else:
            data[at : at + 8] = random.randrange(len(content)).to_bytes(8, "little")
    return bytes(data)


def _place(data: bytearray, random: Random) -> int:
    """Anywhere, or, as often, in the structures of HDF5, which are few among the numbers."""
    if random.random() < 0.5:
        return random.randrange(len(data))
    if random.random() < 0.3:
        return random.randrange(min(len(data), 2048))
    mark = data.find(random.choice(MARKS), random.randrange(len(data)))
    return min(len(data) - 1, mark + random.randrange(200)) if mark >= 0 else random.randrange(len(data))


def spoil_structure(path: Path, secret: Path, random: Random) -> None:
    """One hostile thing put into a sound HDF5 file, most often in place of something a reader wants."""
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        name = random.choice(names)
        with suppress(OSError, RuntimeError, ValueError, TypeError, KeyError, AttributeError):
            random.choice(HOSTILE)(file, name, secret, random)


def _replaced(file: h5py.File, name: str) -> Any:
    old = file[name][()] if isinstance(file[name], h5py.Dataset) else np.zeros(4)
    del file[name]
    return old


def external_link(file: h5py.File, name: str, secret: Path, random: Random) -> None:
    del file[name]
    file[name] = h5py.ExternalLink(str(secret), "/" + random.choice((name, "kspace", "")))


def soft_link(file: h5py.File, name: str, secret: Path, random: Random) -> None:
    names: list[str] = [name]
    file.visit(names.append)
    del file[name]
    file[name] = h5py.SoftLink("/" + random.choice((*names, "..", "../../etc/passwd", "nowhere", "/")))


def external_storage(file: h5py.File, name: str, secret: Path, random: Random) -> None:
    old = np.asarray(_replaced(file, name))
    file.create_dataset(name, old.shape, old.dtype, external=[(str(secret), 0, max(1, old.nbytes))])


def virtual(file: h5py.File, name: str, secret: Path, random: Random) -> None:
    old = np.asarray(_replaced(file, name))
    layout = h5py.VirtualLayout(old.shape, old.dtype)
    layout[...] = h5py.VirtualSource(random.choice((str(secret), ".")), "kspace", old.shape)
    file.create_virtual_dataset(name, layout)


def huge(file: h5py.File, name: str, secret: Path, random: Random) -> None:
    old = np.asarray(_replaced(file, name))
    shape = tuple(size * random.choice((1, 1, 10**3, 10**6, 10**9)) for size in old.shape) or (10**12,)
    chunks = tuple(min(size, random.choice((1, 16, 64))) for size in shape)
    packed = random.choice(({}, {"compression": "gzip"}, {"fletcher32": True}))
    file.create_dataset(name, shape, old.dtype, chunks=chunks, **packed)


def huge_chunk(file: h5py.File, name: str, secret: Path, random: Random) -> None:
    old = np.asarray(_replaced(file, name))
    shape = old.shape or (1,)
    chunks = (random.choice((10**3, 10**6, 10**8)), *shape[1:])
    data = file.create_dataset(name, shape, old.dtype, chunks=chunks, maxshape=(None, *shape[1:]))
    with suppress(OSError, MemoryError):
        if np.prod(chunks, dtype=float) * old.itemsize < 2**24:
            data[...] = old


def lying_chunk(file: h5py.File, name: str, secret: Path, random: Random) -> None:
    """A chunk that holds more or less than its shape says."""
    old = np.asarray(_replaced(file, name))
    if not old.ndim:
        return
    packed = random.choice(({}, {"compression": "gzip"}, {"compression": "lzf"}, {"scaleoffset": 0}))
    data = file.create_dataset(name, old.shape, old.dtype, chunks=old.shape, **packed)
    import zlib

    raw = old.tobytes()[: random.choice((0, 1, 10, old.nbytes // 2, old.nbytes))] * random.choice((1, 50))
    if packed.get("compression") == "gzip":
        raw = zlib.compress(raw)
    data.id.write_direct_chunk((0,) * old.ndim, raw, random.choice((0, 0, 1)))


def cycle(file: h5py.File, name: str, secret: Path, random: Random) -> None:
    group = file[name] if isinstance(file[name], h5py.Group) else file[name].parent
    group[random.choice(("round", "parameters", "detector"))] = random.choice(
        (file["/"], group, group.parent)
    )


def foreign_filter(file: h5py.File, name: str, secret: Path, random: Random) -> None:
    old = np.asarray(_replaced(file, name))
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk(old.shape)
    plist.set_filter(random.choice((307, 32001, 32004, 32008, 65535)), h5py.h5z.FLAG_OPTIONAL, (1, 2))
    space, kind = h5py.h5s.create_simple(old.shape), h5py.h5t.py_create(old.dtype)
    h5py.h5d.create(file.id, name.encode(), kind, space, plist)


def other_type(file: h5py.File, name: str, secret: Path, random: Random) -> None:
    old = np.asarray(_replaced(file, name))
    kinds: list[Callable[[], Any]] = [
        lambda: np.array(["<script>alert(1)</script>", "\x1b[31m\u202e\n"], h5py.string_dtype()),
        lambda: np.array([file.ref] * 3, h5py.ref_dtype),
        lambda: old.astype("S4") if old.dtype.kind in "if" else old[..., None],
        lambda: np.full(old.shape, np.nan),
        lambda: np.full(old.shape, random.choice((0, -1, 1e308, 2**62))),
        lambda: np.zeros((3, 0, 2)),
        lambda: h5py.Empty("f8"),
        lambda: np.zeros(2, [("real", "f4"), ("imag", "f8"), ("more", "S3")]),
        lambda: "a" * 10**5,
        lambda: np.float64(random.choice((np.inf, -1e300, 5e-324, 1e18))),
    ]
    file[name] = random.choice(kinds)()


def hostile_attribute(file: h5py.File, name: str, secret: Path, random: Random) -> None:
    thing = file[random.choice((name, "/"))]
    keys = [*thing.attrs, "units", "MATLAB_class", "modality", "NX_class", "MATLAB_fields", "MATLAB_empty"]
    values: list[Any] = [
        "\x1b[2J",
        "cell",
        "struct",
        "function_handle",
        b"\xff\xfe",
        -1,
        1e400,
        np.zeros((3, 3)),
    ]
    values += [np.array([], "S1"), "x" * 60_000, file.ref, h5py.Empty("f4"), np.uint64(2**64 - 1)]
    thing.attrs[random.choice(keys)] = random.choice(values)


def deep(file: h5py.File, name: str, secret: Path, random: Random) -> None:
    group = file[name] if isinstance(file[name], h5py.Group) else file["/"]
    for _ in range(random.choice((10, 300, 2000))):
        group = group.create_group("g")


HOSTILE: tuple[Callable[[h5py.File, str, Path, Random], None], ...] = (
    *(external_link, soft_link, external_storage, virtual, huge, huge_chunk, lying_chunk, cycle),
    *(foreign_filter, other_type, other_type, other_type, hostile_attribute, hostile_attribute, deep),
)


WORDS = (
    *(
        "1e999",
        "-1e999",
        "1" * 5000,
        "1" + "0" * 400,
        "NaN",
        "-Infinity",
        "0",
        "-1",
        "1e-320",
        "true",
        "null",
        "",
    ),
    *(
        '"\\u202e\\u001b[31m"',
        '"../../../etc/passwd"',
        '"/etc/passwd"',
        '"a\\u0000b"',
        '"' + "x" * 9000 + '"',
    ),
    *(
        "{}",
        "[]",
        "[[[[[[1]]]]]]",
        "[" * 3000,
        '{"a": ' * 3000,
        "&a [*a]",
        "!!python/object/apply:os.system [id]",
    ),
    *(
        "*a",
        "!!binary aGk=",
        "2026-01-01",
        "0x10",
        "1_000",
        "é",
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    ),
)


def spoil_text(content: bytes, random: Random) -> bytes:
    """A value, a line or a piece of a text replaced by what a parser may trip over."""
    text = content.decode("latin-1")
    for _ in range(random.choice((1, 1, 2, 5))):
        spans = [match.span() for match in VALUE.finditer(text)]
        if not spans:
            break
        start, stop = random.choice(spans)
        text = text[:start] + random.choice(WORDS) + text[stop:]
    return text.encode("latin-1", "replace")
