"""The marks a chart is made of: outlines as SVG paths, and the elements that carry them."""

from html import escape


def number(value: float) -> str:
    """One decimal, and none where it is zero."""
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")


def path(kind: str, outline: str, title: str = "") -> str:
    """An outline with its class, and the words that a pointer resting on it shows."""
    told = f"<title>{escape(title)}</title>" if title else ""
    return f'<path class="{kind}" d="{outline}">{told}</path>' if told else f'<path class="{kind}" d="{outline}"/>'


def text(kind: str, x: float, y: float, words: str, anchor: str = "start") -> str:
    """Words at a place."""
    placed = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="{kind}" x="{number(x)}" y="{number(y)}"{placed}>{escape(words)}</text>'


def rectangle(kind: str, x: float, y: float, width: float, height: float) -> str:
    """A filled rectangle."""
    sides = f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
    return f'<rect class="{kind}" {sides}/>'


def disc(x: float, y: float, size: float) -> str:
    """A night inside the range."""
    r = round(3 * size, 1)  # two half circles only meet where twice the radius is as written
    arc = f"a{number(r)} {number(r)} 0 1 0 "
    return f"M{number(x - r)} {number(y)}{arc}{number(2 * r)} 0{arc}{number(-2 * r)} 0Z"


def diamond(x: float, y: float, size: float) -> str:
    """A night outside the range."""
    r = number(4 * size)
    return f"M{number(x)} {number(y - 4 * size)}l{r} {r}l-{r} {r}l-{r} -{r}Z"


def cross(x: float, y: float) -> str:
    """A night that is missing."""
    return f"M{number(x - 2.5)} {number(y - 2.5)}l5 5m0-5l-5 5"


def division(x: float, y: float) -> str:
    """A value that came and was left out."""
    dots = "".join(f"M{number(x - 0.7)} {number(y + above)}h1.4" for above in (-3, 3))
    return f"M{number(x - 3)} {number(y)}h6{dots}"


def flag(x: float, y: float) -> str:
    """Something noted: a pole that stands on y, and its cloth."""
    return f"M{number(x)} {number(y)}v-10h6l-2 2.5 2 2.5h-4.8v5Z"


def bell(x: float, y: float) -> str:
    """The moment of telling."""
    body = f"M{number(x - 5)} {number(y + 3)}h10c-1.5-1.2-1.7-2.6-1.7-4.5a3.3 3.3 0 0 0-6.6 0c0 1.9-.2 3.3-1.7 4.5Z"
    return f"{body}M{number(x - 1.4)} {number(y + 4.4)}a1.5 1.5 0 0 0 2.8 0Z"


def arrow(x: float, y: float, *, up: bool) -> str:
    """The way to a value beyond the scale."""
    return f"M{number(x - 3.5)} {number(y)}h7l-3.5 {-5 if up else 5}Z"


def vertical(x: float, top: float, bottom: float) -> str:
    """A line down."""
    return f"M{number(x)} {number(top)}V{number(bottom)}"
