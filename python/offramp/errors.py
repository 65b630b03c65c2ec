# SPDX-License-Identifier: Apache-2.0
"""What offramp raises on purpose."""


class Error(Exception):
    """The message names the file, the field, what was found and what was expected.

    kind: "io", "bad_model", "bad_data", "unsupported" or "invalid_argument".
    """

    def __init__(self, message: str, kind: str):
        super().__init__(message, kind)
        self.kind = kind

    def __str__(self) -> str:
        return self.args[0]


class InvalidArgument(Error, ValueError):
    """A value of the caller is outside its documented range."""
