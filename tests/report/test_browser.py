"""The report in a real Chromium: what people see and do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bigcodebench_tasks.benchmark.diagnosis import CUT, EMPTY
from bigcodebench_tasks.cli.main import main
from bigcodebench_tasks.execution import Limits
from tests.helpers.made import official_results, task, write_tasks

pytest.importorskip("matplotlib", reason="needs the extra report")
selenium = pytest.importorskip("selenium.webdriver", reason="needs the PyPI package selenium")
if not (shutil.which("chromium") and shutil.which("chromedriver")):
    pytest.skip("needs Debian's packages chromium and chromium-driver", allow_module_level=True)

from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.remote.webdriver import WebDriver  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

TASKS = 40
SAMPLES = 2
HOSTILE = (
    "<img src=x onerror=document.title='hacked'></script><script>document.title='hacked'</script><!-- \u2028 &amp;"
)
STATUSES = {n: [("pass", "fail", "timeout")[n % 3], "fail"] for n in range(TASKS)}
REASONS = {"pass": "passed", "fail": "assertion", "timeout": "timeout"}
TRUTH_FAILS = "Made/1"
# What the first answer to a task falls short of.
DIAGNOSES = {**dict.fromkeys((3, 13, 23, 33), CUT), 5: EMPTY}

PATIENCE_S = 300
"""Far more than a page takes; only a hanging browser reaches it."""


def harness_results(folder: Path, model: str) -> None:
    """What lm_eval writes for a run on the Complete split; the first sample of the seventh task is hostile."""
    name, stamp = "bigcodebench_complete", "2026-01-02T03-04-05.000000"
    run = {
        "plugin": "0.1.0",
        "split": "complete",
        "subset": "full",
        "mode": "api",
        "options": {"n_samples": SAMPLES},
        "conditions": {
            "lock": "official",
            "lock_sha256": "a" * 64,
            "limits": asdict(Limits()),
            "sandbox": {"kind": "namespaces", "network": "loopback"},
        },
        "dataset_sha256": "b" * 64,
        "ground_truth": {"pass_rate": 1 - 1 / TASKS, "failed": [TRUTH_FAILS]},
    }
    results = {
        "config": {"model": "hf", "model_args": f"pretrained={model}"},
        "model_name": model,
        "date": 1_700_000_000.0,
        "configs": {name: {"metadata": {"bigcodebench_run": run}}},
    }
    folder.mkdir(parents=True)
    (folder / f"results_{stamp}.json").write_text(json.dumps(results))
    with (folder / f"samples_{name}_{stamp}.jsonl").open("w") as log:
        for number, statuses in STATUSES.items():
            samples = [sample(number, index, status) for index, status in enumerate(statuses)]
            row = {
                "doc": task(number),
                "arguments": {"gen_args_0": {"arg_1": {"until": []}}},
                "resps": [[raw for raw, _ in samples]],
                "filtered_resps": [[json.dumps(record) for _, record in samples]],
            }
            log.write(json.dumps(row) + "\n")


def sample(number: int, index: int, status: str) -> tuple[str, dict[str, Any]]:
    """Raw answer and record of one sample."""
    solution = f"def task_func(x):\n    return {number} - x  # {'very ' * 40}long\n"
    failed = {"test_it": f"Traceback:\nAssertionError: {number} != 0: {'very ' * 40}long\n"}
    if (number, index) == (7, 0):
        solution, failed = f"x = 1\n# {HOSTILE}\n", {HOSTILE: HOSTILE}
    details = {} if status == "pass" and number != 7 else failed
    record = {"solution": solution, "status": status, "reason": REASONS[status], "details": details, "seconds": 0.5}
    record |= {"tests_run": 1, "diagnosis": DIAGNOSES.get(number, "") if index == 0 else ""}
    raw = f"Here it is:\n```python\n{solution}```\n{HOSTILE if number == 7 else ''}"
    return raw, {**record, "raw_solution": raw}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty tasks with two samples each: Complete as the harness wrote it, Instruct as an official file."""
    folder = tmp_path_factory.mktemp("report")
    harness_results(folder / "out", "some/model")
    official_results(folder / "out", "some/model", STATUSES, split="instruct")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIGCODEBENCH_OVERRIDE_PATH", str(write_tasks(folder / "tasks.jsonl", TASKS)))
        assert main(["report", str(folder / "out"), "--dest", str(folder / "page.html")]) == 0
    return folder / "page.html"


