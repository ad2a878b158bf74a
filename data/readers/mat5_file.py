"""MATLAB v5 files (v6 and v7 too), parsed with every size checked.

SciPy's reader is not used: on files with a damaged element type it crashes the process.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from proxflow.data.errors import ScanError

HEADER_BYTES = 128
MATRIX, COMPRESSED = 14, 15
# Element types of numbers and texts.
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
# Array classes: name in MATLAB and the type its numbers have in memory.
CLASSES = {1: "cell", 2: "struct", 3: "object", 4: "char", 5: "sparse", 16: "function", 17: "opaque"}
NUMERIC = {
    **{6: ("double", "f8"), 7: ("single", "f4"), 8: ("int8", "i1"), 9: ("uint8", "u1")},
    **{10: ("int16", "i2"), 11: ("uint16", "u2"), 12: ("int32", "i4"), 13: ("uint32", "u4")},
    **{14: ("int64", "i8"), 15: ("uint64", "u8")},
}
COMPLEX = 8
DEEPEST = 32  # structs within structs


class DamagedMat5Error(ValueError):
    """The bytes are no sound MATLAB file; says what was found."""


class Element(NamedTuple):
    kind: int
    data: memoryview


class Array(NamedTuple):
    """An array's head, and the elements that hold its values."""

    kind: int
    is_complex: bool
    shape: tuple[int, ...]
    name: str
    parts: Iterator[Element]


def mat5_names(path: Path) -> dict[str, str]:
    """Names of the variables and their MATLAB classes; raises ScanError if the file is damaged."""
    order, found = _open(path), {}
    try:
        for array in _variables(path, order):
            known = NUMERIC[array.kind][0] if array.kind in NUMERIC else CLASSES[array.kind]
            found[array.name] = known
    except (DamagedMat5Error, zlib.error) as error:
        raise _refusal(path, error) from error
    return found


def read_mat5(path: Path, names: set[str]) -> dict[str, Any]:
    """Those of the variables ``names`` that the file holds; raises ScanError if it is damaged.

    Structs are dictionaries, arrays of structs and cells are lists, numbers are arrays without axes of
    length one, objects and sparse matrices None.
    """
    order = _open(path)
    try:
        return {array.name: _value(array, order) for array in _variables(path, order) if array.name in names}
    except (DamagedMat5Error, zlib.error, MemoryError) as error:
        raise _refusal(path, error) from error


def _open(path: Path) -> str:
    """The byte order, "<" or ">"."""
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
    order = {b"IM": "<", b"MI": ">"}.get(head[126:128])
    if order is None:
        raise _refusal(path, DamagedMat5Error(f"a header of {len(head)} bytes without byte order"))
    return order


def _variables(path: Path, order: str) -> Iterator[Array]:
    content = memoryview(path.read_bytes())[HEADER_BYTES:]
    for element in _elements(content, order, padded=False):
        if element.kind == COMPRESSED:
            element = next(
                _elements(memoryview(_inflated(element.data, order)), order), Element(0, content[:0])
            )
        if element.kind != MATRIX:
            raise DamagedMat5Error(f"a variable of type {element.kind}")
        array = _array(element, order)
        if array.name:  # the unnamed one holds the workspace of function handles
            yield array


def _inflated(data: memoryview, order: str) -> bytes:
    """A compressed variable; no more is inflated than its own head asks for."""
    stream = zlib.decompressobj()
    head = stream.decompress(data, 8)
    if len(head) < 8:
        raise DamagedMat5Error("an empty compressed variable")
    size = int(np.frombuffer(head, order + "u4")[1])
    if size > 1100 * len(data):  # deflate's best ratio is about 1032 to 1
        raise DamagedMat5Error(f"{size} declared bytes in {len(data)}")
    body = stream.decompress(stream.unconsumed_tail, size + 8)
    return head + body


def _elements(content: memoryview, order: str, *, padded: bool = True) -> Iterator[Element]:
    """The elements one after the other; small ones hold up to four bytes beside their type."""
    at = 0
    while at + 8 <= len(content):
        kind, size = (int(n) for n in np.frombuffer(content[at : at + 8], order + "u4"))
        if kind >> 16:
            kind, size = kind & 0xFFFF, kind >> 16
            if size > 4:
                raise DamagedMat5Error(f"a small element of {size} bytes")
            yield Element(kind, content[at + 4 : at + 4 + size])
            at += 8
            continue
        if at + 8 + size > len(content):
            raise DamagedMat5Error(f"an element of {size} bytes where {len(content) - at - 8} are left")
        yield Element(kind, content[at + 8 : at + 8 + size])
        at += 8 + size + (-size % 8 if padded else 0)
    if content[at:].nbytes and any(content[at:]):
        raise DamagedMat5Error(f"{content[at:].nbytes} bytes after the last element")


