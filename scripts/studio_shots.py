"""Draw the studio's parts for docs/studio.md, each on a wide screen and on a phone: `make studio-shots`.

Usage: studio_shots.py [--runs FOLDER] [PART...]. Real images, and two runs trained for it (or those in FOLDER, with an
audit beside them); what is tried on is a made-up photo.
"""

from __future__ import annotations

import argparse
import base64
import io
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from studio_browser import open_chromium, open_studio

import fittingroom as fr

IMAGES = Path(__file__).parent.parent / "docs" / "images"
WIDE, PHONE, GAP = (1440, 900), (360, 800), 24
PATIENCE = 180_000  # milliseconds
QUALITY = 80
SWEPT = "&vary.learning_rate=0.0002..0.02....log&vary.optimizer=rmsprop,adam"
DROP = """async (content) => {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], "photo", { type: "image/jpeg" }));
    document.querySelector(".drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
}"""


def train_two(runs: Path) -> None:
    """Train the walk-through and rung 90, and test them."""
    data = fr.load()
    for name, recipe in {"walkthrough": None, "rung-90": "90"}.items():
        if not (runs / name).exists():
            fr.evaluate(fr.train(data=data, recipe=recipe, validation=10_000, out=runs / name), data)


def audit_one(runs: Path) -> None:
    """Audit what the better run held out, where there is no audit yet."""
    folder = runs.parent / "audits" / "fashion-mnist-rung-90"
    if not (folder / "audit.json").exists():
        fr.audit_dataset(run=runs / "rung-90", out=folder)


