import base64
import hashlib
import json

from cryptography.fernet import Fernet, InvalidToken


def task_func(password, token=None, note=None):
    """
    Seal or open a note with a password. The key is the SHA-256 digest of the UTF-8 password in URL-safe base64, used with Fernet. A sealed note is the token of the JSON text of a dict with the keys 'note' and 'digest', the hexadecimal SHA-256 digest of the UTF-8 note. Exactly one of token and note must be given.

    Parameters:
    - password (str): The password.
    - token (str): A sealed note to open. Default is None.
    - note (str): A note to seal. Default is None.

    Returns:
    - str: The token if a note was given, the note if a token was given.

    Raises:
    - ValueError: If not exactly one of token and note is given, or the token cannot be opened with the password, or the note does not have its digest.

    Requirements:
    - base64
    - cryptography
    - hashlib
    - json

    Example:
    >>> task_func("secret", token=task_func("secret", note="buy milk"))
    'buy milk'
    """
    if (token is None) == (note is None):
        raise ValueError("give either a token or a note")
    box = Fernet(base64.urlsafe_b64encode(hashlib.sha256(password.encode()).digest()))
    if note is not None:
        content = {"note": note, "digest": hashlib.sha256(note.encode()).hexdigest()}
        return box.encrypt(json.dumps(content).encode()).decode()
    try:
        content = json.loads(box.decrypt(token.encode()))
    except InvalidToken as error:
        raise ValueError("the password does not open this token") from error
    if hashlib.sha256(content["note"].encode()).hexdigest() != content["digest"]:
        raise ValueError("the note was changed")
    return content["note"]


# tests
import base64
import hashlib
import json
import unittest

from cryptography.fernet import Fernet


class TestCases(unittest.TestCase):
    def box(self, password):
        return Fernet(base64.urlsafe_b64encode(hashlib.sha256(password.encode()).digest()))

    def test_round_trip(self):
        for note in ("buy milk", "", "Zoë\n\u2603"):
            self.assertEqual(task_func("secret", token=task_func("secret", note=note)), note)

    def test_format(self):
        content = json.loads(self.box("pässword").decrypt(task_func("pässword", note="x").encode()))
        self.assertEqual(content, {"note": "x", "digest": hashlib.sha256(b"x").hexdigest()})

    def test_wrong_password_and_broken_token(self):
        token = task_func("secret", note="x")
        with self.assertRaises(ValueError):
            task_func("guess", token=token)
        with self.assertRaises(ValueError):
            task_func("secret", token=token[:-8] + "AAAAAAA=")

    def test_wrong_digest(self):
        forged = self.box("secret").encrypt(json.dumps({"note": "y", "digest": "0" * 64}).encode()).decode()
        with self.assertRaises(ValueError):
            task_func("secret", token=forged)

    def test_exactly_one_of_both(self):
        with self.assertRaises(ValueError):
            task_func("secret")
        with self.assertRaises(ValueError):
            task_func("secret", token="a", note="b")
