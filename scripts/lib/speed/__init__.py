"""What scripts/speed measures: a module for each section, whose `rows(lab)` yields the rows of the table."""
