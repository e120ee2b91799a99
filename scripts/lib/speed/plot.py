"""Lines in a plot with two logarithmic axes, as SVG."""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 860, 460
LEFT, RIGHT, TOP, BOTTOM = 70, 330, 40, 50
COLOURS = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf"]
UNITS = [(1, "s"), (1e-3, "ms"), (1e-6, "µs")]


def log_log(title, lines):
    """A plot of lines by name, each a list of pairs: a number and seconds."""
    numbers = [x for points in lines.values() for x, _ in points]
    times = [y for points in lines.values() for _, y in points]
    x_low, x_high = math.floor(math.log10(min(numbers))), math.ceil(math.log10(max(numbers)))
    y_low, y_high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))

    def across(x):
        return LEFT + (math.log10(x) - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)

    def down(y):
        return HEIGHT - BOTTOM - (math.log10(y) - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="15">{escape(title)}</text>',
    ]
    for power in range(x_low, x_high + 1):
        at = across(10.0**power)
        out.append(f'<path d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>')
        out.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{10**power:,}</text>')
    for power in range(y_low, y_high + 1):
        at = down(10.0**power)
        out.append(f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{duration(power)}</text>')
    # Names stand at the ends of their lines, or below the one before where there is no room.
    room = TOP
    for colour, (name, points) in zip(COLOURS, sorted(lines.items(), key=lambda line: -line[1][-1][1])):
        path = " ".join(f"{across(x):.1f},{down(y):.1f}" for x, y in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{across(x):.1f}" cy="{down(y):.1f}" r="3" fill="{colour}"/>' for x, y in points]
        room = max(room + 15, down(points[-1][1]) + 4)
        out.append(f'<text x="{WIDTH - RIGHT + 10}" y="{room:.1f}" fill="{colour}">{escape(name)}</text>')
    return "\n".join([*out, "</svg>", ""])


def duration(power):
    """A power of ten seconds in words."""
    size, unit = next(each for each in UNITS if 10.0**power >= each[0] * 0.999)
    return f"{round(10.0**power / size)} {unit}"
