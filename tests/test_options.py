from __future__ import annotations

import pytest

from bigcodebench_tasks.errors import OptionError
from bigcodebench_tasks.options import Options, misplaced


def test_without_sections_all_options_have_the_official_defaults() -> None:
    options = Options.resolve(None)
    assert (options.n_samples, options.prefill, options.calibrated) == (1, True, True)
    assert (options.direct_completion, options.strip_newlines, options.version) == (False, False, None)


def test_a_later_section_wins() -> None:
    assert Options.resolve({"n_samples": 2, "prefill": False}, {"n_samples": 5}) == Options(n_samples=5, prefill=False)


@pytest.mark.parametrize(
    ("section", "word"),
    [
        ({"n_sample": 10}, "n_sample"),
        ({"n_samples": "10"}, "'10'"),
        ({"n_samples": True}, "True"),
        ({"n_samples": 0}, "at least 1"),
        ({"prefill": 1}, "prefill"),
        ({"version": 4}, "version"),
        ({"ground_truth": "no"}, "check, skip"),
        ({"sandbox": "docker"}, "landlock"),
        ({"reasoning": True}, "reasoning"),
        ({"reasoning": "yes"}, "auto, on, off"),
        ({"reasoning_end": ""}, "reasoning_end"),
        ("n_samples=10", "mapping"),
        (["n_samples"], "mapping"),
    ],
)
def test_a_wrong_option_is_one_error_that_names_it(section: object, word: str) -> None:
    with pytest.raises(OptionError, match=word):
        Options.resolve(section)


def test_the_error_lists_every_allowed_option() -> None:
    with pytest.raises(OptionError) as error:
        Options.resolve({"nsamples": 1})
    for name in Options().to_dict():
        assert name in str(error.value)


VARIABLES = {"BIGCODEBENCH_WORKERS": "3", "BIGCODEBENCH_SANDBOX": "landlock", "BIGCODEBENCH_CLUSTER": "auto"}


def test_an_option_wins_over_its_variable_and_that_over_the_default() -> None:
    options = Options.resolve({"workers": 2}, variables=VARIABLES)
    assert (options.workers, options.sandbox, options.cluster) == (2, "landlock", "auto")
    assert Options.resolve(None, variables={"BIGCODEBENCH_WORKERS": ""}).workers is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [("BIGCODEBENCH_WORKERS", "many"), ("BIGCODEBENCH_WORKERS", "0"), ("BIGCODEBENCH_SANDBOX", "docker")],
)
def test_a_wrong_variable_is_an_error_that_names_it(variable: str, value: str) -> None:
    with pytest.raises(OptionError, match=variable):
        Options.resolve(None, variables={variable: value})


def test_options_are_read_back_as_they_were_written() -> None:
    options = Options(n_samples=2, sandbox="none")
    assert Options.from_dict(options.to_dict()) == options
    with pytest.raises(OptionError, match="n_smaples"):
        Options.from_dict({"n_smaples": 2})


def test_options_outside_of_our_key_are_found() -> None:
    assert misplaced({"version": 1.0, "pretrained": "x", "bigcodebench": {"n_samples": 2}}) == []
    assert misplaced({"n_samples": 10, "bigcodebench.reasoning": "on"}) == ["bigcodebench.reasoning", "n_samples"]
