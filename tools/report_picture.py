"""Draw docs/report.png, parts of the report that ``make run`` writes: ``make picture``.

Needs Chromium, websocket-client and Pillow (which Matplotlib brings).
"""

from __future__ import annotations

import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

import browser  # noqa: E402
from tools.evaluate_data import REPORT  # noqa: E402

PICTURE = ROOT / "docs" / "report.png"
#: The width of the page, and the room around its parts.
WIDTH, ROOM = 860, 24
#: From where to where, in the left and in the right half.
HALVES = (
    (("h1", "#loss-1-worst"),),
    (("#forecasts-1", "#forecasts-1-groups"), ("#forecasts-2", "#forecasts-2-groups")),
)
_TOP = "document.querySelector('{}').getBoundingClientRect().top + scrollY"


def main() -> None:
    """Open the report, and put its parts side by side."""
    with tempfile.TemporaryDirectory() as folder, browser.browsing(Path(folder)) as page:
        page.show(WIDTH)
        page.open((ROOT / REPORT).as_uri())
        shot = Path(folder, "shot.png")
        page.picture(shot)
        whole = Image.open(BytesIO(shot.read_bytes())).convert("RGB")
        halves = [
            [
                whole.crop(
                    (0, max(int(page.ask(_TOP.format(begin))) - ROOM, 0), WIDTH,
                     int(page.ask(_TOP.format(end))) - ROOM)
                )
                for begin, end in parts
            ]
            for parts in HALVES
        ]  # fmt: skip
    height = max(sum(part.height for part in half) for half in halves)
    picture = Image.new("RGB", (WIDTH * len(halves), height), whole.getpixel((0, 0)))
    for place, half in enumerate(halves):
        top = 0
        for part in half:
            picture.paste(part, (WIDTH * place, top))
            top += part.height
    picture.quantize(64, dither=Image.Dither.NONE).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
