"""Tests of the page in a real browser, headless: what a visitor does, and what they see."""

import shutil
from urllib.parse import urlsplit

import pytest
from PIL import Image

from tests.serve.conftest import draw_seven, to_bytes

pytestmark = pytest.mark.slow

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install '.[browser]'")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("needs chromium: apt-get install chromium", allow_module_level=True)

STROKE = [(0.28, 0.26), (0.42, 0.25), (0.56, 0.25), (0.7, 0.26), (0.64, 0.4), (0.56, 0.56), (0.5, 0.7), (0.46, 0.82)]
PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
SECONDS = 30_000  # milliseconds; generous, for the machine may be busy


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, client):
    """Open the page; at the end nothing may have been asked of another host, and nothing complained of."""
    asked, complaints, contexts = [], [], []

    def go(path="/", **options):
        context = browser.new_context(base_url=f"http://127.0.0.1:{client.port}", **options)
        context.set_default_timeout(SECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda line: line.type in ("error", "warning") and complaints.append(line.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        if path == "/":
            page.wait_for_function("document.querySelectorAll('#drawn .bars li').length === 10")
        return page

    yield go
    for context in contexts:
        context.close()
    assert {urlsplit(url).netloc for url in asked if not url.startswith("blob:")} == {f"127.0.0.1:{client.port}"}
    # The browser itself remarks upon refused pictures, and upon tests that look at pixels more than once.
    own = ("responded with a status of 4", "willReadFrequently")
    assert [line for line in complaints if not any(words in line for words in own)] == []


def place(page, x, y):
    box = page.locator("#pad").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def draw(page, points=STROKE):
    page.mouse.move(*place(page, *points[0]))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*place(page, *point), steps=4)
    page.mouse.up()


def expect_digit(page, digit, within="#drawn"):
    playwright.expect(page.locator(f"{within} .digit")).to_have_text(str(digit), timeout=SECONDS)


def ink_of(page):
    """Count the painted pixels of the pad."""
    return page.evaluate(
        "() => { const pad = document.getElementById('pad');"
        "const data = pad.getContext('2d').getImageData(0, 0, pad.width, pad.height).data;"
        "return data.filter((value, place) => place % 4 === 3 && value > 128).length; }"
    )


def violations(page):
    """List what axe-core holds for serious, on the page as it stands."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    found = axe.Axe().run(page).response["violations"]
    return [
        (each["id"], [node["html"] for node in each["nodes"]])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def test_a_drawn_seven_is_read(visit):
    page = visit()
    assert page.locator("#pad-hint").is_visible()
    draw(page)
    expect_digit(page, 7)
    answer = page.locator("#drawn")
    assert answer.get_attribute("data-kind") == "sure"
    assert "sure" in answer.locator(".verdict").inner_text()
    assert answer.locator(".bars li").count() == 10
    assert answer.locator(".bars li.best .of").inner_text() == "7"
    widths = answer.locator(".bars i").evaluate_all("bars => bars.map(bar => bar.style.transform)")
    assert max(float(width[7:-1]) for width in widths) > 0.5
    assert not page.locator("#pad-hint").is_visible()
    playwright.expect(page.locator("#said")).to_contain_text("7.")


def test_what_the_model_saw_is_shown_with_words(visit):
    page = visit()
    small = [(0.1 + x / 4, 0.1 + y / 4) for x, y in STROKE]
    page.locator("#width").fill("8")
    draw(page, small)
    playwright.expect(page.locator("#drawn .seen p")).to_contain_text("ff center, moved", timeout=SECONDS)
    lit = page.locator("#drawn .pixels").evaluate(
        "canvas => canvas.getContext('2d').getImageData(0, 0, 28, 28).data"
        ".filter((value, place) => place % 4 === 0 && value > 128).length"
    )
    assert lit > 20


def test_undo_and_clear_take_strokes_back(visit):
    page = visit()
    undo, clear = page.locator("#undo"), page.locator("#clear")
    assert undo.is_disabled()
    assert clear.is_disabled()
    draw(page)
    one = ink_of(page)
    draw(page, [(0.3, 0.55), (0.7, 0.55)])
    two = ink_of(page)
    assert two > one > 0
    undo.click()
    assert ink_of(page) == one
    expect_digit(page, 7)
    draw(page, [(0.3, 0.55), (0.7, 0.55)])
    clear.click()
    assert ink_of(page) == 0
    expect_digit(page, "?")
    assert undo.is_disabled()
    assert page.locator("#pad").evaluate("pad => pad === document.activeElement")


def test_the_line_gets_as_wide_as_asked(visit):
    page = visit()
    draw(page)
    thin = ink_of(page)
    page.locator("#clear").click()
    page.locator("#width").fill("40")
    draw(page)
    assert ink_of(page) > 1.5 * thin


def test_a_finger_draws_too(visit):
    page = visit(**PHONE)
    session = page.context.new_cdp_session(page)
    page.locator("#pad").scroll_into_view_if_needed()
    for kind, points in (("touchStart", STROKE[:1]), *(("touchMove", [each]) for each in STROKE), ("touchEnd", [])):
        touches = [dict(zip("xy", place(page, *point), strict=True)) for point in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
    expect_digit(page, 7)


def test_a_scribble_is_not_passed_off_as_a_digit(visit):
    page = visit()
    draw(page, [(0.1 + 0.8 * (step % 2), 0.1 + 0.8 * ((step * 7) % 11) / 11) for step in range(24)])
    playwright.expect(page.locator("#drawn")).to_have_attribute("data-kind", "none", timeout=SECONDS)
    assert "digit" in page.locator("#drawn .verdict").inner_text()


def upload(name, content):
    return {"name": name, "mimeType": "image/png", "buffer": content}


def test_three_chosen_files_are_read_and_can_be_removed(visit, seven):
    page = visit()
    broken = upload("broken.png", seven[:80])
    page.locator("#files").set_input_files([upload("a.png", seven), upload("b.png", seven), broken])
    cards = page.locator(".picture")
    assert cards.count() == 3
    expect_digit(page, 7, ".picture:nth-child(1)")
    expect_digit(page, 7, ".picture:nth-child(2)")
    playwright.expect(cards.nth(2).locator(".wrong")).to_contain_text("cannot be decoded", timeout=SECONDS)
    cards.nth(0).get_by_role("button", name="Remove a.png").click()
    assert cards.count() == 2
    assert page.evaluate("document.activeElement.ariaLabel") == "Remove b.png"
    assert page.locator("#camera").get_attribute("capture") == "environment"


SEND = """([event, contents]) => {
  const carried = new DataTransfer();
  contents.forEach((content, place) => {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    carried.items.add(new File([bytes], `${place}.png`, { type: 'image/png' }));
  });
  const options = { bubbles: true, cancelable: true };
  if (event === 'paste') {
    document.body.dispatchEvent(new ClipboardEvent('paste', { ...options, clipboardData: carried }));
  } else {
    for (const name of ['dragenter', 'dragover', 'drop']) {
      document.getElementById('drop').dispatchEvent(new DragEvent(name, { ...options, dataTransfer: carried }));
    }
  }
}"""


@pytest.mark.parametrize(("event", "n_files"), [("drop", 3), ("paste", 1)])
def test_dropped_and_pasted_pictures_are_read(visit, seven, event, n_files):
    import base64

    page = visit()
    page.evaluate(SEND, [event, [base64.b64encode(seven).decode()] * n_files])
    assert page.locator(".picture").count() == n_files
    for number in range(1, n_files + 1):
        expect_digit(page, 7, f".picture:nth-child({number})")
    assert "over" not in (page.locator("#drop").get_attribute("class") or "").split()


def test_a_page_is_shown_with_boxes_and_text_to_copy(visit, page):
    opened = visit(permissions=["clipboard-read", "clipboard-write"])
    opened.locator("#files").set_input_files([upload("page.png", page)])
    text = opened.locator(".picture pre")
    playwright.expect(text).to_have_text("7777\n7777", timeout=SECONDS)
    assert opened.locator(".picture .box.sure").count() == 8
    picture, box = opened.locator(".view img").bounding_box(), opened.locator(".box").first.bounding_box()
    assert picture["x"] <= box["x"] < picture["x"] + picture["width"] / 4
    opened.get_by_role("button", name="Copy").click()
    playwright.expect(opened.get_by_role("button", name="Copied")).to_be_visible()
    assert opened.evaluate("navigator.clipboard.readText()") == "7777\n7777"
    opened.locator(".view svg").focus()
    opened.keyboard.press("ArrowRight")
    assert opened.locator(".box").nth(1).get_attribute("class").split()[-1] == "chosen"
    opened.locator(".box").nth(5).click()
    assert opened.locator(".box").nth(5).get_attribute("class").split()[-1] == "chosen"
    opened.get_by_role("button", name="Read as one digit").click()
    playwright.expect(opened.locator(".picture .bars")).to_be_visible(timeout=SECONDS)
    playwright.expect(opened.get_by_role("button", name="Read as a page")).to_be_visible(timeout=SECONDS)


def test_the_keyboard_alone_will_do(visit):
    page = visit()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    for _ in range(8):
        if page.evaluate("document.activeElement.id") == "pad":
            break
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "pad"
    for key, times in (("ArrowLeft", 5), ("ArrowUp", 6), (" ", 1), ("ArrowRight", 9), ("ArrowDown", 1)):
        for _ in range(times):
            page.keyboard.press(key)
    for _ in range(5):
        for key in ("ArrowDown", "ArrowDown", "ArrowLeft"):
            page.keyboard.press(key)
    page.keyboard.press(" ")
    expect_digit(page, 7)
    page.keyboard.press("Control+z")
    expect_digit(page, "?")
    reached = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    assert {"width", "files", "model-name"} <= reached


def test_the_page_about_the_model_shows_its_card(visit):
    page = visit("/model")
    playwright.expect(page.locator(".confusion tbody tr")).to_have_count(10, timeout=SECONDS)
    assert page.locator(".confusion .right").count() == 10
    assert "%" in page.locator(".score").inner_text()
    assert "MNIST" in page.locator("main").inner_text()
    page.get_by_role("link", name="Read", exact=True).click()
    playwright.expect(page.locator("#pad")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/model"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("phone", [False, True])
def test_it_fits_and_axe_finds_nothing_serious(visit, seven, path, scheme, phone):
    page = visit(path, color_scheme=scheme, **(PHONE if phone else {}))
    if path == "/":
        draw(page)
        expect_digit(page, 7)
        blank = to_bytes(Image.new("L", (90, 60), 255))
        page.locator("#files").set_input_files([upload("a.png", seven), upload("blank.png", blank)])
        playwright.expect(page.locator(".picture[aria-busy]")).to_have_count(0, timeout=SECONDS)
    else:
        playwright.expect(page.locator(".confusion")).to_be_visible(timeout=SECONDS)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every((level) => level < 60)")
    assert dark == (scheme == "dark")
    assert violations(page) == []


def test_nothing_moves_for_those_who_ask_for_that(visit):
    page = visit(reduced_motion="reduce")
    durations = page.locator(".bar i").evaluate_all("bars => bars.map(bar => getComputedStyle(bar).transitionDuration)")
    assert set(durations) <= {"0s", ""}


def test_a_server_that_has_gone_is_said_to_have(browser, client):
    page = browser.new_context(base_url=f"http://127.0.0.1:{client.port}").new_page()
    page.goto("/")
    page.route("**/api/v1/predict", lambda route: route.abort())
    draw(page)
    playwright.expect(page.locator("#drawn .verdict")).to_contain_text("does not answer", timeout=SECONDS)
    page.unroute("**/api/v1/predict")
    draw(page, [(0.5, 0.5), (0.51, 0.51)])
    expect_digit(page, 7)
    page.context.close()


def test_white_ink_is_turned_over_and_said_so(visit):
    page = visit()
    page.locator("#files").set_input_files([upload("white.png", to_bytes(draw_seven(ink=255, paper=0)))])
    playwright.expect(page.locator(".picture .seen p")).to_contain_text("urned over", timeout=SECONDS)
