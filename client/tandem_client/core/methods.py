"""Plans as methods of both clients, with the types of each.

    class Projects(Group[M]):
        @call
        def get(self, project: int) -> Plan[Project]: ...

`client.projects.get(1)` is a Project of the Client, and to be awaited of the AsyncClient.
"""

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

from tandem_client.core.plans import Plan

P = ParamSpec("P")
T = TypeVar("T")


class Sync:
    """Marks groups of a Client."""


class Async:
    """Marks groups of an AsyncClient."""


M = TypeVar("M", Sync, Async)


class Session(Protocol):
    """Runs plans."""

    def run(self, plan: Plan[Any]) -> Any:
        """What the plan returns."""

    def iterate(self, plan: Plan[None]) -> Any:
        """What the plan emits."""


class Group(Generic[M]):
    """Operations about one thing."""

    def __init__(self, session: Session) -> None:
        self._session = session


class call(Generic[P, T]):
    """A plan with a result."""

    def __init__(self, plan: Callable[Concatenate[Any, P], Plan[T]]) -> None:
        self._plan = plan
        self.__doc__ = plan.__doc__

    @overload
    def __get__(self, group: None, owner: type) -> "call[P, T]": ...
    @overload
    def __get__(self, group: Group[Sync], owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, group: Group[Async], owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, group: Any, owner: type) -> Any:
        if group is None:
            return self

        def method(*arguments: Any, **named: Any) -> Any:
            return group._session.run(self._plan(group, *arguments, **named))

        return update_wrapper(method, self._plan.__get__(group, owner))

    def plan(self, group: Any, *arguments: P.args, **named: P.kwargs) -> Plan[T]:
        """The plan itself, for use within another one."""
        return self._plan(group, *arguments, **named)


@dataclass(frozen=True, slots=True)
class Flow(Generic[T]):
    """A plan that emits items of this type."""

    plan: Plan[None]


class flow(Generic[P, T]):
    """A plan that emits items."""

    def __init__(self, flowing: Callable[Concatenate[Any, P], Flow[T]]) -> None:
        self._flowing = flowing
        self.__doc__ = flowing.__doc__

    @overload
    def __get__(self, group: None, owner: type) -> "flow[P, T]": ...
    @overload
    def __get__(self, group: Group[Sync], owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, group: Group[Async], owner: type) -> Callable[P, AsyncGenerator[T, None]]: ...
    def __get__(self, group: Any, owner: type) -> Any:
        if group is None:
            return self

        def method(*arguments: Any, **named: Any) -> Any:
            return group._session.iterate(self._flowing(group, *arguments, **named).plan)

        return update_wrapper(method, self._flowing.__get__(group, owner))
