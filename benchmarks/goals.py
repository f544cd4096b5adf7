"""What a benchmark wants, and whether it is so."""

from collections.abc import Mapping

from attrs import frozen


@frozen
class Goal:
    """A ratio and where it should lie."""

    what: str
    bound: float
    at_most: bool = False

    def is_met(self, value: float) -> bool:
        return value <= self.bound if self.at_most else value >= self.bound

    def line(self, value: float) -> str:
        side = "at most" if self.at_most else "at least"
        return f"{self.what}: {value:.2f} (goal: {side} {self.bound:g}{'' if self.is_met(value) else '; missed'})"


def judged(goals: Mapping[str, Goal], values: Mapping[str, float]) -> bool:
    """Prints a line for each goal that was tried. Whether all of those are met."""
    for what, goal in goals.items():
        if what in values:
            print(goal.line(values[what]), flush=True)
    return all(goal.is_met(values[what]) for what, goal in goals.items() if what in values)
