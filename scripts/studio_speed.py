"""How fast the studio is, beside the bars: the first view, panning over all images, stopping a training.

Usage: studio_speed.py; run it alone on the machine. A pan takes 5 s and moves at every frame; the map is laid out by
principal components. Exits with 1 where a bar is missed.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio_browser import open_chromium, open_studio

from fittingroom.backend import processor_name

ROUNDS = 5
SECONDS = 5
PATIENCE = 120_000  # milliseconds
FRAME_BAR = 1000 / 30  # milliseconds between frames
PAN = """async ([seconds, across, down]) => {
    const canvas = document.querySelector(".wall-canvas");
    const box = canvas.getBoundingClientRect();
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    const times = [];
    const frame = () => new Promise(requestAnimationFrame);
    const begun = await frame();
    for (let now = begun; now - begun < 1000 * seconds; now = await frame()) {
        const turn = (now - begun) / 1000;
        const place = { clientX: x + across * Math.sin(2 * turn), clientY: y + down * Math.sin(3 * turn) };
        canvas.dispatchEvent(new PointerEvent("pointermove", { pointerId: 1, bubbles: true, ...place }));
        times.push(now);
    }
    return times.slice(1).map((time, at) => time - times[at]);
}"""
DRAWN = """() => {
    const canvas = document.querySelector(".wall-canvas");
    if (!canvas || canvas.width < 2 || !document.querySelector(".wall-titles span")) return false;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height >> 1);
    const pixels = new Uint32Array(data.buffer);
    return new Set(pixels.filter((_, at) => at % 97 === 0)).size > 20;
}"""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: is measured.
        value: the less the better.
        unit: of it.
        bar: the most it may be; None where there is none.
        more: said beside it.
    """

    what: str
    value: float
    unit: str
    bar: float | None = None
    more: str = ""

    @property
    def is_missed(self) -> bool:
        """Whether there is a bar and it is not met."""
        return self.bar is not None and self.value > self.bar

    def line(self) -> str:
        """Return it as a line of a Markdown table."""
        bar = "" if self.bar is None else f"{self.bar:.3g} {self.unit}"
        return f"| {self.what} | {self.value:.3g} {self.unit} | {bar} | {self.more} |"


def new_page(browser: Any) -> Any:
    """Return a page of a visitor who was never here, 1440 x 900."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE)
    return page


def first_view(browser: Any, address: str) -> tuple[float, float, float]:
    """Return the seconds until a new visitor sees the page, the first pictures, and all of them."""
    page = new_page(browser)
    begun = time.perf_counter()
    page.goto(address, wait_until="commit")
    times = []
    for script in ("() => document.querySelector('#bar nav a[aria-current=page]')", DRAWN):
        page.wait_for_function(script, polling=20)
        times.append(time.perf_counter() - begun)
    page.get_by_text("70,000 images", exact=True).wait_for()
    times.append(time.perf_counter() - begun)
    page.context.close()
    return times[0], times[1], times[2]


def first_views(browser: Any, address: str) -> list[Row]:
    """Return the first view of a studio just started, and the medians of those after it."""
    cold = first_view(browser, address)
    warm = [
        statistics.median(times) for times in zip(*(first_view(browser, address) for _ in range(ROUNDS)), strict=True)
    ]
    return [
        Row("first view: the page", warm[0], "s", 1.5, f"{cold[0]:.3g} s in a studio just started"),
        Row(
            "first view: the first pictures on the wall", warm[1], "s", 1.5, f"{cold[1]:.3g} s in a studio just started"
        ),
        Row("all 70,000 images there", warm[2], "s", None, f"{cold[2]:.3g} s in a studio just started"),
    ]


def pan(page: Any, what: str) -> Row:
    """Return the median interval between frames while the pictures are dragged about."""
    box = page.locator(".wall-canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    intervals = sorted(page.evaluate(PAN, [SECONDS, box["width"] / 3, box["height"] / 3]))
    page.mouse.up()
    late = intervals[int(0.95 * len(intervals))]
    return Row(
        f"{SECONDS} s pan: {what}", statistics.median(intervals), "ms", FRAME_BAR, f"95th percentile {late:.3g} ms"
    )


def pans(browser: Any, address: str) -> list[Row]:
    """Return the pans over the wall and the map, from afar and close."""
    page = new_page(browser)
    page.goto(address)
    page.get_by_text("70,000 images", exact=True).wait_for()
    rows = [pan(page, "the wall, all 70,000")]
    page.get_by_role("button", name="Map").click()
    page.wait_for_function("() => !document.querySelector('.wall-titles span')")
    page.get_by_text("70,000 images", exact=True).wait_for()
    page.wait_for_timeout(1000)
    rows.append(pan(page, "the map, all 70,000"))
    for what, zooms in (("the map, as thumbnails appear", 4), ("the map, thumbnails close", 4)):
        for _ in range(zooms):
            page.get_by_role("button", name="Zoom in").click()
        rows.append(pan(page, what))
    page.context.close()
    return rows


def stopping(browser: Any, address: str) -> list[Row]:
    """Return how long it takes from the Stop button until the training has ended with a run that can be used."""
    page = new_page(browser)
    page.goto(f"{address}#/train")
    page.get_by_label("Epochs", exact=True).fill("50")
    page.get_by_role("button", name="Start training").click()
    page.get_by_text("2 of 50").wait_for()
    begun = time.perf_counter()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.locator(".live-head .badge.stopped").wait_for()
    took = time.perf_counter() - begun
    page.context.close()
    return [
        Row("Stop, until the run can be used", took, "s", 2.0, "the walk-through's network, 10,000 images held out")
    ]


def tell(*lines: str) -> None:
    """Print lines as soon as they are known."""
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure, print the table, and say by the exit code whether the bars are met."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_studio(Path(folder) / "runs") as address,
        open_chromium() as browser,
    ):
        tell(f"Debian's Chromium without a window, 1440 x 900; {processor_name()}; medians, {ROUNDS} first views.", "")
        tell("| what | measured | bar | |", "| --- | --- | --- | --- |")
        rows = []
        for part in (first_views, pans, stopping):
            found = part(browser, address)
            tell(*(row.line() for row in found))
            rows += found
    sys.exit(any(row.is_missed for row in rows))


if __name__ == "__main__":
    main()