@pytest.fixture(scope="module")
def chromium(processes: None) -> Iterator[WebDriver]:
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
def browser(chromium: WebDriver, page: Path) -> Iterator[WebDriver]:
    chromium.set_window_size(1300, 1000)
    logged(chromium, "browser")
    logged(chromium, "performance")
    show(chromium, page)
    yield chromium
    assert logged(chromium, "browser") == []  # neither an error nor anything that the policy had to forbid


def logged(browser: Any, kind: str) -> list[Any]:
    """What Chromium logged since it was last asked; a call of its driver alone, which has no types."""
    return list(browser.get_log(kind))


def show(browser: WebDriver, page: Path, name: str = "") -> None:
    browser.get("about:blank")
    browser.get(page.as_uri() + name)


def rows(browser: WebDriver) -> list[str]:
    return [row.text for row in browser.find_elements(By.CSS_SELECTOR, "#tasks tbody tr")]


def heading(browser: WebDriver) -> str:
    return str(browser.execute_script("return document.querySelector('#task h2')?.textContent ?? ''"))


def wait_for(browser: WebDriver, task_id: str) -> None:
    WebDriverWait(browser, PATIENCE_S).until(lambda driver: heading(driver) == task_id)


def wait_for_overview(browser: WebDriver) -> None:
    WebDriverWait(browser, PATIENCE_S).until(lambda driver: driver.find_element(By.ID, "overview").is_displayed())


def open_task(browser: WebDriver, task_id: str) -> None:
    browser.find_element(By.LINK_TEXT, task_id).send_keys(Keys.ENTER)
    wait_for(browser, task_id)


def test_the_page_opens_without_an_error_and_asks_for_nothing(browser: WebDriver) -> None:
    assert len(rows(browser)) == TASKS
    assert browser.find_element(By.ID, "model").text == "some/model"
    for words in ("Full, Complete", "Full, Instruct", "Mean of both", "17.5", "95% interval", "2 samples each"):
        assert words in browser.find_element(By.ID, "cards").text
    for words in ("official aaaaaaaaaaaa", "namespaces", "97.5% pass"):
        assert words in browser.find_element(By.ID, "facts").text
    events = [json.loads(entry["message"])["message"] for entry in logged(browser, "performance")]
    asked = {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}
    assert asked == {browser.current_url}
    figures = browser.find_elements(By.CSS_SELECTOR, "figure")
    captions = [figure.find_element(By.TAG_NAME, "figcaption").text for figure in figures if figure.is_displayed()]
    assert captions == ["Duration, by outcome", "Length of the solution, by outcome", "pass@k"]
    assert len(figures) == 5


def test_filters_search_and_sorting_choose_rows(browser: WebDriver) -> None:
    Select(browser.find_element(By.NAME, "verdict")).select_by_visible_text("timeout")
    assert len(rows(browser)) == 13
    Select(browser.find_element(By.NAME, "library")).select_by_visible_text("requests")
    assert len(rows(browser)) == len([n for n in range(TASKS) if n % 3 == 2 and n % 4 == 3])
    assert "of 40 tasks" in browser.find_element(By.ID, "shown").text
    browser.find_element(By.CSS_SELECTOR, "#filters button").click()
    WebDriverWait(browser, PATIENCE_S).until(lambda driver: len(rows(driver)) == TASKS)
    browser.find_element(By.NAME, "text").send_keys("made/3")
    assert [row.split()[0] for row in rows(browser)] == ["Made/3", *(f"Made/{n}" for n in range(30, 40))]
    button = browser.find_element(By.CSS_SELECTOR, "[data-sort=number]")
    button.send_keys(Keys.ENTER)
    assert rows(browser)[0].startswith("Made/39")
    assert browser.find_element(By.CSS_SELECTOR, "#tasks th").get_attribute("aria-sort") == "descending"


