"""Where pictures are painted: Matplotlib's figures without its global state, fonts, colours, and the finished bytes.

Nothing here opens a window or touches pyplot. The same picture is the same file: no date, no random names.
"""

from __future__ import annotations

import html
import io
import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from derive.derivation import Text
from derive.errors import InputError, MissingDependency

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

SIZE = (10.0, 4.7)  # inches; on a slide about a sixth larger
DOTS = {"png": 160, "gif": 80}  # for each inch
FRAMES, FRAME = 40, 100  # at most so many pictures in a .gif, each for so many milliseconds
FORMATS = ("svg", "png", "pdf", "gif")
PLACES = 8  # behind the point, of a number that is printed exactly
INSTALL = "pip install 'symstep[plot]'"
HANGUL = (
    "NanumGothic", "NanumBarunGothic", "Noto Sans CJK KR", "Noto Sans KR", "Apple SD Gothic Neo", "Malgun Gothic",
    "Pretendard", "UnDotum",
)  # fmt: skip

# Okabe and Ito: told apart by readers with any colour vision, each with a line style and a marker of its own.
BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#1d2430",
)  # fmt: skip
QUIET = "#586170"
SERIES: tuple[tuple[str, str, str], ...] = (
    (BLUE, "-", "o"), (RED, "--", "s"), (GREEN, "-.", "^"), (PURPLE, ":", "D"),
    (ORANGE, (0, (5, 1)), "v"), (BLACK, (0, (1, 1)), "x"),
)  # type: ignore[assignment]  # fmt: skip

_STYLE: dict[str, Any] = {
    "font.size": 14, "axes.titlesize": 14, "axes.labelsize": 14, "legend.fontsize": 12.5, "xtick.labelsize": 12.5,
    "ytick.labelsize": 12.5, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "grid.color": "#e3e6ea", "grid.linewidth": 0.8, "axes.axisbelow": True, "axes.edgecolor": QUIET,
    "axes.labelcolor": BLACK, "text.color": BLACK, "xtick.color": QUIET, "ytick.color": QUIET, "lines.linewidth": 2.2,
    "legend.frameon": True, "legend.framealpha": 0.92, "legend.edgecolor": "#dfe3e9", "mathtext.fontset": "dejavusans",
    "svg.fonttype": "path", "svg.hashsalt": "symstep", "pdf.fonttype": 3,
    "savefig.facecolor": "white", "figure.facecolor": "white",
}  # fmt: skip


class Moving(NamedTuple):
    """A line that grows from frame to frame in a .gif."""

    line: Line2D
    x: Any
    y: Any


Say = Callable[[Text], str]


class Scene(NamedTuple):
    """A picture before it is painted: its words, its numbers, and what puts it on a figure.

    `draw` gets the figure and what chooses the language of a text; it returns the lines that grow in a .gif.
    """

    alt: Text
    figures: dict[str, float]
    draw: Callable[[Figure, Say], Sequence[Moving]]


def number(value: float | Fraction) -> str:
    """A number as it is printed in pictures and their words: what was given exactly, what was computed with 3 figures.

    A fraction is a decimal where that ends, else itself; a long one is cut, which three dots tell.

    >>> number(0.17647), number(2455065941.0), number(1.6e-7), number(999.9)
    ('0.176', '2,460,000,000', '1.6e-07', '1,000')
    >>> number(Fraction(1999, 2)), number(Fraction(2, 11)), number(Fraction(10**9 + 1, 3 * 10**12))
    ('999.5', '2/11', '0.00033333...')
    """
    if isinstance(value, Fraction):
        return _exact(value)
    value = float(f"{value:.3g}") or 0.0  # no minus before a zero
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e12 else f"{value:.3g}"


def _exact(value: Fraction) -> str:
    places = next((at for at in range(PLACES + 1) if (value * 10**at).denominator == 1), None)
    if places is not None:
        return f"{Decimal(int(value * 10**places)).scaleb(-places):,f}"
    shown = f"{value.numerator}/{value.denominator}"
    if len(shown) <= PLACES + 2:
        return shown
    return f"{Decimal(int(value * 10**PLACES)).scaleb(-PLACES):,f}..."


def tex(value: float | Fraction) -> str:
    r"""The same inside a formula.

    >>> tex(1.6e-7), tex(2455065941)
    ('1.6\\cdot 10^{-7}', '2{,}460{,}000{,}000')
    """
    digits, power, exponent = number(value).partition("e")
    digits = digits.replace(",", "{,}").replace("...", r"\ldots")
    return rf"{digits}\cdot 10^{{{int(exponent)}}}" if power else digits


