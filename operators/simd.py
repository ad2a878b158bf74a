"""Short vectors inside numba kernels: two or eight neighbouring numbers loaded, combined and stored at once.

Numba's loop vectoriser must assume that arrays overlap and gives up on the short inner loops of the
projectors, where one weight meets the same place of eight slices, or one ray two neighbouring pixels.
These functions say so directly; they exist only inside ``numba.njit`` code. A kernel that numba has cached
does not notice an edit of this file: remove ``__pycache__`` beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

LANES = 8  # slices side by side in the innermost axis
_FLAGS = ("contract", "reassoc", "nsz", "arcp")  # as the kernels' fastmath

_intrinsic: Any = intrinsic  # its stubs would have callers pass the typing context too
Generator = tuple[Any, Callable[..., Any]]  # a signature, and what writes its instructions


class Vector(types.Type):
    """Numba's name for ``n`` numbers of ``dtype`` in one register."""

    def __init__(self, dtype: types.Type, n: int) -> None:
        self.dtype, self.n = dtype, n
        super().__init__(name=f"Vector({dtype}, {n})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: Vector) -> None:
        element = manager.lookup(vector.dtype).get_data_type()
        super().__init__(manager, vector, ir.VectorType(element, vector.n))


@_intrinsic
def load_pair(typing: Any, array: Any, position: Any) -> Generator:
    """``array[position : position + 2]`` of a contiguous one-dimensional array, unchecked."""
    return _load(array, 2)


@_intrinsic
def load_lanes(typing: Any, array: Any, position: Any) -> Generator:
    """``array[position : position + 8]`` of a contiguous one-dimensional array, unchecked."""
    return _load(array, LANES)


def _load(array: Any, n: int) -> Generator:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature, arguments)
        value_type = context.get_value_type(signature.return_type)
        value = builder.load(builder.bitcast(address, value_type.as_pointer()))
        value.align = array.dtype.bitwidth // 8
        return value

    return Vector(array.dtype, n)(array, types.intp), generate


@_intrinsic
def store(typing: Any, array: Any, position: Any, vector: Any) -> Generator:
    """``array[position : position + n] = vector``, unchecked."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature, arguments)
        value = arguments[2]
        written = builder.store(value, builder.bitcast(address, value.type.as_pointer()))
        written.align = array.dtype.bitwidth // 8
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), generate


@_intrinsic
def pair(typing: Any, first: Any, second: Any) -> Generator:
    """The vector (first, second)."""
    vector = Vector(first, 2)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value = ir.Constant(context.get_value_type(vector), ir.Undefined)
        for lane, number in enumerate(arguments):
            value = builder.insert_element(value, number, _int32(lane))
        return value

    return vector(first, first), generate


@_intrinsic
def add(typing: Any, a: Any, b: Any) -> Generator:
    """a + b of two vectors."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fadd(*arguments, flags=_FLAGS)

    return a(a, a), generate


@_intrinsic
def multiply(typing: Any, a: Any, b: Any) -> Generator:
    """a b, number by number."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fmul(*arguments, flags=_FLAGS)

    return a(a, a), generate


@_intrinsic
def scaled(typing: Any, number: Any, vector: Any) -> Generator:
    """number * vector."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fmul(_spread(builder, *arguments), arguments[1], flags=_FLAGS)

    return vector(vector.dtype, vector), generate


@_intrinsic
def add_scaled(typing: Any, total: Any, number: Any, vector: Any) -> Generator:
    """total + number * vector."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        total, number, vector = arguments
        product = builder.fmul(_spread(builder, number, vector), vector, flags=_FLAGS)
        return builder.fadd(total, product, flags=_FLAGS)

    return vector(vector, vector.dtype, vector), generate


@_intrinsic
def pair_sum(typing: Any, vector: Any) -> Generator:
    """The sum of a pair."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first, second = (builder.extract_element(arguments[0], _int32(lane)) for lane in (0, 1))
        return builder.fadd(first, second, flags=_FLAGS)

    return vector.dtype(vector), generate


def _address(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
    return builder.gep(data, [arguments[1]])


def _spread(builder: Any, number: Any, vector: Any) -> Any:
    nothing = ir.Constant(vector.type, ir.Undefined)
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.type.count), [0] * vector.type.count)
    return builder.shuffle_vector(builder.insert_element(nothing, number, _int32(0)), nothing, zeros)


def _int32(value: int) -> Any:
    return ir.Constant(ir.IntType(32), value)
