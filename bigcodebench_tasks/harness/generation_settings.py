"""How a model is asked beside its prompt: whether it thinks, how many tokens it has, where it stops, which seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bigcodebench_tasks.benchmark import prompts
from bigcodebench_tasks.benchmark.reasoning import has_unopened_end
from bigcodebench_tasks.benchmark.response_parser import ResponseParser, text_of
from bigcodebench_tasks.errors import OptionError
from bigcodebench_tasks.harness.loader import Loader
from bigcodebench_tasks.options import Options

TOKENS = 1280
"""The leaderboard's limit on the tokens of an answer."""

TOKENS_TO_THINK = 8192
"""A model that thinks needs this many at the least."""

LIMIT = "max_gen_toks"
"""The harness's name for the limit."""

LIMITS = (LIMIT, "max_new_tokens", "max_tokens", "max_completion_tokens", "max_length")
"""What people call it. The harness knows them too, on some loaders; on others the task's own wins, or both are sent."""

SERVER_STOPS = (prompts.FENCE_STOP, "\ndef ", "\nif __name__", "\nprint(")
"""Stop strings for servers of completions, those that end most answers first. OpenAI's take four, and the harness adds
the end of the text to ours; what the others would have ended, we cut."""

_OF_THE_PROMPT = (
    *("direct_completion", "prefill", "calibrated", "strip_newlines"),
    *("instruction_prefix", "response_prefix"),
)


@dataclass(frozen=True)
class GenerationSettings:
    """How the model is asked in one run.

    Attributes:
        split, mode: see `prompts`.
        options: of the task, but for `prefill`, which is off for a model that thinks.
        loader: what is known of it.
        thinks: why the model is taken for one that thinks, in words; "" where it is not.
        generation: the task's and the user's generation arguments, as the harness has merged them.
        limit, limit_name: on the tokens of an answer, and what it was called by whom.
        stops: strings that end an answer.
    """

    split: prompts.Split
    mode: prompts.Mode
    options: Options
    loader: Loader
    thinks: str
    generation: Mapping[str, Any]
    limit: int | None
    limit_name: str
    stops: tuple[str, ...]

    @classmethod
    def resolve(
        cls,
        split: prompts.Split,
        mode: prompts.Mode,
        options: Options,
        loader: Loader,
        generation: Mapping[str, Any],
        *,
        base: Sequence[str],
        direct: Sequence[str],
        default_limit: int | None,
    ) -> GenerationSettings:
        """Work it out.

        Args:
            split, mode, options, loader, generation: see the class; `options` as they were given.
            base, direct: the task's stop strings, and those that direct completion adds.
            default_limit: the task's limit on tokens.

        Raises:
            OptionError: settings contradict each other, or the limit is no number.
        """
        thinks = _thinks(options, loader, generation)
        if thinks:
            options = replace(options, prefill=False)
        limit, limit_name = _limit(generation, loader.arguments, default_limit)
        until = _as_list(generation.get("until"))
        if until == list(base):  # else the user chose others
            until = prompts.stop_strings(list(base), list(direct), mode, options)
            chosen = False
        else:
            chosen = True
        generation = {name: value for name, value in generation.items() if name not in LIMITS}
        if limit is not None:
            generation[LIMIT] = limit
        if thinks and not chosen:
            # It is not stopped inside its thoughts: it ends its text itself, and we cut the answer behind them.
            generation["until"] = list(prompts.API_STOPS)
        elif mode != "api" and loader.is_server and not chosen:
            generation["until"] = [stop for stop in SERVER_STOPS if stop in until][:3]
        else:
            generation["until"] = until
        return cls(split, mode, options, loader, thinks, generation, limit, limit_name, tuple(until))

    @property
    def draws(self) -> bool:
        """Whether answers are drawn. Loaders take a missing temperature for 0, whatever ``do_sample`` says."""
        return float(self.generation.get("temperature") or 0.0) > 0

    def arguments(self) -> dict[str, Any]:
        """What a request says of generation: the official top_p when sampling, and one name for the limit."""
        arguments = dict(self.generation)
        if arguments.get("do_sample") or self.draws:
            # Said aloud, or the harness's cache of responses would serve one sample n times.
            arguments["do_sample"] = True
            arguments.setdefault("top_p", 0.95)
        return arguments

    def requests(self) -> list[dict[str, Any]]:
        """The arguments of the requests for a row's samples: one that is repeated, or one for each sample.

        The harness's loaders of servers send one seed with every request, so a server that honours it gives the same
        answer n times. There each sample is asked with a seed of its own, the same in every run. Such answers can be
        cached, so we leave out what keeps the harness from it (these loaders do not send it).
        """
        arguments = self.arguments()
        first = arguments.get("seed", self.loader.seed)
        wanted = self.options.n_samples > 1 and self.draws and (self.mode == "api" or self.loader.is_server)
        if not wanted or not self.loader.sends_seed or not isinstance(first, int):
            return [arguments]
        arguments.pop("do_sample", None)
        return [{**arguments, "seed": first + number} for number in range(self.options.n_samples)]

    def reading(self) -> ResponseParser:
        """How its answers are read."""
        opened = self.mode == "chat" and not self.options.prefill and self.loader.opens_thought
        return ResponseParser(
            split=self.split,
            mode=self.mode,
            options=self.options,
            stops=self.stops,
            thinks=bool(self.thinks),
            opened=opened and not self.loader.takes_off_thoughts,
            limit=self.limit,
            count=self.loader.tokens(),
        )

    def prompting(self, shots: int, system: bool) -> tuple[str, list[str]]:
        """How the run asks, by name, and which settings differ from the leaderboard's.

        Args:
            shots: examples before the question.
            system: whether there is a system instruction.

        Returns:
            "leaderboard"; "thinking", where nothing differs but what a model that thinks needs; or "custom".
        """
        defaults = Options()
        needed = [f"thinking: {self.thinks}"] if self.thinks else []
        others: list[str] = []
        for name in _OF_THE_PROMPT:
            if getattr(self.options, name) != getattr(defaults, name):
                (needed if self.thinks and name == "prefill" else others).append(
                    f"{name}: {getattr(self.options, name)}"
                )
        if self.limit != TOKENS:
            (needed if self.thinks else others).append(f"{LIMIT}: {self.limit}")
        if self.options.n_samples > 1:
            others.append(f"n_samples: {self.options.n_samples}")
        if self.draws:
            others.append(f"temperature: {self.generation['temperature']}")
        if shots:
            others.append(f"examples: {shots}")
        if system:
            others.append("a system instruction")
        return "custom" if others else "thinking" if needed else "leaderboard", [*needed, *others]

    def notes(self) -> Iterator[tuple[bool, str]]:
        """What to tell before generation: whether it is a warning, and a line."""
        limit = f"answers have at most {self.limit} tokens ({self.limit_name})" if self.limit else "no limit on tokens"
        if not self.thinks:
            yield False, f"{limit}; --gen_kwargs {LIMIT}=... sets another"
            if self.mode == "chat" and self.options.prefill and self.loader.drops_thoughts:
                yield (
                    False,
                    "the chat template knows thoughts, but the answer is prefilled, as on the leaderboard, so that the "
                    'model will not think; to let it, add the option "thinking": "on"',
                )
        elif self.limit is not None and self.limit < TOKENS_TO_THINK:
            yield (
                True,
                f"the model thinks ({self.thinks}): no prefilled turn, no stop strings; {limit}, but thoughts need "
                f"{TOKENS_TO_THINK} at the least: --gen_kwargs {LIMIT}=32768",
            )
        else:
            yield False, f"the model thinks ({self.thinks}): no prefilled turn, no stop strings; {limit}"
        if self.options.n_samples > 1 and not self.draws:
            yield (
                True,
                f"n_samples is {self.options.n_samples} but decoding is greedy, so all samples of a task will be the "
                "same. Add --gen_kwargs do_sample=True,temperature=0.8 or leave n_samples at 1.",
            )


