"""State machines as tables: which state an action leads to from which, and what people read of it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

from app.values.reason import Reason

State = TypeVar("State", bound=Hashable)
Action = TypeVar("Action", bound=str)


class Moves(Generic[State, Action]):
    """What may be done with a thing in each of its states, and what becomes of it; never changed.

    A state is a word, or several that change together, the first of them the one people read. A thing ``begins`` in
    some of its states. Nobody asks for moves it makes ``by_itself``; an action ``beside`` the moves changes no state.
    """

    def __init__(
        self,
        table: Mapping[State, Mapping[Action, State]],
        *,
        begins: Collection[State],
        states_zh: Mapping[str, str],
        actions_zh: Mapping[Action, str],
        by_itself: Mapping[State, Mapping[str, State]] | None = None,
        beside: Mapping[State, Sequence[Action]] | None = None,
        published: object = None,
    ) -> None:
        self._table = table
        self._allowed = {state: (*moves, *(beside or {}).get(state, ())) for state, moves in table.items()}
        self._all = {state: {**moves, **(by_itself or {}).get(state, {})} for state, moves in table.items()}
        self.begins = frozenset(begins)
        self.states_zh, self.actions_zh = states_zh, actions_zh
        self.published = self._all if published is None else published

    @property
    def states(self) -> tuple[State, ...]:
        """Every state, in the order of the table."""
        return tuple(self._table)

    @property
    def open(self) -> tuple[State, ...]:
        """The states some move leads out of, by itself or not."""
        return tuple(state for state, moves in self._all.items() if moves)

    @property
    def reached(self) -> frozenset[State]:
        """The states a thing can come into."""
        reached, new = set(self.begins), set(self.begins)
        while new:
            new = {to for state in new for to in self._all[state].values()} - reached
            reached |= new
        return frozenset(reached)

    def allowed(self, state: State, mine: Collection[Action] | None = None) -> list[Action]:
        """Return what a state allows, to somebody who may do no more than ``mine``."""
        return [action for action in self._allowed.get(state, ()) if mine is None or action in mine]

    def allows(self, state: State, action: Action) -> bool:
        """Whether a state allows an action."""
        return action in self._allowed.get(state, ())

    def to(self, state: State, action: Action) -> State:
        """Return the state an action leads to that is allowed and is a move."""
        return self._table[state][action]

    def describe_state(self, state: State) -> Reason:
        """Say in which state a thing is."""
        word = state if isinstance(state, str) else state[0]  # type: ignore[index]
        return Reason(code=f"state_{word}", zh=f"当前状态：{self.states_zh[word]}", en=f"the state is {word}")

    def describe_allowed(self, state: State) -> Reason:
        """Say what the state of a thing allows."""
        allowed = self.allowed(state)
        zh = "、".join(self.actions_zh[action] for action in allowed) or "无"
        return Reason(code="allowed_actions", zh=f"可执行：{zh}", en=f"allowed: {', '.join(allowed) or 'nothing'}")
