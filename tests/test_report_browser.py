"""The report in a real Chromium: what people see and do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from made import official_results, write_tasks

from bigcodebench_tasks.cli import main

pytest.importorskip("matplotlib", reason="needs the extra report")
selenium = pytest.importorskip("selenium.webdriver", reason="needs the PyPI package selenium")
if not (shutil.which("chromium") and shutil.which("chromedriver")):
    pytest.skip("needs Debian's packages chromium and chromium-driver", allow_module_level=True)

from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.remote.webdriver import WebDriver  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

HOSTILE = "<img src=x onerror=document.title='hacked'></script><script>document.title='hacked'</script>"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty tasks with two samples each, in both splits; the answers of one are hostile."""
    folder = tmp_path_factory.mktemp("report")
    outcomes = {n: [("pass", "fail", "timeout")[n % 3], "fail"] for n in range(40)}
    for split in ("complete", "instruct"):
        file = official_results(folder / "out", "some/model", outcomes, split=split)
        content = json.loads(file.read_text())
        content["eval"]["Made/7"][0].update(solution=f"x = 1\n# {HOSTILE}\n", details={HOSTILE: HOSTILE})
        file.write_text(json.dumps(content))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIGCODEBENCH_OVERRIDE_PATH", str(write_tasks(folder / "tasks.jsonl", 40)))
        assert main(["report", str(folder / "out"), "--dest", str(folder / "page.html")]) == 0
    return folder / "page.html"


@pytest.fixture(scope="module")
def chromium() -> Iterator[WebDriver]:
    options = selenium.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    # No sandbox of its own: containers forbid it, and it shows our page alone.
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1300,1000"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = selenium.Chrome(options, selenium.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: WebDriver, page: Path) -> WebDriver:
    chromium.get("about:blank")
    chromium.set_window_size(1300, 1000)
    chromium.get_log("browser")
    chromium.get_log("performance")
    chromium.get(page.as_uri())
    return chromium


def rows(browser: WebDriver) -> list[str]:
    return [row.text for row in browser.find_elements(By.CSS_SELECTOR, "#tasks tbody tr")]


def wait_for(browser: WebDriver, text: str) -> None:
    WebDriverWait(browser, 20).until(lambda driver: text in driver.find_element(By.CSS_SELECTOR, "#task h2").text)


def open_task(browser: WebDriver, task_id: str) -> None:
    browser.find_element(By.LINK_TEXT, task_id).send_keys(Keys.ENTER)
    wait_for(browser, task_id)


def test_the_page_opens_without_an_error_and_asks_for_nothing(browser: WebDriver) -> None:
    assert len(rows(browser)) == 40
    assert browser.find_element(By.ID, "model").text == "some/model"
    assert "17.5" in browser.find_element(By.ID, "cards").text
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}
    assert asked == {browser.current_url}
    assert len(browser.find_elements(By.CSS_SELECTOR, "figure svg")) == 4
    assert sum(figure.is_displayed() for figure in browser.find_elements(By.CSS_SELECTOR, "figure")) == 2


def test_filters_search_and_sorting_choose_rows(browser: WebDriver) -> None:
    Select(browser.find_element(By.NAME, "status")).select_by_visible_text("timeout")
    assert len(rows(browser)) == 13
    Select(browser.find_element(By.NAME, "library")).select_by_visible_text("requests")
    assert len(rows(browser)) == len([n for n in range(40) if n % 3 == 2 and n % 4 == 3])
    assert "of 40 tasks" in browser.find_element(By.ID, "shown").text
    browser.find_element(By.CSS_SELECTOR, "#filters button").click()
    WebDriverWait(browser, 20).until(lambda driver: len(rows(driver)) == 40)
    browser.find_element(By.NAME, "text").send_keys("made/3")
    assert [row.split()[0] for row in rows(browser)] == ["Made/3", *(f"Made/{n}" for n in range(30, 40))]
    heading = browser.find_element(By.CSS_SELECTOR, "[data-sort=number]")
    heading.send_keys(Keys.ENTER)
    assert rows(browser)[0].startswith("Made/39")
    assert browser.find_element(By.CSS_SELECTOR, "th").get_attribute("aria-sort") == "descending"


def test_a_task_shows_its_texts_and_the_keyboard_goes_on_and_back(browser: WebDriver) -> None:
    open_task(browser, "Made/4")
    text = browser.find_element(By.ID, "task").text
    for words in ("Return x, 4 times over", "AssertionError: 4 != 0", "test_it", "return 4 * x", "canonical solution"):
        assert words in text
    assert browser.find_element(By.CSS_SELECTOR, "#task pre .keyword").text in ("import", "def")
    assert browser.find_element(By.CSS_SELECTOR, ".diff .new").text
    assert browser.current_url.endswith("#Made/4")
    body = browser.find_element(By.TAG_NAME, "body")
    body.send_keys("j")
    wait_for(browser, "Made/5")
    body.send_keys("k")
    wait_for(browser, "Made/4")
    body.send_keys(Keys.ESCAPE)
    WebDriverWait(browser, 20).until(lambda driver: driver.find_element(By.ID, "overview").is_displayed())
    assert browser.switch_to.active_element.text == "Made/4"


def test_the_other_split_has_its_own_prompts_and_links(browser: WebDriver, page: Path) -> None:
    browser.find_element(By.XPATH, "//nav/button[text()='Full, Instruct']").click()
    open_task(browser, "Made/4")
    assert "Write task_func(x)" in browser.find_element(By.ID, "task").text
    browser.find_element(By.XPATH, "//nav/button[text()='Full, Complete']").click()
    WebDriverWait(browser, 20).until(lambda driver: "Return x" in driver.find_element(By.ID, "task").text)
    assert browser.current_url.endswith("#Made/4")
    browser.get("about:blank")
    browser.get(page.as_uri() + "#1:Made/9")
    wait_for(browser, "Made/9")
    assert "Full, Instruct" in browser.find_element(By.ID, "task").text


def test_hostile_output_is_shown_and_does_nothing(browser: WebDriver) -> None:
    open_task(browser, "Made/7")
    browser.find_element(By.XPATH, "//nav[@aria-label='Samples']/button[1]").click()
    assert HOSTILE in browser.find_element(By.ID, "task").text
    assert browser.title == "BigCodeBench: some/model"
    assert browser.find_elements(By.CSS_SELECTOR, "#task img") == []
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("task_id", ["", "#Made/4"])
def test_nothing_breaks_out_of_a_narrow_window(browser: WebDriver, page: Path, task_id: str) -> None:
    browser.set_window_size(400, 800)
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    )
    try:
        browser.get("about:blank")
        browser.get(page.as_uri() + task_id)
        if task_id:
            wait_for(browser, task_id[1:])
        width = browser.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
        assert width[0] <= width[1] == 400
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
