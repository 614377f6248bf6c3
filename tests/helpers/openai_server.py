"""A loopback server that speaks OpenAI's and Anthropic's APIs and knows the canonical solution of the task it is asked.

    python -m tests.helpers.openai_server LOG [BEHAVIOUR ...]

prints its base URL and appends every request body to LOG, a JSON object a line. Real HTTP for the harness's loaders of
servers, with answers whose score is known. `BEHAVIOURS` are those of the servers that people run, good and bad.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

BEHAVIOURS = {
    "thought": "a thought with a longer, wrong draft before the answer, as servers without a reasoning parser send it",
    "thought-closed": "the same where the template has opened the thought: the text holds the closing marker alone",
    "reasoning": "the same, but the thought is in reasoning_content, beside the content",
    "null": "every second answer is null: the tokens went into reasoning_content",
    "parts": "content is a list of parts",
    "surrogate": "every answer ends in half of a surrogate pair",
    "length": "an answer of more words than max_tokens is cut there, and says so in finish_reason",
    "refusal": "every answer is refused: null content, and a refusal beside it",
    "busy": "every request is answered 429, then 500, then right",
    "stops": "a completion ends before the first stop string of its request",
    "four-stops": "more than four stop strings are an error, as at OpenAI",
    "seeded": "every third answer or so is right, drawn by the request's seed",
    "removes": "before its first answer it removes the folder that the variable REMOVES names",
    "drop": "from the ninth answer on the connection is closed without one",
}

# Read as a file: a server starts in each of many tests, and the library `datasets` takes seconds to import.
MINI = Path(__file__).parents[2] / "bigcodebench_tasks" / "data" / "mini.jsonl"
TASKS = [json.loads(line) for line in MINI.read_text(encoding="utf-8").split("\n") if line]
DRAFT = "def task_func(*arguments):\n" + "".join(f"    draft_{number} = {number}\n" for number in range(60))
LOG = Path(sys.argv[1])
DOES = frozenset(sys.argv[2:])
assert frozenset(BEHAVIOURS) >= DOES

lock = threading.Lock()
seen: dict[str, int] = {}  # a request to how often it came
answered = 0


def task_in(text: str) -> tuple[int, dict[str, str]]:
    for number, task in enumerate(TASKS):
        if task["complete_prompt"].strip() in text or task["instruct_prompt"].strip() in text:
            return number, task
    raise LookupError(text)


def said(asked: str, body: dict[str, Any]) -> tuple[Any, str | None, str]:
    """Content, reasoning_content and finish_reason of an answer."""
    number, task = task_in(asked)
    code = task["canonical_solution"]
    if "seeded" in DOES and random.Random(f"{body.get('seed')} {number}").random() > 0.3:
        code = "    raise NotImplementedError\n"
    answer = f"Here it is:\n```python\n{task['code_prompt']}{code}\n```\nIt works as follows ..."
    thought = f"First a draft:\n```python\n{DRAFT}```\nBut no, that is wrong."
    content, reasoning, reason = answer, None, "stop"
    if "thought" in DOES:
        content = f"<think>\n{thought}\n</think>\n\n{answer}"
    if "thought-closed" in DOES:
        content = f"{thought}\n</think>\n\n{answer}"
    if "reasoning" in DOES:
        reasoning = thought
    if "length" in DOES:
        words = content.split(" ")
        if len(words) > body["max_tokens"]:
            content, reason = " ".join(words[: body["max_tokens"]]), "length"
    if ("null" in DOES and number % 2) or "refusal" in DOES:
        return None, thought, "length" if "null" in DOES else "content_filter"
    if "surrogate" in DOES:
        content += "\ud83d"
    if "parts" in DOES:
        return [{"type": "thinking", "thinking": thought}, {"type": "text", "text": content}], reasoning, reason
    return content, reasoning, reason


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        global answered
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with lock:
            with LOG.open("a") as log:
                log.write(json.dumps({"path": self.path, **body}) + "\n")
            key = json.dumps(body, sort_keys=True)
            seen[key] = seen.get(key, 0) + 1
            answered += 1
        if "removes" in DOES:
            shutil.rmtree(os.environ["REMOVES"], ignore_errors=True)
        if "busy" in DOES and seen[key] < 3:
            return self.send(429 if seen[key] == 1 else 500, {"error": {"message": "busy"}})
        if "drop" in DOES and answered > 8:
            self.close_connection = True
            self.connection.close()
            return None
        if "four-stops" in DOES and len(body.get("stop") or body.get("stop_sequences") or []) > 4:
            return self.send(400, {"error": {"message": "at most four stop strings"}})
        return self.send(200, self.answer(body))

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        if self.path.endswith("/messages"):  # Anthropic's
            content, _, _ = said(body["messages"][-1]["content"][0]["text"], body)
            return {"role": "assistant", "content": [{"type": "text", "text": content}], "stop_reason": "end_turn"}
        if self.path.endswith("/chat/completions"):
            content, reasoning, reason = said(body["messages"][-1]["content"], body)
            message = {"role": "assistant", "content": content}
            if reasoning is not None:
                message["reasoning_content"] = reasoning
            if "refusal" in DOES:
                message["refusal"] = "I cannot help with that."
            choices = [{"index": 0, "message": message, "finish_reason": reason}]
        else:
            prompts = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]
            if not isinstance(prompts[0], str):  # tokens, as loaders with a tokenizer send them
                from tokenizers import Tokenizer

                words = Tokenizer.from_file(os.environ["TOKENIZER"])
                prompts = [words.decode(tokens, skip_special_tokens=False) for tokens in prompts]
            choices = [
                # Runs on like a base model does: what follows the stop string is not part of the answer.
                {"index": at, "text": self.completion(prompt, body), "finish_reason": "stop"}
                for at, prompt in enumerate(prompts)
            ]
        return {"id": "1", "object": "completion", "model": "loopback", "choices": choices}

    @staticmethod
    def completion(prompt: str, body: dict[str, Any]) -> str:
        _, task = task_in(prompt)
        text = task["canonical_solution"] + "\ndef broken(:\n"
        if not prompt.rstrip().endswith(task["complete_prompt"].rstrip()):  # a chat, which the client has rendered
            text = str(said(prompt, body)[0])
        elif DOES & {"thought", "thought-closed"}:
            content = str(said(prompt, body)[0])
            text = content[: content.index("</think>") + len("</think>\n")] + text
        if "stops" in DOES:
            text = text[: min([at for stop in body["stop"] if (at := text.find(stop)) >= 0], default=len(text))]
        return text

    def send(self, status: int, content: dict[str, Any]) -> None:
        answer = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_arguments: object) -> None:
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
    server.serve_forever()