def test_a_domain_and_a_reason_choose_their_tasks(browser: WebDriver) -> None:
    browser.find_element(By.XPATH, "//div[@id='domains']//button[text()='Network']").click()
    assert len(rows(browser)) == len([n for n in range(TASKS) if n % 4 == 3])
    browser.find_element(By.XPATH, "//div[@id='reasons']//button[text()='timeout']").click()
    WebDriverWait(browser, PATIENCE_S).until(lambda driver: len(rows(driver)) == 13)
    assert all("timeout" in row for row in rows(browser))


def test_diagnoses_are_counted_and_chooses_its_tasks(browser: WebDriver) -> None:
    table = browser.find_element(By.ID, "diagnoses")
    assert table.is_displayed()
    counted = [row.text.split() for row in table.find_elements(By.CSS_SELECTOR, "tbody tr")]
    assert counted == [[*CUT.split(), "5.0", "4"], [EMPTY, "1.3", "1"]]  # of 80 samples
    table.find_element(By.XPATH, f".//button[text()='{CUT}']").click()
    WebDriverWait(browser, PATIENCE_S).until(lambda driver: len(rows(driver)) == 4)
    assert [row.split()[0] for row in rows(browser)] == ["Made/3", "Made/13", "Made/23", "Made/33"]
    choice = Select(browser.find_element(By.NAME, "diagnosis"))
    assert choice.first_selected_option.text == CUT
    assert [option.text for option in choice.options] == ["all", CUT, EMPTY]
    choice.select_by_visible_text(EMPTY)
    assert [row.split()[0] for row in rows(browser)] == ["Made/5"]
    open_task(browser, "Made/5")
    assert EMPTY in browser.find_element(By.ID, "task").text


def test_without_diagnoses_there_is_no_table(browser: WebDriver) -> None:
    browser.find_element(By.XPATH, "//nav//button[text()='Full, Instruct']").click()
    WebDriverWait(browser, PATIENCE_S).until(lambda driver: not driver.find_element(By.ID, "diagnoses").is_displayed())
    assert not browser.find_element(By.NAME, "diagnosis").is_displayed()


def test_a_task_shows_its_texts_and_the_keyboard_goes_on_and_back(browser: WebDriver) -> None:
    open_task(browser, "Made/4")
    view = browser.find_element(By.ID, "task")
    for words in ("4 times over", "AssertionError: 4 != 0", "test_it", "return 4 - x", "return 4 * x", "0.50 s"):
        assert words in view.text
    assert browser.find_element(By.CSS_SELECTOR, "#task pre .keyword").text in ("import", "def")
    assert "return 4 - x" in browser.find_element(By.CSS_SELECTOR, ".difference .gone").text
    assert "Here it is" not in view.text
    browser.find_element(By.XPATH, "//summary[.='Response before sanitizing']").click()
    assert "Here it is" in view.text
    assert browser.current_url.endswith("#Made/4")
    body = browser.find_element(By.TAG_NAME, "body")
    body.send_keys("j")
    wait_for(browser, "Made/5")
    assert "Here it is" in view.text  # what was unfolded stays so
    body.send_keys("k")
    wait_for(browser, "Made/4")
    body.send_keys(Keys.ESCAPE)
    wait_for_overview(browser)
    assert browser.switch_to.active_element.text == "Made/4"
    browser.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    assert browser.switch_to.active_element.text == "Made/5"
    browser.find_elements(By.CSS_SELECTOR, "#tasks tbody td:last-child")[8].click()
    wait_for(browser, "Made/8")
    browser.back()
    wait_for_overview(browser)


def test_the_test_suite_is_numbered_as_tracebacks_count(browser: WebDriver) -> None:
    open_task(browser, "Made/4")
    program, suite = browser.execute_script(
        "return [...document.querySelectorAll('pre.numbered')]"
        ".map((each) => [each.style.counterReset, each.textContent])"
    )
    assert program[0] == "line 0"
    first = int(suite[0].split()[1]) + 1
    executed = (program[1] + "\n" + suite[1]).split("\n")
    assert executed[first - 1] == "import unittest"


def test_of_two_tasks_asked_for_in_a_row_the_later_one_is_shown(browser: WebDriver) -> None:
    open_task(browser, "Made/0")
    # The texts of the first are still to be unpacked, those of the second are there.
    browser.execute_script("""
        go("Made/30"); follow(); go("Made/1"); follow();
        return Promise.all(unpacked.values()).then(() => new Promise((done) => setTimeout(done, 200)));
    """)
    assert browser.execute_script("return unpacked.size") == 2
    assert heading(browser) == "Made/1"


