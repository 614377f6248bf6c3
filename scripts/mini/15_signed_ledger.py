import hashlib
import hmac

import rsa


def task_func(entries, private_key):
    """
    Chain the entries of a ledger and sign the chain. The first link is the hexadecimal HMAC-SHA-256 of the UTF-8 entry under the key b'ledger'; each next link is the HMAC of its entry under the ASCII bytes of the link before. The last link, as ASCII bytes, is signed with the private key by RSA PKCS#1 v1.5 with SHA-256.

    Parameters:
    - entries (list of str): The entries, oldest first.
    - private_key (rsa.PrivateKey): The key to sign with.

    Returns:
    - tuple: The list of links as str, and the signature as a hexadecimal str.

    Raises:
    - ValueError: If there are no entries.

    Requirements:
    - hashlib
    - hmac
    - rsa

    Example:
    >>> public, private = rsa.newkeys(512)
    >>> links, signature = task_func(["opened"], private)
    >>> len(links[0]), len(signature)
    (64, 128)
    """
    if not entries:
        raise ValueError("an empty ledger cannot be signed")
    key = b"ledger"
    links = []
    for entry in entries:
        links.append(hmac.new(key, entry.encode(), hashlib.sha256).hexdigest())
        key = links[-1].encode()
    return links, rsa.sign(key, private_key, "SHA-256").hex()


# tests
import hashlib
import hmac
import unittest

import rsa


class TestCases(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.public, cls.private = rsa.newkeys(512)

    def test_first_link(self):
        links, _ = task_func(["opened"], self.private)
        self.assertEqual(links, [hmac.new(b"ledger", b"opened", hashlib.sha256).hexdigest()])

    def test_each_link_depends_on_the_one_before(self):
        links, _ = task_func(["a", "b"], self.private)
        self.assertEqual(links[1], hmac.new(links[0].encode(), b"b", hashlib.sha256).hexdigest())
        self.assertNotEqual(links[1], task_func(["x", "b"], self.private)[0][1])

    def test_signature_verifies(self):
        links, signature = task_func(["a", "b", "c"], self.private)
        self.assertEqual(rsa.verify(links[-1].encode(), bytes.fromhex(signature), self.public), "SHA-256")

    def test_signature_is_of_the_last_link(self):
        _, signature = task_func(["a", "b"], self.private)
        with self.assertRaises(rsa.VerificationError):
            rsa.verify(b"something else", bytes.fromhex(signature), self.public)

    def test_empty_ledger_is_refused(self):
        with self.assertRaises(ValueError):
            task_func([], self.private)