def thoughts_begin_in_prompt(reading: ResponseParser, responses: Sequence[Any]) -> bool:
    """Whether a server's prompts open thoughts, by its answers: most of them end one that they never began.

    Then an answer that ends none is an unfinished thought.
    """
    if reading.mode != "api" or reading.opened or reading.options.thinking == "off":
        return False
    texts = [text for text in map(text_of, responses) if text]
    return 2 * sum(map(has_unopened_end, texts)) > len(texts)


def _thinks(options: Options, loader: Loader, generation: Mapping[str, Any]) -> str:
    """Why a run is one of a model that thinks, in words; "" for one that is not."""
    if options.thinking == "off":
        return ""
    reason = 'the option "thinking" is "on"' if options.thinking == "on" else loader.thinks(generation)
    if reason and options.prefill and "prefill" in options.chosen:
        raise OptionError(
            f'"prefill": true contradicts thinking ({reason}): a turn that is opened with code leaves it no place. '
            'Leave "prefill" out to let the model think, or add "thinking": "off" to ask it as the leaderboard does'
        )
    return reason


def _limit(generation: Mapping[str, Any], arguments: Mapping[str, Any], default: int | None) -> tuple[int | None, str]:
    """The limit on an answer's tokens, and what it was called by whom.

    A name of the user's comes before the task's; of several, the harness's order counts. The model's arguments come
    after what was given for generation.

    Raises:
        OptionError: it is no number.
    """
    of_task = [(name, generation[name]) for name in LIMITS if generation.get(name) is not None]
    chosen = [(name, value) for name, value in of_task if (name, value) != (LIMIT, default)]
    # "max_length" among the model's arguments is its context.
    of_model = [(name, arguments[name]) for name in LIMITS[:-1] if arguments.get(name) is not None]
    for places, words in (
        (chosen, "{} of --gen_kwargs"),
        (of_model, "{} of --model_args"),
        (of_task, "{} of the task"),
    ):
        for name, value in places:
            try:
                return int(value), words.format(name)
            except (TypeError, ValueError):
                raise OptionError(f"{name} must be a number of tokens, not {value!r}") from None
    return None, "the loader's own"


def _as_list(until: Any) -> list[str]:
    """The harness's ``until`` as a list; null means to stop at the end of the text alone."""
    if until is None:
        return list(prompts.API_STOPS)
    return [until] if isinstance(until, str) else list(until)