def test_the_other_split_has_its_own_prompts_and_links(browser: WebDriver, page: Path) -> None:
    browser.find_element(By.XPATH, "//nav//button[text()='Full, Instruct']").click()
    open_task(browser, "Made/4")
    assert "Write task_func(x)" in browser.find_element(By.ID, "task").text
    browser.find_element(By.XPATH, "//nav//button[text()='Full, Complete']").click()
    WebDriverWait(browser, PATIENCE_S).until(lambda driver: "Return x" in driver.find_element(By.ID, "task").text)
    assert browser.current_url.endswith("#Made/4")
    show(browser, page, "#1:Made/9")
    wait_for(browser, "Made/9")
    assert "Full, Instruct" in browser.find_element(By.ID, "task").text


@pytest.mark.parametrize("name", ["#Made/4711", "#9:Made/4", "#%E0%A4%A", "#__proto__"])
def test_a_link_that_means_nothing_shows_the_overview(browser: WebDriver, page: Path, name: str) -> None:
    show(browser, page, name)
    assert len(rows(browser)) == TASKS
    assert browser.find_element(By.ID, "overview").is_displayed()


def test_failures_that_the_ground_truth_shares_are_marked(browser: WebDriver) -> None:
    assert TRUTH_FAILS in browser.find_element(By.ID, "truth").text
    assert [row.split()[0] for row in rows(browser) if "ground truth fails too" in row] == [TRUTH_FAILS]
    browser.find_element(By.CSS_SELECTOR, "#truth a").click()
    wait_for(browser, TRUTH_FAILS)
    assert "is not the model's" in browser.find_element(By.ID, "task").text
    browser.find_element(By.XPATH, "//nav//button[text()='Full, Instruct']").click()
    WebDriverWait(browser, PATIENCE_S).until(
        lambda driver: "Write task_func" in driver.find_element(By.ID, "task").text
    )
    assert "is not the model's" not in browser.find_element(By.ID, "task").text  # that file knows of none


def test_hostile_output_is_shown_and_does_nothing(browser: WebDriver) -> None:
    open_task(browser, "Made/7")
    browser.find_element(By.XPATH, "//nav[@aria-label='Samples']/button[1]").click()
    browser.execute_script("document.querySelectorAll('#task details').forEach((each) => { each.open = true; })")
    shown = browser.execute_script("return document.getElementById('task').textContent")
    assert shown.count(HOSTILE) == 6  # test's name, traceback, program, difference, raw answer twice
    assert browser.title == "BigCodeBench: some/model"
    assert browser.find_elements(By.CSS_SELECTOR, "#task img, #task script") == []


