import email.message
import html
import re

import xmltodict


def task_func(feed, recipient):
    """
    Turn an RSS feed into a plain text email. The subject is the title of the channel and the number of items in parentheses. The body has one paragraph for each item, separated by blank lines: the title, and on the next line the description with its tags removed, its entities decoded and runs of white space made one space. An item without a description has its title alone.

    Parameters:
    - feed (str): The feed as XML, with a channel that has a title and any number of items.
    - recipient (str): The address that the email goes to.

    Returns:
    - email.message.EmailMessage: The email, with the headers Subject and To.

    Raises:
    - ValueError: If the text is no RSS feed.

    Requirements:
    - email
    - html
    - re
    - xmltodict

    Example:
    >>> feed = "<rss><channel><title>News</title><item><title>One</title></item></channel></rss>"
    >>> task_func(feed, "me@example.org")["Subject"]
    'News (1)'
    """
    try:
        channel = xmltodict.parse(feed, force_list=("item",))["rss"]["channel"]
        title = channel["title"]
    except Exception as error:
        raise ValueError("this is no RSS feed") from error
    items = channel.get("item", [])
    paragraphs = []
    for item in items:
        text = html.unescape(re.sub(r"<[^>]*>", " ", item.get("description") or ""))
        text = " ".join(text.split())
        paragraphs.append(f"{item['title']}\n{text}" if text else item["title"])
    message = email.message.EmailMessage()
    message["Subject"] = f"{title} ({len(items)})"
    message["To"] = recipient
    message.set_content("\n\n".join(paragraphs))
    return message


# tests
import unittest

FEED = """<?xml version="1.0"?>
<rss version="2.0"><channel><title>Daily News</title>
<item><title>Rain</title><description>&lt;p&gt;It   will &lt;b&gt;rain&lt;/b&gt;.&lt;/p&gt;</description></item>
<item><title>Prices</title><description>Salt &amp;amp; pepper</description></item>
<item><title>Nothing</title></item>
</channel></rss>"""


class TestCases(unittest.TestCase):
    def paragraphs(self, feed):
        return task_func(feed, "me@example.org").get_content().strip().split("\n\n")

    def test_headers(self):
        message = task_func(FEED, "me@example.org")
        self.assertEqual((message["Subject"], message["To"]), ("Daily News (3)", "me@example.org"))

    def test_tags_are_removed_and_spaces_joined(self):
        self.assertEqual(self.paragraphs(FEED)[0], "Rain\nIt will rain .")

    def test_entities_are_decoded(self):
        self.assertEqual(self.paragraphs(FEED)[1], "Prices\nSalt & pepper")

    def test_an_item_without_description_is_its_title(self):
        self.assertEqual(self.paragraphs(FEED)[2], "Nothing")

    def test_a_single_item_and_no_item(self):
        one = "<rss><channel><title>T</title><item><title>A</title></item></channel></rss>"
        none = "<rss><channel><title>T</title></channel></rss>"
        self.assertEqual(self.paragraphs(one), ["A"])
        self.assertEqual(task_func(none, "a@example.org")["Subject"], "T (0)")

    def test_other_text_is_refused(self):
        for text in ("", "plain", "<html></html>", "<rss><channel></channel></rss>"):
            with self.assertRaises(ValueError):
                task_func(text, "a@example.org")
