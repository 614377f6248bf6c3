"""A loopback server that speaks OpenAI's API and answers with the canonical solution of the task it is asked.

    python -m tests.helpers.openai_server LOG

prints its base URL and appends every request body to LOG, a JSON object a line. Real HTTP for the harness's
``local-completions`` and ``local-chat-completions`` loaders, with answers whose score is known.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bigcodebench_tasks.benchmark.dataset import MINI, load_tasks

TASKS = list(load_tasks(MINI, "v1"))
LOG = Path(sys.argv[1])


def solution(text: str) -> tuple[dict[str, str], str]:
    for task in TASKS:
        if task["complete_prompt"].strip() in text or task["instruct_prompt"].strip() in text:
            return task, task["canonical_solution"]
    raise LookupError(text)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with LOG.open("a") as log:
            log.write(json.dumps({"path": self.path, **body}) + "\n")
        if self.path.endswith("/chat/completions"):
            task, code = solution(body["messages"][-1]["content"])
            text = f"Here it is:\n```python\n{task['code_prompt']}{code}\n```\nIt works as follows ..."
            choices = [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]
        else:
            prompts = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]
            choices = [
                # Runs on like a base model does: what follows the stop string is not part of the answer.
                {"index": at, "text": solution(prompt)[1] + "\ndef broken(:\n", "finish_reason": "stop"}
                for at, prompt in enumerate(prompts)
            ]
        answer = json.dumps({"id": "1", "object": "completion", "model": "loopback", "choices": choices}).encode()
        self.send_response(200)
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