@pytest.mark.parametrize("name", ["", "#Made/4", "#1:Made/4"])
def test_nothing_breaks_out_of_a_narrow_window(browser: WebDriver, page: Path, name: str) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    )
    try:
        show(browser, page, name)
        if name:
            wait_for(browser, "Made/4")
        browser.execute_script("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        width = browser.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
        assert width[0] <= width[1] == 400
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


# Contrast of each text with what is behind it, as WCAG 2 defines it; 4.5 is what it asks for.
CONTRASTS = """
const luminance = (color) => {
  const [r, g, b] = color.match(/[\\d.]+/g).map(Number).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  const color = getComputedStyle(element).backgroundColor;
  return /^rgb\\(/.test(color) ? color : behind(element.parentElement);
};
const texts = [...document.querySelectorAll("body *")].filter((each) => each.checkVisibility()
  && !each.closest("svg, button:disabled")
  && [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
return texts.map((each) => {
  const [low, high] = [getComputedStyle(each).color, behind(each)].map(luminance).sort((a, b) => a - b);
  return [(high + 0.05) / (low + 0.05), each.outerHTML.slice(0, 80)];
}).sort((a, b) => a[0] - b[0])[0];
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["", "#Made/4"])
def test_text_stands_out_in_light_and_dark(browser: WebDriver, page: Path, scheme: str, name: str) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    try:
        show(browser, page, name)
        if name:
            wait_for(browser, "Made/4")
        background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(251, 251, 250)") == (scheme == "light")
        least, where = browser.execute_script(CONTRASTS)
        assert least >= 4.5, where
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


# -- beside the published models -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def published_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first sixty tasks by BigCodeBench's names, on both splits; every third is solved."""
    folder = tmp_path_factory.mktemp("published")
    outcomes = {number: ["fail" if number % 3 else "pass"] for number in range(60)}
    files = [official_results(folder / "out", "mine-7B", outcomes, split=split) for split in ("complete", "instruct")]
    files.append(write_tasks(folder / "tasks.jsonl", 60))
    for file in files:
        file.write_text(file.read_text().replace("Made/", "BigCodeBench/"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIGCODEBENCH_OVERRIDE_PATH", str(files[-1]))
        assert main(["report", str(folder / "out"), "--dest", str(folder / "page.html")]) == 0
    return folder / "page.html"


def test_a_score_stands_among_published_ones_with_its_surprises(browser: WebDriver, published_page: Path) -> None:
    show(browser, published_page)
    said = browser.find_element(By.ID, "placement").text
    for words in (
        "Complete",
        "Mean of both splits",
        "of similar size (7B by its name)",
        "mine-7B",
        "settings not recorded",
        "known to flip between runs: 10",
    ):
        assert words in said
    surprises = browser.find_element(By.ID, "surprises")
    assert "extraction, truncation or the environment" in surprises.text
    link = surprises.find_element(By.CSS_SELECTOR, ".tasks a")
    task_id = f"BigCodeBench/{link.text}"
    link.click()
    wait_for(browser, task_id)
    assert "% of the published models solve it" in browser.find_element(By.ID, "task").text
    assert browser.find_element(By.CSS_SELECTOR, "#task .status").text.startswith("fail")


def test_tasks_are_chosen_and_sorted_by_their_published_solve_rate(browser: WebDriver, published_page: Path) -> None:
    show(browser, published_page)
    choice = Select(browser.find_element(By.NAME, "published"))
    assert [option.text for option in choice.options] == ["all", "0 to 10%", "10 to 50%", "50 to 90%", "90 to 100%"]
    choice.select_by_visible_text("90 to 100%")
    browser.find_element(By.CSS_SELECTOR, "[data-sort=published]").click()
    cells = browser.find_elements(By.CSS_SELECTOR, "#tasks tbody td.published")
    rates = [float(cell.text) for cell in cells]
    assert rates == sorted(rates)
    assert rates[0] >= 90
    figures = browser.find_elements(By.CSS_SELECTOR, "figcaption")
    assert "Expected and observed, by difficulty" in [figure.text for figure in figures]


def test_without_a_published_task_nothing_is_said_of_them(browser: WebDriver, page: Path) -> None:
    show(browser, page)
    assert not browser.find_element(By.ID, "published").is_displayed()
    assert not browser.find_element(By.NAME, "published").is_displayed()
    assert not browser.find_element(By.CSS_SELECTOR, "#tasks th.published").is_displayed()


def test_a_click_on_a_heading_of_the_leaderboard_sorts_its_table(browser: WebDriver, tmp_path: Path) -> None:
    file = tmp_path / "board.html"
    assert main(["leaderboard", "--published", "--as-of", "2024-07-18", "--html", str(file)]) == 0
    show(browser, file)

    def column(number: int) -> list[str]:
        return [cell.text for cell in browser.find_elements(By.CSS_SELECTOR, f"tbody td:nth-child({number})")]

    ranks = column(4)
    assert ranks[0] == "1"
    browser.find_element(By.XPATH, "//th//button[text()='shift']").click()
    shifts = [int(cell) for cell in column(10) if cell != "-"]
    assert (len(shifts), shifts) == (67, sorted(shifts))
    assert column(10)[-1] == "-"
    browser.find_element(By.XPATH, "//th//button[text()='shift']").click()
    assert column(1)[0] == "Phi-3-Mini-128K-Instruct (June 2024)"
    assert column(10)[-1] == "-"
    assert len(browser.find_elements(By.CSS_SELECTOR, "svg circle")) == 67
