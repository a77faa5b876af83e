"""What `${name}` in a receiver stands for: settings, the environment, and files with secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_ENVIRONMENT = "env:"
_FILE = "file:"
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class Variables(Mapping[str, str | None]):
    """Named settings, `env:NAME` and `file:NAME` (a file in `secrets_dir`); None is not set.

    A file is read anew every time, so that a reload takes up a secret that was exchanged; white
    space around its content is dropped. Names with a path in them are unknown: a policy may not
    read any file it likes.
    """

    def __init__(
        self,
        named: Mapping[str, str | None],
        environment: Mapping[str, str],
        secrets_dir: Path,
    ) -> None:
        self._named, self._environment, self._secrets_dir = named, environment, secrets_dir

    def __getitem__(self, name: str) -> str | None:
        if name.startswith(_ENVIRONMENT) and name != _ENVIRONMENT:
            return self._environment.get(name.removeprefix(_ENVIRONMENT)) or None
        if name.startswith(_FILE) and _FILE_NAME.fullmatch(name.removeprefix(_FILE)):
            return self._content(self._secrets_dir / name.removeprefix(_FILE))
        return self._named[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)

    @staticmethod
    def _content(file: Path) -> str | None:
        try:
            return file.read_text(encoding="utf-8").strip() or None
        except (OSError, UnicodeDecodeError):
            return None
