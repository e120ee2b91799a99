"""The table, on the terminal as it grows and as Markdown at the end."""


class Table:
    def __init__(self):
        self.sections = []

    def begin(self, name, about):
        about = " ".join((about or "").split())
        self.sections.append((name, about, []))
        print(f"== {name}: {about}", flush=True)

    def add(self, row):
        self.sections[-1][2].append(row)
        goal = f"goal {row.goal} {row.unit}".rstrip() if row.goal else ""
        print(f"{row.what:<66} {row.figure:>14}  {goal:<16} {row.verdict:<7} {row.note}\n    {row.command}", flush=True)

    def summary(self):
        rows = [row for _, _, rows in self.sections for row in rows]
        verdicts = [row.met for row in rows]
        missed = verdicts.count(False)
        print(f"\n{len(rows)} rows: {verdicts.count(True)} goals met, {missed} missed, "
              f"{sum(row.value is None for row in rows)} not measured")
        for row in rows:
            if row.met is False:
                print(f"  MISSED  {row.what}: {row.figure}, goal {row.goal}")

    def markdown(self):
        lines = []
        for name, about, rows in self.sections:
            lines += [f"### {name}", "", about, "", "| what | figure | goal | | measured | again |", "|---|--:|--:|---|---|---|"]
            for row in rows:
                goal = f"{row.goal} {row.unit}".strip()
                lines.append(f"| {row.what} | {row.figure} | {goal} | {row.verdict} | {row.note} | `{row.command}` |")
            lines.append("")
        return "\n".join(lines)