def _array(element: Element, order: str) -> Array:
    if element.kind != MATRIX:
        raise DamagedMat5Error(f"an element of type {element.kind} in place of an array")
    parts = _elements(element.data, order)
    flags, shape, name = (next(parts, None) for _ in range(3))
    if flags is None or shape is None or name is None or len(flags.data) != 8:
        if len(element.data) == 0:  # how an empty cell is written
            return Array(6, False, (0, 0), "", iter(()))
        raise DamagedMat5Error("an array without head")
    flag = int(np.frombuffer(flags.data, order + "u4")[0])
    kind = flag & 0xFF
    if kind not in NUMERIC and kind not in CLASSES:
        raise DamagedMat5Error(f"an array of class {kind}")
    if kind == 17:  # an opaque object has names where others have their shape
        return Array(kind, False, (1,), _text(shape), iter(()))
    sizes = tuple(int(n) for n in _numbers(shape, order))
    if len(sizes) < 2 or min(sizes) < 0:
        raise DamagedMat5Error(f"an array of shape {sizes}")
    return Array(kind, bool(flag >> 8 & COMPLEX), sizes, _text(name), parts)


def _value(array: Array, order: str, depth: int = 0) -> Any:
    if depth > DEEPEST:
        raise DamagedMat5Error(f"structs {DEEPEST} deep")
    if array.kind in NUMERIC:
        return _numeric(array, order)
    count = math.prod(array.shape)
    if array.kind == 1:
        return [_value(_array(part, order), order, depth + 1) for part in array.parts]
    if array.kind == 2:
        width, fields = next(array.parts, None), next(array.parts, None)
        if width is None or fields is None:
            raise DamagedMat5Error("a struct without field names")
        length, text = int(_numbers(width, order).ravel()[:1].sum()), bytes(fields.data)
        if length < 1:
            raise DamagedMat5Error(f"field names of length {length}")
        names = [text[i : i + length].split(b"\0")[0].decode("latin-1") for i in range(0, len(text), length)]
        values = [_value(_array(part, order), order, depth + 1) for part in array.parts]
        if len(values) != count * len(names):
            raise DamagedMat5Error(f"{len(values)} values of {count * len(names)} in a struct")
        step = max(1, len(names))
        structs = [dict(zip(names, values[i : i + step], strict=True)) for i in range(0, len(values), step)]
        return structs[0] if count == 1 and structs else structs
    if array.kind == 4:
        part = next(array.parts, None)
        return _text(part) if part is not None else ""
    return None


def _numeric(array: Array, order: str) -> np.ndarray:
    count, dtype = math.prod(array.shape), np.dtype(NUMERIC[array.kind][1])
    planes = []
    for _ in range(1 + array.is_complex):
        part = next(array.parts, None)
        plane = _numbers(part, order) if part is not None else np.empty(0, dtype)
        if plane.size != count:
            raise DamagedMat5Error(f"{plane.size} numbers for an array of shape {array.shape}")
        planes.append(plane)
    if not array.is_complex:
        values = planes[0].astype(dtype)
    else:
        values = np.empty(count, np.result_type(dtype, np.complex64))
        values.real, values.imag = planes
    return np.squeeze(values.reshape(array.shape, order="F"))


def _numbers(element: Element, order: str) -> np.ndarray:
    if element.kind not in NUMBERS:
        raise DamagedMat5Error(f"numbers of type {element.kind}")
    dtype = np.dtype(order + NUMBERS[element.kind])
    if len(element.data) % dtype.itemsize:
        raise DamagedMat5Error(f"{len(element.data)} bytes of numbers of {dtype.itemsize}")
    return np.frombuffer(element.data, dtype)


def _text(element: Element) -> str:
    if element.kind not in TEXTS:
        raise DamagedMat5Error(f"a text of type {element.kind}")
    return bytes(element.data).decode(TEXTS[element.kind], errors="replace")


def _refusal(path: Path, error: BaseException) -> ScanError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return ScanError(f"{path.name} must be a complete MATLAB file, got damaged data ({reason})")