def made_up_photo() -> bytes:
    """Return a test picture of a pullover, enlarged, on a bright floor: no camera's photo, but read like one."""
    data = fr.load()
    article = data.test.images[np.flatnonzero(data.test.labels == 2)[0]]
    values = cv2.resize(article, (420, 420), interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255
    solid = cv2.GaussianBlur((values > 0.08).astype(np.float32), (0, 0), 3)[..., None]
    scene = np.random.default_rng(1).normal((205, 190, 165), 5, (520, 520, 3))
    cloth = (1 - values[..., None]) * np.array([235, 175, 150])[::-1] + 15
    scene[50:470, 50:470] = scene[50:470, 50:470] * (1 - solid) + cloth * solid
    file = io.BytesIO()
    Image.fromarray(np.clip(scene, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=92)
    return file.getvalue()


def show_data(page: Any, address: str) -> None:
    """Open the map by what the better run sees, and an image of it."""
    page.goto(f"{address}#/data")
    page.get_by_text("70,000 images", exact=True).wait_for()
    page.get_by_label("Model", exact=True).select_option(label="rung-90")
    asks = page.get_by_role("button", name="Ask it about all 70,000 images")
    answers = page.get_by_label("Answers", exact=True)
    asks.or_(answers).first.wait_for(state="attached")
    if asks.count():
        asks.click()
    answers.wait_for(state="attached")
    page.get_by_role("button", name="Map").click()
    page.wait_for_function("() => !document.querySelector('.wall-titles span')")
    if page.viewport_size["width"] > PHONE[0]:
        page.get_by_label("Open image by index").fill("45592")
        page.get_by_role("button", name="Open", exact=True).click()
        page.locator(".wall-panel .thumb").first.wait_for()


def show_curate(page: Any, address: str) -> None:
    """Open a suspect of the audit; on a phone the sheet, of which two are marked."""
    page.goto(f"{address}#/data")
    page.get_by_text("70,000 images", exact=True).wait_for()
    page.goto(f"{address}#/curate")
    page.locator(".curate-large .picture").wait_for()
    if page.viewport_size["width"] > PHONE[0]:
        page.keyboard.press("ArrowRight")
        return
    page.keyboard.press("v")
    for key in (" ", "ArrowRight", " "):
        page.keyboard.press(key)


def show_training(page: Any, address: str) -> None:
    """Start a training, and wait until its curves are there."""
    page.goto(f"{address}#/train")
    page.locator(".live-head h2, .train-live .empty").first.wait_for()
    if not page.locator(".live-head h2").count():
        page.get_by_label("Epochs", exact=True).fill("20")
        page.get_by_role("button", name="Start training").click()
    page.get_by_text("8 of 20").wait_for()
    if page.viewport_size["width"] == PHONE[0]:
        page.locator(".train-live").scroll_into_view_if_needed()
        page.evaluate("scrollTo(0, document.querySelector('.train-live').offsetTop - 70)")


def show_sweep(page: Any, address: str) -> None:
    """Start a small sweep, and wait until some of its trials have ended."""
    page.goto(f"{address}#/sweep?trials=24&finalists=2&fresh=2&set.epochs=1&vary.batch_size=32..512..32..{SWEPT}")
    page.locator(".live-head h2, .train-live .empty").first.wait_for()
    if not page.locator(".live-head h2").count():
        page.get_by_role("button", name="Start the sweep").click()
    page.wait_for_function("() => document.querySelectorAll('.sweep-trials tbody tr').length >= 16")
    if page.viewport_size["width"] == PHONE[0]:
        page.evaluate("scrollTo(0, document.querySelector('.train-live').offsetTop - 70)")


def show_look(page: Any, address: str) -> None:
    """Open the walk-through's pictures of the better run, beside the other."""
    page.goto(f"{address}#/look/rung-90?against=walkthrough")
    page.locator(".pair").first.wait_for()


def show_try(page: Any, address: str) -> None:
    """Drop a photo."""
    page.goto(f"{address}#/try")
    page.locator(".drop").wait_for()
    page.evaluate(DROP, base64.b64encode(made_up_photo()).decode())
    page.locator(".steps img").first.wait_for()
    if page.viewport_size["width"] == PHONE[0]:
        page.evaluate("scrollTo(0, document.querySelector('.try-right').offsetTop - 70)")


def show_runs(page: Any, address: str) -> None:
    """Open the table."""
    page.goto(f"{address}#/runs")
    page.locator("table.runs tbody tr").first.wait_for()


PARTS = {
    "data": show_data,
    "curate": show_curate,
    "look": show_look,
    "try": show_try,
    "train": show_training,
    "sweep": show_sweep,
    "runs": show_runs,
}


def shot(browser: Any, address: str, part: str, size: tuple[int, int]) -> Image.Image:
    """Return a picture of a part in a window of a size."""
    viewport = {"width": size[0], "height": size[1]}
    page = browser.new_context(viewport=viewport, color_scheme="light", reduced_motion="reduce").new_page()
    page.set_default_timeout(PATIENCE)
    PARTS[part](page, address)
    page.wait_for_timeout(1500)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    page.context.close()
    return picture


def end_training(browser: Any, address: str, part: str) -> None:
    """Stop the training or sweep that was begun for the pictures; it would outlive the studio."""
    page = browser.new_page()
    page.goto(f"{address}#/{part}")
    page.locator(".live-head .badge").wait_for()
    if page.locator(".live-head .badge.running").count():
        page.get_by_role("button", name="Stop", exact=True).click()
        page.locator(".live-head .badge:not(.running)").wait_for()


def side_by_side(wide: Image.Image, phone: Image.Image) -> Image.Image:
    """Return both pictures on one sheet."""
    sheet = Image.new("RGB", (wide.width + GAP + phone.width, max(wide.height, phone.height)), "#dcd8ce")
    sheet.paste(wide, (0, 0))
    sheet.paste(phone, (wide.width + GAP, 0))
    return sheet


def main() -> None:
    """Train where needed, take the pictures, and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, help="a folder whose runs are shown instead of fresh ones")
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all where none is named")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - PARTS.keys():
        parser.error(f"expected parts of {', '.join(PARTS)}, received {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as folder:
        runs, parts = asked.runs or Path(folder) / "runs", asked.parts or list(PARTS)
        if set(parts) - {"try", "train", "sweep"}:
            train_two(runs)
        if "curate" in parts:
            audit_one(runs)
        with open_studio(runs) as address, open_chromium() as browser:
            for part in parts:
                sheet = side_by_side(*(shot(browser, address, part, size) for size in (WIDE, PHONE)))
                sheet.save(IMAGES / f"studio-{part}.webp", quality=QUALITY, method=6)
                if part in ("train", "sweep"):
                    end_training(browser, address, part)


if __name__ == "__main__":
    main()
