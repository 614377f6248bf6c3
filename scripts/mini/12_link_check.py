from urllib.parse import urljoin

import requests
from bs4 import BeautifulSoup


def task_func(url, timeout=5):
    """
    Check the links of a web page. The page is fetched, the targets of its 'a' elements are made absolute, fragments are cut off, repeated targets and targets other than http and https are left out, and each target is asked for with a HEAD request that follows no redirect.

    Parameters:
    - url (str): The address of the page.
    - timeout (float): Seconds to wait for each answer. Default is 5.

    Returns:
    - dict: Absolute target, in the order of its first link, to the status code as an int, or None if there was no answer.

    Raises:
    - requests.HTTPError: If the page itself is answered with an error.

    Requirements:
    - bs4
    - requests
    - urllib

    Example:
    >>> task_func("http://localhost:8000/")
    {'http://localhost:8000/about': 200, 'http://localhost:8000/gone': 404}
    """
    page = requests.get(url, timeout=timeout)
    page.raise_for_status()
    targets = {}
    for link in BeautifulSoup(page.text, "html.parser").find_all("a", href=True):
        target = urljoin(url, link["href"]).partition("#")[0]
        if not target.startswith(("http://", "https://")) or target in targets:
            continue
        try:
            targets[target] = requests.head(target, timeout=timeout, allow_redirects=False).status_code
        except requests.RequestException:
            targets[target] = None
    return targets


# tests
import socket
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

PAGE = """<html><body>
<a href="/good">good</a> <a href="gone#part">gone</a> <a href="/good#again">again</a>
<a href="/moved">moved</a> <a href="mailto:x@example.org">mail</a> <a name="anchor">no target</a>
<a href="http://127.0.0.1:%d/">closed</a>
</body></html>"""


class Handler(BaseHTTPRequestHandler):
    asked = []

    def do_GET(self):
        known = {"/": 200, "/good": 200, "/moved": 301}
        self.asked.append((self.command, self.path))
        body = (PAGE % self.server.closed_port).encode() if self.path == "/" else b""
        self.send_response(known.get(self.path, 404))
        self.send_header("Location", "/good")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


class TestCases(unittest.TestCase):
    def setUp(self):
        Handler.asked.clear()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            self.server.closed_port = unused.getsockname()[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = "http://127.0.0.1:%d/" % self.server.server_port

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()

    def test_statuses(self):
        found = task_func(self.url)
        self.assertEqual(found[self.url + "good"], 200)
        self.assertEqual(found[self.url + "gone"], 404)

    def test_redirects_are_not_followed(self):
        self.assertEqual(task_func(self.url)[self.url + "moved"], 301)

    def test_targets_are_absolute_unique_and_in_order(self):
        closed = "http://127.0.0.1:%d/" % self.server.closed_port
        self.assertEqual(list(task_func(self.url)), [self.url + "good", self.url + "gone", self.url + "moved", closed])

    def test_no_answer_is_none(self):
        self.assertIsNone(task_func(self.url)["http://127.0.0.1:%d/" % self.server.closed_port])

    def test_only_the_page_is_fetched_whole(self):
        task_func(self.url)
        self.assertEqual([path for method, path in Handler.asked if method == "GET"], ["/"])

    def test_missing_page_is_an_error(self):
        with self.assertRaises(requests.HTTPError):
            task_func(self.url + "nowhere")
