"""Queries of the hot paths, whose SQL Django writes once instead of at each call.

Writing the SQL of a small query takes Django ten times as long as the database takes to answer it,
and an upload asks some twenty. The queries themselves stay querysets, written where they belong.
"""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Value
from django.db.models.query import ModelIterable, get_related_populators
from django.db.models.sql import UpdateQuery
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError

Row = TypeVar("Row")
_Reader = Callable[[Sequence[Any]], Any]


@dataclass(frozen=True)
class _Argument:
    """Stands in the parameters of a statement for what is given at each call."""

    position: int


class _Statement:
    """SQL with places for arguments.

    Arguments are texts, numbers, UUIDs and times. None and lists have other SQL, so they are none.
    """

    def __init__(self, build: Callable[..., Any]) -> None:
        self._build = build
        self._arity = len(inspect.signature(build).parameters)

    def _built(self) -> Any:
        return self._build(*[Value(_Argument(position)) for position in range(self._arity)])

    def _filled(
        self, parameters: Sequence[Any], arguments: Sequence[Any], connection: BaseDatabaseWrapper
    ) -> list[Any]:
        if len(arguments) != self._arity:
            raise TypeError(f"There are {self._arity} places for {len(arguments)} arguments.")
        return [
            _adapted(arguments[one.position], connection) if isinstance(one, _Argument) else one
            for one in parameters
        ]


class Prepared(_Statement, Generic[Row]):
    """A query with places for arguments.

    Args:
        build: makes the queryset, of models or of `values_list`, from its arguments. It is called
            once, with placeholders, so it looks neither at them nor at anything that changes.
    """

    def __init__(self, build: Callable[..., models.QuerySet[Any, Row]]) -> None:
        super().__init__(build)

    def all(self, *arguments: Any) -> list[Row]:
        """The rows.

        Raises:
            TypeError: if there are more or fewer arguments than places, or one is of another kind.
            TransactionManagementError: if the query locks rows, outside of a transaction.
        """
        using, sql, parameters, locks, read = self._compiled
        connection = connections[using]
        if locks and not connection.in_atomic_block:
            raise TransactionManagementError("Rows are locked within transactions only.")
        with connection.cursor() as cursor:
            cursor.execute(sql, self._filled(parameters, arguments, connection))
            return [read(row) for row in cursor.fetchall()]

    def first(self, *arguments: Any) -> Row | None:
        """The first row, or None. How many are read at most, the query says."""
        return next(iter(self.all(*arguments)), None)

    def exists(self, *arguments: Any) -> bool:
        """Whether there is any row."""
        return bool(self.all(*arguments))

    @cached_property
    def _compiled(self) -> tuple[str, str, tuple[Any, ...], bool, _Reader]:
        queryset = self._built()
        compiler = queryset.query.get_compiler(queryset.db)
        sql, parameters = compiler.as_sql()
        locks = queryset.query.select_for_update
        return queryset.db, sql, parameters, locks, _reader(queryset, compiler)


class PreparedUpdate(_Statement):
    """An UPDATE with places for arguments.

    Args:
        build: makes the queryset, and the new values by the names of their fields. It is called
            once, with placeholders.
    """

    def __init__(self, build: Callable[..., tuple[models.QuerySet[Any], dict[str, Any]]]) -> None:
        super().__init__(build)

    def __call__(self, *arguments: Any) -> int:
        """How many rows there were.

        Raises:
            TypeError: if there are more or fewer arguments than places, or one is of another kind.
        """
        using, sql, parameters = self._compiled
        connection = connections[using]
        with connection.cursor() as cursor:
            cursor.execute(sql, self._filled(parameters, arguments, connection))
            return int(cursor.rowcount)

    @cached_property
    def _compiled(self) -> tuple[str, str, tuple[Any, ...]]:
        queryset, values = self._built()
        query = queryset.query.chain(UpdateQuery)
        query.add_update_values(values)
        sql, parameters = query.get_compiler(queryset.db).as_sql()
        return queryset.db, sql, parameters


class PreparedInsert:
    """An INSERT of rows of a model, as they are: no `save` is called and no signal is sent.

    What the database works out by itself is not read back, except a number that is the key.
    """

    def __init__(self, model: type[models.Model]) -> None:
        self._model = model

    def __call__(self, *rows: models.Model) -> None:
        """Store rows, in one statement."""
        start, values_of_one, fields, key = self._compiled
        connection = connections[router.db_for_write(self._model)]
        values = [
            field.get_db_prep_save(field.pre_save(row, add=True), connection)
            for row in rows
            for field in fields
        ]
        end = f" RETURNING {connection.ops.quote_name(key.column)}" if key else ""
        with connection.cursor() as cursor:
            cursor.execute(f"{start}{', '.join([values_of_one] * len(rows))}{end}", values)
            for row, returned in zip(rows, cursor.fetchall() if key else [], strict=False):
                row.pk = returned[0]
        for row in rows:
            row._state.adding, row._state.db = False, connection.alias

    @cached_property
    def _compiled(self) -> tuple[str, str, list[Any], Any]:
        meta = self._model._meta
        key = meta.pk if isinstance(meta.pk, models.AutoField | models.BigAutoField) else None
        fields = [one for one in meta.concrete_fields if one is not key and not one.generated]
        quote: Any = connections[router.db_for_write(self._model)].ops.quote_name
        columns = ", ".join(quote(one.column) for one in fields)
        start = f"INSERT INTO {quote(meta.db_table)} ({columns}) VALUES "  # noqa: S608  (names of the model)
        return start, f"({', '.join(['%s'] * len(fields))})", fields, key


def _adapted(value: Any, connection: BaseDatabaseWrapper) -> Any:
    """A value as Django's fields would hand it to this database."""
    if isinstance(value, (str, int)):
        return value
    if isinstance(value, uuid.UUID):
        return value if connection.features.has_native_uuid_field else value.hex
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    raise TypeError(f"{type(value).__name__} is no kind of argument.")


def _reader(queryset: Any, compiler: SQLCompiler) -> _Reader:
    """What makes a row of the database into what the queryset would give."""
    converters = list(compiler.get_converters([one[0] for one in compiler.select]).items())
    make = _maker(queryset, compiler) if queryset._iterable_class is ModelIterable else tuple
    connection = compiler.connection

    def read(row: Sequence[Any]) -> Any:
        values = list(row)
        for position, (functions, expression) in converters:
            for function in functions:
                values[position] = function(values[position], expression, connection)
        return make(values)

    return read


def _maker(queryset: Any, compiler: SQLCompiler) -> _Reader:
    """What makes an instance, with those that `select_related` names, from values."""
    using, info, select = queryset.db, compiler.klass_info, compiler.select
    start, end = info["select_fields"][0], info["select_fields"][-1] + 1
    names = [one[0].target.attname for one in select[start:end]]
    related = get_related_populators(info, select, using)  # type: ignore[call-arg]  # of Django 6

    def make(values: Sequence[Any]) -> Any:
        instance = info["model"].from_db(using, names, values[start:end])
        for populator in related:
            populator.populate(values, instance)
        for name, position in compiler.annotation_col_map.items():
            setattr(instance, name, values[position])
        return instance

    return make
