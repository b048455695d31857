"""The page of `jem-tf demo` in a headless Chromium; one failure alone is a stub's."""

import re
import shutil
import signal

import numpy as np
import pytest
from PIL import Image

from jem_tf import datasets
from jem_tf.runs import pretrained_models
from tests.processes import PATIENCE, forked

pytest.importorskip("flask")
pytest.importorskip("selenium")

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
SEVEN = [(0.2, 0.2), (0.8, 0.2), (0.6, 0.5), (0.45, 0.85)]  # shares of the canvas
COMMAND = ("-m", "jem_tf.commands.main", "demo", "--port=0")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (BROWSER and DRIVER),
        reason="there is no Chromium with its driver (Debian: chromium-driver)",
    ),
]


class Page:
    """The page in a browser, with the elements by their ids."""

    def __init__(self, driver):
        self.driver = driver

    def __getitem__(self, identity):
        return self.driver.find_element(By.ID, identity)

    def until(self, happened):
        return WebDriverWait(self.driver, PATIENCE, 0.05).until(lambda _: happened())

    def nearest(self):
        """The captions of the nearest pictures, once they are shown."""
        self.until(lambda: not self["waiting"].is_displayed())
        return [
            x.text for x in self["nearest"].find_elements(By.TAG_NAME, "figcaption")
        ]

    def questions(self):
        """How many pictures the page has asked about."""
        return self.driver.execute_script(
            "return performance.getEntriesByType('resource').filter("
            "one => one.name.endsWith('/classify')).length"
        )

    def films(self):
        """The pixels of the canvases on which chains are shown."""
        return self.driver.execute_script(
            "return [...document.querySelectorAll('#films canvas')].map("
            "c => [...c.getContext('2d').getImageData(0, 0, 8, 8).data])"
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The process of `jem-tf demo` with a packed run, and its address."""
    place = tmp_path_factory.mktemp("runs") / "my  digits"  # HTML would make one space
    shutil.copytree(pretrained_models.ROOT / "digits", place)
    with forked(*COMMAND, f"--model={place}") as process:
        said = []

        def is_there():
            said[:] = re.findall(r"http://127\.0\.0\.1:\d+", process.said()[0])
            return said

        process.until(is_there, pause=0.1)
        yield process, said[0]


@pytest.fixture(scope="module")
def page(server):
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    try:
        driver.get(server[1])
        page = Page(driver)
        page.until(lambda: "trained on digits" in page["about"].text)
        yield page
        log = [one for one in driver.get_log("browser") if one["level"] == "SEVERE"]
        assert all("415" in one["message"] for one in log), log  # it refused a file
    finally:
        driver.quit()


def draw(page, points):
    canvas = page["canvas"]
    width, height = canvas.size["width"], canvas.size["height"]
    hand = ActionChains(page.driver, duration=10)
    for number, (x, y) in enumerate(points):
        place = (x - 0.5) * width, (y - 0.5) * height
        hand.move_to_element_with_offset(canvas, *place)
        if not number:
            hand.click_and_hold()
    hand.release().perform()


def test_a_drawn_seven_is_a_seven_that_it_knows(page):
    draw(page, SEVEN)
    page.until(lambda: page["verdict"].text)
    assert page["verdict"].text == "I know this."
    assert page["judge"].text == "judged by the model's own score log_px"
    assert page["choice"].text.startswith("Its class: 7, with confidence")
    assert page.nearest().count("7") >= 6
    page["clear"].click()
    assert not page["answer"].is_displayed()


def test_only_a_stroke_by_the_first_button_is_asked_about(page):
    page["clear"].click()
    before, canvas = page.questions(), page["canvas"]
    hand = ActionChains(page.driver, duration=10)
    hand.click_and_hold(page["clear"]).move_to_element(canvas).release().perform()
    no_menu = "addEventListener('contextmenu', event => event.preventDefault())"
    page.driver.execute_script(no_menu)  # which would take the next click
    ActionChains(page.driver, duration=10).context_click(canvas).perform()
    draw(page, SEVEN)
    page.until(lambda: page["choice"].text.startswith("Its class: 7,"))
    page.nearest()
    assert page.questions() == before + 1


def test_a_failure_of_the_nearest_hides_no_answer(page):
    page.driver.execute_script(
        "window.own = window.fetch; window.fetch = (address, ...more) =>"
        "address === '/nearest' ? Promise.reject() : window.own(address, ...more)"
    )
    try:
        page["examples"].find_element(By.TAG_NAME, "button").click()
        page.until(lambda: page["failure"].text)
    finally:
        page.driver.execute_script("window.fetch = window.own")
    assert page["failure"].text.startswith("The server does not answer.")
    assert page["choice"].text.startswith("Its class: 0,")
    assert not page["waiting"].is_displayed()
    assert not page["nearest"].find_elements(By.TAG_NAME, "figure")


def test_noise_is_not_known(page):
    *_, noise = page["examples"].find_elements(By.TAG_NAME, "button")
    noise.click()
    page.until(lambda: page["verdict"].text == "I don’t know this.")  # noqa: RUF001
    assert page["choice"].text.startswith("If it had to choose:")


def test_a_file_is_classified_and_one_that_is_none_is_refused(page, tmp_path):
    test = datasets.load("digits").test
    picture, label = np.asarray(test.images[0])[..., 0], int(test.labels[0])
    Image.fromarray(picture).save(tmp_path / "digit.png")
    page["file"].send_keys(str(tmp_path / "digit.png"))
    page.until(lambda: page["choice"].text.startswith(f"Its class: {label},"))
    page.nearest()
    (tmp_path / "notes.png").write_text("no picture")
    page["file"].send_keys(str(tmp_path / "notes.png"))
    page.until(lambda: page["failure"].text)
    assert page["failure"].text.startswith("This file cannot be read as a picture")
    assert not page["answer"].is_displayed()


def test_chains_walk_from_noise_to_the_class_by_the_slider(page):
    Select(page["label"]).select_by_visible_text("3")
    page["draw"].click()
    page.until(lambda: page["chains"].is_displayed())
    assert page["step"].text == "Step 400 of 400"
    says = page["films"].find_elements(By.TAG_NAME, "figcaption")
    assert [one.text.split(",")[0] for one in says] == ["3"] * 4
    ends = page.films()
    slider = page["slider"]
    slider.send_keys("\ue011")  # the key Home
    assert page["step"].text == "Step 0 of 400"
    begins = page.films()
    assert all(begin != end for begin, end in zip(begins, ends, strict=True))
    slider.send_keys("\ue010")  # the key End
    assert page.films() == ends


def test_ctrl_c_ends_it(server):
    process, _ = server
    process.signal(signal.SIGINT)
    code, out, err = process.end()
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "ended"
