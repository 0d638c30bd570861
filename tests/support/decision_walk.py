"""A world for the decision core to live in, small enough that a test can visit all of it.

The core is composed with a gateway, a second reviewer, the agent, a network and a machine that may crash. Every one of
them may move at any moment, as often as it likes: losses, delays and crashes are not counted. A request whose answer
was lost may still arrive at any later time, or never. `walk` visits every state that can be reached so and asserts the
promises R1 to R9 of docs/safety.md in each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from mm_tui.decision.effects import Call
from mm_tui.decision.machine import can_undo
from mm_tui.decision.state import Outcome
from tests.support.decision_program import Program
from tests.support.decision_promises import check_state
from tests.support.decision_surroundings import gateway, network, other_people
from tests.support.decision_world import Broken, Scope, World, tidy


@dataclass
class Count:
    """What a walk has seen."""

    states: int = 0
    transitions: int = 0
    endings: int = 0
    outcomes: frozenset[Outcome] = frozenset()


class Walker:
    """Visits everything in a scope."""

    def __init__(self, scope: Scope) -> None:
        self.program = Program(scope)
        self._numbers: dict[object, int] = {}

    def key(self, world: World) -> tuple[object, ...]:
        """A short name of the world, equal for equal worlds."""
        numbers = self._numbers
        past = tuple(id(self.program.one(state)) for state in world.past)
        parts = (world.mails, world.wire, world.doing, world.memory)
        return (
            *[numbers.setdefault(part, len(numbers)) for part in parts],
            id(world.state),
            id(world.saved),
            isinstance(world.doing, Call) and can_undo(world.before),
            world.text,
            past,
        )

    def walk(self) -> Count:
        """Breadth first, so that a broken promise is shown by a shortest way."""
        start = self.program.beginning()
        index = {self.key(start): 0}
        queue = deque([(0, start)])
        came_from: list[int] = [0]
        before: list[list[int]] = [[]]
        how: list[str] = [""]
        over: list[int] = []
        outcomes: set[Outcome] = set()
        transitions = 0
        while queue:
            number, world = queue.popleft()
            if world.state.ended:
                over.append(number)
                assert world.state.outcome is not None
                outcomes.add(world.state.outcome)
            name = ""
            try:
                for name, following in self.moves(world):
                    transitions += 1
                    check_state(following)
                    if following is world:
                        continue
                    following = tidy(following)
                    key = self.key(following)
                    known = index.get(key)
                    if known is None:
                        known = len(index)
                        index[key] = known
                        came_from.append(number)
                        before.append([])
                        how.append(name)
                        queue.append((known, following))
                    before[known].append(number)
            except Broken as broken:
                way = [name]
                while number:
                    way.append(how[number])
                    number = came_from[number]
                raise Broken(f"{broken}\n  after: " + "\n         ".join(reversed(way))) from None
        self.all_can_end(over, before)
        return Count(len(index), transitions, len(over), frozenset(outcomes))

    def all_can_end(self, over: list[int], before: list[list[int]]) -> None:
        """From everywhere some end can be reached: nothing hangs for ever by itself."""
        reached = set(over)
        queue = deque(over)
        while queue:
            for number in before[queue.popleft()]:
                if number not in reached:
                    reached.add(number)
                    queue.append(number)
        if len(reached) != len(before):
            raise Broken(f"{len(before) - len(reached)} states can never end")

    def moves(self, world: World) -> Iterator[tuple[str, World]]:
        """Everything that may happen next."""
        yield from network(self.program.scope, world)
        yield from gateway(self.program.scope, world)
        if world.state.ended:
            # Nobody reads the gateway any more: others may do what they like unseen. Our own late requests may not.
            yield from self.program.another_act(world)
            return
        if self.program.scope.others:
            yield from other_people(self.program.scope, world)
        if world.state.closing:
            yield from self.program.closing(world)
            return
        yield from self.program.driver(world)
        yield from self.program.human(world)
        yield "crash", self.program.crashed(world)