def log_scale(axes: Axes, which: str = "y", ticks: Sequence[float] = ()) -> None:
    """A logarithmic axis of what is drawn already: with these ticks, or with powers of ten where it spans two of them.

    Their minus signs are in the math font, as a Hangul font may have none.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

    getattr(axes, f"set_{which}scale")("log")
    axis = getattr(axes, f"{which}axis")
    low, high = axis.get_view_interval()
    if ticks or math.floor(math.log10(high)) <= math.ceil(math.log10(low)):
        axis.set_major_locator(FixedLocator(ticks) if ticks else MaxNLocator(4))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.10g}".replace("-", "\N{MINUS SIGN}")))
    else:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"$10^{{{math.log10(value):.0f}}}$"))
    axis.set_minor_formatter(NullFormatter())
    if ticks:
        axis.set_minor_locator(NullLocator())


def log_ticks(axes: Axes, values: Any) -> None:
    """A logarithmic axis for these positive numbers, with round numbers at its ends."""
    if len(values):
        ticks = round_ticks(float(values.min()), float(values.max()))
        log_scale(axes, ticks=ticks)
        axes.set_ylim(ticks[0], ticks[-1])


def round_ticks(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, 20 ... from below `low` to above `high`, or every power of ten where they are many.

    >>> round_ticks(0.03, 0.4)
    [0.02, 0.05, 0.1, 0.2, 0.5]
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    every = max(1, (last - first) // 5)
    digits = (1, 2, 5) if last - first <= 3 else (1,)
    found = [float(f"{digit}e{power}") for power in range(first, last + every, every) for digit in digits]
    begin = max((at for at, tick in enumerate(found) if tick <= low), default=0)
    end = min((at for at, tick in enumerate(found) if tick >= high and at > begin), default=len(found) - 1)
    return found[begin : end + 1]


def paint(scene: Scene, lang: str, format: str, warnings: list[str]) -> bytes:
    """The picture as bytes in one of FORMATS.

    Raises MissingDependency where Matplotlib is not installed, InputError for a .gif of what does not move. Without a
    Hangul font the labels are English, which is told in `warnings`.
    """
    try:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependency(f"pictures need matplotlib: {INSTALL}") from None
    families = ["DejaVu Sans"]
    if lang == "ko":
        if font := hangul_font():
            families.insert(0, font)
        else:
            lang = "en"
            _once(warnings, "no Hangul font is installed, so the picture is in English: apt-get install fonts-nanum")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # not what a matplotlibrc of this machine says
        style: Any = _STYLE | {"font.family": families}
        matplotlib.rcParams.update(style)
        figure = Figure(figsize=SIZE, layout="constrained")
        FigureCanvasAgg(figure)
        moving = scene.draw(figure, lambda text: text.in_(lang))
        if format == "gif":
            return _animation(figure, moving)
        out = io.BytesIO()
        figure.savefig(out, format=format, dpi=DOTS.get(format, 72), metadata=_METADATA[format])
    content = out.getvalue()
    return _plain_svg(content.decode("utf-8"), scene.alt.in_(lang)).encode("utf-8") if format == "svg" else content


_METADATA: dict[str, dict[str, Any]] = {
    "svg": dict.fromkeys(("Date", "Creator", "Format", "Type")),
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": "symstep plot", "Producer": None},
}


def _once(warnings: list[str], warning: str) -> None:
    if warning not in warnings:
        warnings.append(warning)


def hangul_font() -> str:
    """The first of the known Hangul fonts that Matplotlib finds, or nothing."""
    from matplotlib import font_manager

    def known() -> str:
        names = {font.name for font in font_manager.fontManager.ttflist}
        return next((name for name in HANGUL if name in names), "")

    if not (found := known()):  # the list of fonts is kept in a file, which may be older than the font
        for path in font_manager.findSystemFonts():
            if re.search(r"nanum(barun)?gothic(bold)?\.ttf$", path.lower()):
                font_manager.fontManager.addfont(path)
        found = known()
    return found


def _plain_svg(text: str, alt: str) -> str:
    """Without the document type and the metadata, which name addresses; with the words for who cannot see it."""
    text = re.sub(r"<!DOCTYPE.*?>\s*", "", text, flags=re.S)
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r' d="[^"]*"', lambda path: _DECIMALS.sub(_short, path[0]), text)
    words = html.escape(alt, quote=True)
    return re.sub(r"<svg ([^>]*)>", rf'<svg \1 role="img">\n <title>{words}</title>', text, count=1)


_DECIMALS = re.compile(r"-?[0-9]+\.[0-9]{3,}")


def _short(decimal: re.Match[str]) -> str:
    """A coordinate of a path to a hundredth of a point, which nobody sees, and which halves the file."""
    return f"{float(decimal[0]):.2f}".rstrip("0").rstrip(".")


def _animation(figure: Figure, moving: Sequence[Moving]) -> bytes:
    """A .gif in which the moving lines grow; what stands still is painted once."""
    if not moving:
        raise InputError("nothing moves in this picture", remedy="write it as .svg or .png")
    from PIL import Image

    figure.set_dpi(DOTS["gif"])
    canvas: Any = figure.canvas
    for part in moving:
        part.line.set_animated(True)  # left out of what stands still
    canvas.draw()
    still = canvas.copy_from_bbox(figure.bbox)
    longest = max(len(part.x) for part in moving)
    images = []
    for frame in range(min(FRAMES, longest)):
        share = (frame + 1) / min(FRAMES, longest)
        canvas.restore_region(still)
        for part in moving:
            shown = max(1, round(share * len(part.x)))
            part.line.set_data(part.x[:shown], part.y[:shown])
            assert part.line.axes is not None
            part.line.axes.draw_artist(part.line)
        rgb = Image.fromarray(_pixels(canvas))
        images.append(rgb.convert("P", palette=Image.Palette.ADAPTIVE, colors=64))
    out = io.BytesIO()
    images[0].save(
        out, "GIF", save_all=True, append_images=images[1:], duration=[FRAME] * (len(images) - 1) + [25 * FRAME], loop=0
    )
    return out.getvalue()


def _pixels(canvas: Any) -> Any:
    import numpy as np

    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
