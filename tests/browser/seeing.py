"""What the browser tests share: expecting something on a page, and what is drawn on a canvas."""


def expect(found):
    """Playwright's own, imported late: the tests are collected on machines that lack it too."""
    from playwright.sync_api import expect as expectation

    return expectation(found)


def drawn(page, canvas=".wall-canvas") -> float:
    """The share of a canvas that does not have the colour of its first pixel."""
    return page.evaluate(
        """async (name) => {
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            const canvas = document.querySelector(name);
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const pixels = new Uint32Array(data.buffer);
            return pixels.reduce((sum, value) => sum + (value !== pixels[0]), 0) / pixels.length;
        }""",
        canvas,
    )
