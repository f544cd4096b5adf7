"""Statements that are executed for every event: compiled once, and given to the driver as they are.

What SQLAlchemy does for each execution costs many times what the driver does for a small one. A statement is prepared
where its text is always the same; lists of wanted values are one value of it.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from attrs import field, frozen
from msgspec.json import encode
from sqlalchemy import ARRAY, ColumnElement, Dialect, Executable, Insert, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

Values = Mapping[str, Any]

STEPS: Final = (64, 16, 4, 1)
"""So many rows go into one statement of SQLite, whose driver lets go of the interpreter at every step."""


class among(ColumnElement[bool]):  # noqa: N801 - a function of SQL
    """Whether a column has one of the wanted values, which are given as a list under ``name``."""

    inherit_cache = True
    _traverse_internals: list[Any] = []  # noqa: RUF012 - SQLAlchemy's

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        self.wanted = bindparam(name, type_=ARRAY(column.type))


@compiles(among, "sqlite")
def _among_in_sqlite(element: among, compiler: SQLCompiler, **options: Any) -> str:
    column, wanted = compiler.process(element.column, **options), compiler.process(element.wanted, **options)
    return f"{column} IN (SELECT value FROM json_each({wanted}))"  # noqa: S608 - both are made by the compiler


@compiles(among, "postgresql")
def _among_in_postgresql(element: among, compiler: SQLCompiler, **options: Any) -> str:
    column, wanted = compiler.process(element.column, **options), compiler.process(element.wanted, **options)
    return f"{column} = ANY({wanted})"


@frozen(eq=False)
class Prepared:
    """A statement of this module. Give it as it is to ``Session``."""

    statement: Executable
    _compiled: dict[Any, "Compiled"] = field(init=False, factory=dict)

    def compiled(self, dialect: Dialect, names: Iterable[str] = ()) -> "Compiled":
        """For this database; of an insert, for rows with these ``names``."""
        key = dialect.name, tuple(names) if isinstance(self.statement, Insert) else ()
        known = self._compiled.get(key)
        if known is None:
            known = self._compiled[key] = Compiled.of(self.statement, dialect, key[1])
        return known


@frozen(eq=False)
class Compiled:
    """A statement as the driver of a database takes it. ``order`` are the names of its values, by position; ``None``
    where the driver takes them by name. ``always`` are the values that stand in the statement itself."""

    text: str
    order: tuple[str, ...] | None
    always: Values
    _rows: dict[int, str] = field(init=False, factory=dict)

    @classmethod
    def of(cls, statement: Executable, dialect: Dialect, names: Sequence[str]) -> "Compiled":
        compiled = statement.compile(dialect=dialect, **({"column_keys": list(names)} if names else {}))  # type: ignore[attr-defined]  # every statement has it
        assert isinstance(compiled, SQLCompiler)  # noqa: S101 - it is no change of the schema
        always = {name: value for name, value in compiled.params.items() if value is not None}
        return cls(str(compiled), tuple(compiled.positiontup) if compiled.positiontup is not None else None, always)

    def given(self, values: Values) -> Any:
        """These values as the driver takes them."""
        if self.order is None:
            return {**self.always, **values}
        return [_given(values[name] if name in values else self.always.get(name)) for name in self.order]

    def steps(self, rows: Sequence[Values]) -> Iterable[tuple[str, list[Any]]]:
        """Inserting these rows, many with each statement."""
        assert self.order is not None  # noqa: S101 - SQLite's way
        start = 0
        for number in STEPS:
            while len(rows) - start >= number:
                yield self._text_of(number), [row[name] for row in rows[start : start + number] for name in self.order]
                start += number

    def _text_of(self, number: int) -> str:
        if number not in self._rows:
            one = f"({', '.join('?' * len(self.order or ()))})"
            self._rows[number] = self.text.replace(f"VALUES {one}", f"VALUES {', '.join([one] * number)}", 1)
        return self._rows[number]


def _given(value: Any) -> Any:
    return encode(value).decode() if isinstance(value, list | tuple | set | frozenset) else value


@cache
def row_class(names: tuple[str, ...]) -> Callable[[Iterable[Any]], Any]:
    """Makes rows with these names of what the driver gives."""
    made: Any = namedtuple("Row", names)  # type: ignore[misc]  # as the statement names them
    return made._make
