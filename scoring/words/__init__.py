"""What is said, in two languages: catalogues of whole sentences, a file for each subject, `EN` beside `DE`.

A sentence is never put together from parts of grammar: what differs by number has a key for each form, what differs by
signal a key for each signal. Both catalogues of a file have the same keys and the same {placeholders}; tests hold it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Language: TypeAlias = Literal["en", "de"]
Catalogue: TypeAlias = Mapping[str, str]

LANGUAGES: tuple[Language, ...] = get_args(Language)
_SWAPPED = str.maketrans(",.", ".,")


@dataclass(frozen=True, slots=True)
class Speaker:
    """One catalogue in one language."""

    language: Language
    sentences: Catalogue

    def say(self, key: str, **values: object) -> str:
        """The sentence of that key with its values; numbers with a fraction are written as the language does."""
        sentence = self.sentences[key]
        if not values:
            return sentence
        if self.language != "en":
            values = {name: _Comma(value) if isinstance(value, float) else value for name, value in values.items()}
        return sentence.format_map(values)

    def count(self, key: str, number: int, **values: object) -> str:
        """The form `key.one` or `key.other`, with {number}."""
        told = grouped(number, self.language)
        return self.say(f"{key}.one" if number == 1 else f"{key}.other", number=told, **values)


def speaker(language: Language, english: Catalogue, german: Catalogue) -> Speaker:
    """The one of two catalogues that is in this language."""
    return Speaker(language, {"en": english, "de": german}[language])


def grouped(number: float, language: Language, places: int = 0) -> str:
    """A number as people write it: `1,043.5` in English, `1.043,5` in German."""
    told = f"{number:,.{places}f}"
    return told if language == "en" else told.translate(_SWAPPED)


class _Comma(float):
    """A number whose every format has a decimal comma, so that one {value:.1f} serves both languages."""

    def __format__(self, form: str) -> str:
        return super().__format__(form).translate(_SWAPPED)
