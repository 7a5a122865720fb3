"""The report in a browser: page.html and page.js."""

import shutil

import numpy as np
import pytest

from jaxdigits.report import write_report

pytestmark = pytest.mark.slow

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install '.[browser]'")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("needs chromium: apt-get install chromium", allow_module_level=True)

PHONE = {"viewport": {"width": 360, "height": 740}}
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>"


class Guesser:
    """Takes the first class for the second twice, and the second for the third once."""

    classes_ = np.array(["one", "two", EVIL])
    history_ = ({"epoch": 1, "loss": 1.0, "accuracy": 0.5}, {"epoch": 2, "loss": 0.5, "accuracy": 0.75})

    def predict_proba(self, X):
        return np.tile([[0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.2, 0.2, 0.6], [0.2, 0.7, 0.1]], (len(X) // 4, 1))


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    images = np.kron(np.arange(4)[:, None, None] + 1, np.eye(8))
    write_report(Guesser(), images, ["one", "one", "two", "two"], path)
    return path.as_uri()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, address):
    """Open the report; at the end nothing may have been fetched, and nothing complained of or run by a label."""
    troubles, contexts = [], []

    def go(**options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("dialog", lambda dialog: (troubles.append(dialog.message), dialog.dismiss()))
        page.on(
            "request", lambda asked: None if asked.url.startswith(("file:", "data:")) else troubles.append(asked.url)
        )
        page.goto(address)
        return page

    yield go
    for context in contexts:
        context.close()
    assert not troubles


def opened(page):
    return page.eval_on_selector_all("details[open]", "boxes => boxes.map(box => box.id)")


def test_a_click_on_a_cell_opens_its_mistakes_and_closes_the_others(visit):
    page = visit()
    assert opened(page) == ["cell-0-1"]
    page.locator(".confusion a[href='#cell-1-2']").click()
    playwright.expect(page.locator("#cell-1-2 img")).to_be_visible()
    assert opened(page) == ["cell-1-2"]
    assert page.locator(".confusion [aria-current]").get_attribute("href") == "#cell-1-2"


def test_the_keyboard_alone_will_do_and_the_way_back_works(visit):
    page = visit()
    page.locator(".confusion a[href='#cell-1-2']").focus()
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#cell-1-2 summary")).to_be_focused()
    page.locator(".confusion a[href='#cell-0-1']").focus()
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#cell-0-1 summary")).to_be_focused()
    page.go_back()
    playwright.expect(page.locator("#cell-1-2 summary")).to_be_focused()


def test_without_script_everything_can_be_read(visit):
    page = visit(java_script_enabled=False)
    page.locator("#cell-1-2 summary").click()
    assert page.locator("#cell-1-2 img").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_bars_nobody(visit, scheme):
    page = visit(color_scheme=scheme, **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["viewport"]["width"]
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    found = axe.Axe().run(page).response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []
