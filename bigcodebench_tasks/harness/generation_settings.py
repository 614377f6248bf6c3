"""How a model is asked beside its prompt: reasoning, token limit, stop strings, seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bigcodebench_tasks.benchmark import prompts
from bigcodebench_tasks.benchmark.reasoning import has_unopened_end
from bigcodebench_tasks.benchmark.response_parser import ResponseParser, text_of
from bigcodebench_tasks.errors import OptionError, PromptError
from bigcodebench_tasks.harness.loader import Loader
from bigcodebench_tasks.options import Options

TOKENS = 1280
"""The leaderboard's token limit of a response."""

REASONING_TOKENS = 8192
"""The least token limit for a model that reasons."""

LIMIT = "max_gen_toks"
"""The harness's name of the token limit."""

LIMITS = (LIMIT, "max_new_tokens", "max_tokens", "max_completion_tokens", "max_length")
"""Names of the token limit that users write. Some loaders know them; others use the task's own limit, or send both."""

SERVER_STOPS = (prompts.FENCE_STOP, "\ndef ", "\nif __name__", "\nprint(")
"""Stop strings for servers of completions, the ones that end most responses first. OpenAI's take four, of which the
harness adds one; `ResponseParser` cuts at all the others."""

_PROMPT_OPTIONS = (
    *("direct_completion", "prefill", "calibrated", "strip_newlines"),
    *("instruction_prefix", "response_prefix"),
)


@dataclass(frozen=True)
class GenerationSettings:
    """How the model is asked in one run.

    Attributes:
        split, mode: see `prompts`.
        options: of the task; `prefill` is off for a model that reasons.
        loader: the model's loader.
        reasoning: what shows that the model reasons, in words; "" if nothing does.
        generation: the task's and the user's generation arguments, merged by the harness.
        limit, limit_name: token limit of a response, and where it comes from; None and "the loader's own" if unknown.
        stops: strings that end a response.
    """

    split: prompts.Split
    mode: prompts.Mode
    options: Options
    loader: Loader
    reasoning: str
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
        prefill_requested: bool = False,
    ) -> GenerationSettings:
        """Work out the settings.

        Args:
            split, mode, options, loader, generation: see the class; `options` as the user gave them.
            base, direct: the task's stop strings, and those that direct completion adds.
            default_limit: the task's token limit.
            prefill_requested: the user gave ``"prefill": true``, which contradicts reasoning.

        Raises:
            OptionError: settings contradict each other, or the token limit is no number.
            PromptError: the loader cannot complete prompts.
        """
        if mode == "direct" and loader.is_gguf:
            raise PromptError(
                "the loader gguf sends no token limit and strips responses: the first line of a completion loses its "
                "indentation. Use --model local-completions with the same server: "
                "--model_args model=NAME,base_url=http://HOST:PORT/v1/completions,tokenizer_backend=None,"
                "tokenized_requests=False"
            )
        reasoning = _reasoning(options, loader, generation)
        if reasoning and prefill_requested:
            raise OptionError(
                f'"prefill": true contradicts reasoning ({reasoning}): after a turn that starts with code the model '
                'cannot reason. Leave "prefill" out to let the model reason, or add "reasoning": "off" to ask it as '
                "the leaderboard does"
            )
        if reasoning:
            options = replace(options, prefill=False)
        limit, limit_name = _limit(generation, loader.arguments, default_limit)
        stops = _as_list(generation.get("until"))
        generation = {name: value for name, value in generation.items() if name not in LIMITS}
        if limit is not None:
            generation[LIMIT] = limit
        if stops != list(base):  # the user chose others: every loader gets them
            generation["until"] = stops
        else:
            stops = prompts.stop_strings(list(base), list(direct), mode, options)
            if reasoning:  # they must not end the reasoning; the answer is cut by `ResponseParser`
                generation["until"] = list(prompts.API_STOPS)
            elif mode != "api" and loader.is_server:
                generation["until"] = [stop for stop in SERVER_STOPS if stop in stops][:3]
            else:
                generation["until"] = stops
        return cls(split, mode, options, loader, reasoning, generation, limit, limit_name, tuple(stops))

    @property
    def samples(self) -> bool:
        """Whether decoding samples. Loaders take a missing temperature for 0, whatever ``do_sample`` is."""
        return float(self.generation.get("temperature") or 0.0) > 0

    def arguments(self) -> dict[str, Any]:
        """Generation arguments of a request: the official top_p if decoding samples, and one name for the limit."""
        arguments = dict(self.generation)
        if arguments.get("do_sample") or self.samples:
            # Without do_sample the harness's cache of responses would serve one sample n times.
            arguments["do_sample"] = True
            arguments.setdefault("top_p", 0.95)
        return arguments

    def requests(self) -> list[dict[str, Any]]:
        """The arguments of the requests for a row's samples: one that is repeated, or one for each sample.

        The harness's loaders of servers send the same seed with every request, so a server that honours it returns the
        same response n times. There each sample gets a seed of its own, the same in every run. Such responses can be
        cached, so ``do_sample``, which keeps the harness from it, is left out (these loaders do not send it).
        """
        arguments = self.arguments()
        first = arguments.get("seed", self.loader.seed)
        wanted = self.options.n_samples > 1 and self.samples and (self.mode == "api" or self.loader.is_server)
        if not wanted or not self.loader.sends_seed or not isinstance(first, int):
            return [arguments]
        arguments.pop("do_sample", None)
        return [{**arguments, "seed": first + number} for number in range(self.options.n_samples)]

    def parser(self) -> ResponseParser:
        """The parser of the model's responses."""
        in_prompt = self.mode == "chat" and not self.options.prefill and self.loader.template_starts_reasoning
        return ResponseParser(
            split=self.split,
            mode=self.mode,
            options=self.options,
            stops=self.stops,
            reasons=bool(self.reasoning),
            started_in_prompt=in_prompt and not self.loader.removes_reasoning,
            limit=self.limit,
            count=self.loader.tokens(),
        )

    def prompting(self, **others: str) -> tuple[str, list[str]]:
        """How the model is asked, by name, and the settings that differ from the leaderboard's.

        Args:
            others: further settings that differ, by name.

        Returns:
            "leaderboard"; "reasoning" if nothing differs but what a model that reasons needs; or "custom".
        """
        defaults = Options()
        needed: dict[str, Any] = {"reasoning": self.reasoning} if self.reasoning else {}
        custom: dict[str, Any] = {}
        for name in _PROMPT_OPTIONS:
            if (value := getattr(self.options, name)) != getattr(defaults, name):
                (needed if self.reasoning and name == "prefill" else custom)[name] = value
        if self.limit != TOKENS:
            (needed if self.reasoning else custom)[LIMIT] = self.limit
        if self.options.n_samples > 1:
            custom["n_samples"] = self.options.n_samples
        if self.samples:
            custom["temperature"] = self.generation["temperature"]
        custom |= others
        name = "custom" if custom else "reasoning" if needed else "leaderboard"
        return name, [f"{name}: {value}" for name, value in (needed | custom).items()]

    def notes(self) -> Iterator[tuple[bool, str]]:
        """Lines for the log, before generation: whether it is a warning, and the line."""
        limit = f"responses have at most {self.limit} tokens ({self.limit_name})" if self.limit else "no token limit"
        reasons = f"the model reasons ({self.reasoning}): no prefilled turn, no stop strings; {limit}"
        if not self.reasoning:
            yield False, f"{limit}; --gen_kwargs {LIMIT}=... sets another"
            if self.mode == "chat" and self.options.prefill and self.loader.template_drops_reasoning:
                yield (
                    False,
                    "the chat template knows reasoning, but the turn is prefilled, as on the leaderboard, so the model "
                    'will not reason; to let it, add the option "reasoning": "on"',
                )
        elif self.limit is not None and self.limit < REASONING_TOKENS:
            yield (
                True,
                f"{reasons}, but reasoning needs at least {REASONING_TOKENS}: --gen_kwargs {LIMIT}=32768",
            )
        else:
            yield False, reasons
        if self.options.n_samples > 1 and not self.samples:
            yield (
                True,
                f"n_samples is {self.options.n_samples} but decoding is greedy, so all samples of a task will be the "
                "same. Add --gen_kwargs do_sample=True,temperature=0.8 or leave n_samples at 1.",
            )


def prompts_start_reasoning(parser: ResponseParser, responses: Sequence[Any]) -> bool:
    """Whether a server's prompts start the reasoning: most responses end reasoning that they did not start.

    Then a response that does not end it is unfinished reasoning.
    """
    if parser.mode != "api" or parser.started_in_prompt or parser.options.reasoning == "off":
        return False
    texts = [text for text in map(text_of, responses) if text]
    return 2 * sum(map(has_unopened_end, texts)) > len(texts)


def _reasoning(options: Options, loader: Loader, generation: Mapping[str, Any]) -> str:
    """What shows that the model reasons; "" if nothing does."""
    if options.reasoning == "off":
        return ""
    return 'the option "reasoning" is "on"' if options.reasoning == "on" else loader.reasoning(generation)


def _limit(generation: Mapping[str, Any], arguments: Mapping[str, Any], default: int | None) -> tuple[int | None, str]:
    """The token limit, and where it comes from.

    The user's generation arguments win over the model's arguments, and those over the task's limit. Among several names
    the harness's order counts.

    Raises:
        OptionError: it is no number.
    """
    given = [(name, generation[name]) for name in LIMITS if generation.get(name) is not None]
    chosen = [(name, value) for name, value in given if (name, value) != (LIMIT, default)]
    # "max_length" among the model's arguments is its context.
    of_model = [(name, arguments[name]) for name in LIMITS[:-1] if arguments.get(name) is not None]
    for places, words in (
        (chosen, "{} of --gen_kwargs"),
        (of_model, "{} of --model_args"),
        (given, "{} of the task"),
    ):
        for name, value in places:
            try:
                return int(value), words.format(name)
            except (TypeError, ValueError):
                raise OptionError(f"{name} must be a number of tokens, not {value!r}") from None
    return None, "the loader's own"


def _as_list(until: Any) -> list[str]:
    """The harness's ``until`` as a list; null means the end of the text alone."""
    if until is None:
        return list(prompts.API_STOPS)
    return [until] if isinstance(until, str) else list(until)
