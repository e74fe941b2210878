"""Arithmetic without `eval`: an expression is parsed and walked, and only what is listed here is worked out.

Everything is bounded before it is computed, so no expression can take long or grow large: the length of the text, the
size of every whole number on the way (`9**9**9` is refused, not tried), and no infinities.
"""

import ast
import math
import operator
from collections.abc import Callable
from typing import Annotated, Any

from convstore.agents.tools import ToolError, tool

MAX_CHARS = 500
MAX_BITS = 4096  # about 1,200 digits: far more than anyone reads, far less than takes any time


def _round(number: int | float, digits: int = 0) -> int | float:
    """`round`, which works out 10 ** -digits for whole numbers: a large one never ends."""
    if abs(digits) > 100:
        raise ToolError("Round to at most 100 digits.")
    return round(number, digits) if digits else round(number)


_OPERATORS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "ceil": math.ceil,
    "cos": math.cos,
    "exp": math.exp,
    "floor": math.floor,
    "log": math.log,
    "log10": math.log10,
    "log2": math.log2,
    "max": max,
    "min": min,
    "round": _round,
    "sin": math.sin,
    "sqrt": math.sqrt,
    "tan": math.tan,
}
_CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}
_AS_WRITTEN_BY_PEOPLE = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-"})


@tool(repeatable=True, timeout_seconds=5)
def calculator(
    expression: Annotated[str, "Such as (17 * 23) / 4, 2 ** 10 or sqrt(2) * pi. Powers are written **."],
) -> str:
    """Work out an arithmetic expression exactly. Knows + - * / // % ** and abs, ceil, cos, exp, floor, log, log10,
    log2, max, min, round, sin, sqrt, tan, pi, e, tau."""
    return calculate(expression)


def calculate(expression: str) -> str:
    """The value of an arithmetic expression as text. Raises `ToolError` saying what is wrong with it."""
    if len(expression) > MAX_CHARS:
        raise ToolError(f"The expression is longer than {MAX_CHARS} characters.")
    try:
        tree = ast.parse(expression.translate(_AS_WRITTEN_BY_PEOPLE).strip(), mode="eval")
        value = _value(tree.body)
    except SyntaxError:
        raise ToolError("This is not an arithmetic expression.") from None
    except ZeroDivisionError:
        raise ToolError("Division by zero.") from None
    except (RecursionError, MemoryError):
        raise ToolError("The expression is nested too deeply.") from None
    except (ValueError, TypeError, OverflowError) as error:
        raise ToolError(f"This cannot be worked out: {error}.") from None
    # 15 significant digits are what a float holds for certain; so 0.1 + 0.2 reads 0.3.
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _value(node: ast.expr) -> int | float:
    match node:
        case ast.Constant(value=bool()):
            raise ToolError("True and False are not numbers.")
        case ast.Constant(value=int() | float() as number):
            return _bounded(number)
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand)
        case ast.BinOp(op=ast.BitXor()):
            raise ToolError("Powers are written **, not ^.")
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            a, b = _value(left), _value(right)
            _refuse_growth(op, a, b)
            return _bounded(_OPERATORS[type(op)](a, b))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            return _bounded(_FUNCTIONS[name](*[_value(arg) for arg in args]))
        case ast.Call(func=ast.Name(id=name)) | ast.Name(id=name):
            raise ToolError(f"The calculator does not know {name!r}.")
    raise ToolError("Only numbers, + - * / // % **, brackets and the listed functions can be used.")


def _refuse_growth(op: ast.operator, a: int | float, b: int | float) -> None:
    """Whole numbers have no overflow in Python; their size is judged before the operation."""
    if not (isinstance(a, int) and isinstance(b, int)):
        return
    if isinstance(op, ast.Pow) and abs(b) * max(a.bit_length(), 1) > MAX_BITS:
        raise ToolError("The result is too large.")
    if isinstance(op, ast.Mult) and a.bit_length() + b.bit_length() > MAX_BITS:
        raise ToolError("The result is too large.")


def _bounded(value: Any) -> int | float:
    if isinstance(value, int) and value.bit_length() <= MAX_BITS:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, complex):
        raise ToolError("The result is not a real number.")
    raise ToolError("The result is too large.")
