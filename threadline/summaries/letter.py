"""A summary as a letter: a line of subject, text and HTML of the same content, pictures by cid."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from threadline.summaries.links import Links
from threadline.summaries.wording import words
from threadline.wire.summaries import SummaryContent

# What is HTML is escaped whole: names of contracts are strangers' text.
_TEMPLATES = Environment(
    loader=PackageLoader("threadline.summaries"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What goes into a mail; `html` shows `images` (PNG) as `cid:` and their names."""

    subject: str
    text: str
    html: str
    images: Mapping[str, bytes]

    @property
    def page(self) -> str:
        """The HTML with its pictures inside, to look at in a browser."""
        shown = self.html
        for cid, png in self.images.items():
            picture = f"data:image/png;base64,{base64.b64encode(png).decode()}"
            shown = shown.replace(f'"cid:{cid}"', f'"{picture}"')
        return shown


def compose(
    content: SummaryContent, pictures: Sequence[bytes], *, dashboards: str, contact: str
) -> Letter:
    """The letter; `pictures` are those of the content's trends, or none where they failed."""
    links = Links(address=dashboards, window=content.window, journey=content.journey)
    said = words(content, links, contact)
    images = dict(zip((trend.cid for trend in said.trends), pictures, strict=False))
    told = {"words": said, "images": images}
    return Letter(
        subject=said.subject,
        text=_TEMPLATES.get_template("letter.txt").render(told),
        html=_TEMPLATES.get_template("letter.html").render(told),
        images=images,
    )
