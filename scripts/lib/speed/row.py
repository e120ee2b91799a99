"""One line of the table: a figure, and what it should be."""

import dataclasses
import operator

COMPARED = {">=": operator.ge, "<=": operator.le}


@dataclasses.dataclass
class Row:
    """`key` tells the row apart within its section, as in `get/64/hyper`; `command` measures it again.

    `value` is a ratio, or has the `unit` that is named; it is None where nothing was measured, and `note` then says why.
    `goal` is `>= 0.9` or `<= 10`, in the same unit, or empty where nothing was promised.
    """

    key: str
    what: str
    value: float | None
    goal: str
    command: str
    unit: str = ""
    note: str = ""

    @property
    def met(self):
        """Whether the goal is reached; None where there is none, or no figure."""
        if not self.goal or self.value is None:
            return None
        compared, limit = self.goal.split()
        return COMPARED[compared](self.value, float(limit))

    @property
    def figure(self):
        if self.value is None:
            return "not measured"
        digits = 0 if self.value >= 1000 else 1 if self.value >= 100 else 2
        return f"{self.value:,.{digits}f}{' ' + self.unit if self.unit else ''}"

    @property
    def verdict(self):
        return {None: "", True: "met", False: "MISSED"}[self.met]
