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


def breaches(page) -> list[str]:
    """What axe-core finds wrong: its rule, and where."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response
    assert len(found["passes"]) > 10, "axe-core looked at nothing"
    wrong = [(each["id"], node) for each in found["violations"] for node in each["nodes"]]
    return [f"{rule}: {node['target']} {node['failureSummary']}" for rule, node in wrong]


def overhang(page) -> int:
    """By how many pixels a page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def ink(page, canvas) -> tuple[int, int, int]:
    """Columns, rows and number of a canvas's light pixels, seen from its middle row and column outwards."""
    return tuple(
        page.evaluate(
            """(name) => {
            const canvas = document.querySelector(name);
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const [columns, rows] = [new Set(), new Set()];
            let count = 0;
            for (let at = 0; at < data.length / 4; at++) {
                if (data[4 * at] < 128) continue;
                columns.add(at % canvas.width);
                rows.add(Math.floor(at / canvas.width));
                count += 1;
            }
            return [columns.size, rows.size, count];
        }""",
            canvas,
        )
    )


def without_jobs(page) -> None:
    """Wait until the studio has no long work under way that an earlier test began: it takes so many at once."""
    page.wait_for_function(
        "fetch('api/jobs').then((told) => told.json()).then((all) => !all.some((one) => one.kind === 'job'))"
    )
