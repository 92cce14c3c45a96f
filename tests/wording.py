"""The rules for what people read, in both languages, and sentences filled in as they would be shown."""

import importlib.util
import pkgutil
import re
from collections.abc import Iterator, Mapping
from string import Formatter

import ingest
import scoring.words
import workers

CATALOGUES = {"EN", "DE"}
ENGLISH = (
    r"fever|infect|arrhythm|overtrain|diagnos|abnormal|safe to|injur|neural|nervous|warning|danger|diseas|treat|"
    r"illness|symptom|patient|\bsick|\bcur(e|es|ed)\b|prevent|should|\bmust\b|you are ill|risk|alarm|monitor|"
    r"%|percent|probab|likel|chance|"  # nothing is foretold
    r"blame|fault|too much|too many|\bbad\b|poor|guilt|"  # nobody is blamed
    r"other people|than others|average|most people|your age"  # nobody is compared with others
)
GERMAN = (
    r"fieber|infek|rhythmusst|übertrain|diagnos|abnormal|anormal|unnormal|sicher trainier|verletz|neural|nerven|warn|"
    r"gefahr|gefähr|krankheit|erkrank|symptom|patient|du bist krank|behandl|therap|heil|verhinder|vorbeug|sollte|"
    r"\bmuss(?!t nicht)|müss|risik|alarm|überwach|"
    r"%|prozent|wahrscheinlich|chance|"
    r"schuld|zu viel|schlecht|mangelhaft|"
    r"andere (leute|menschen|personen)|als andere|durchschnitt|die meisten|in deinem alter"
)
FORBIDDEN = {"en": re.compile(ENGLISH, re.IGNORECASE), "de": re.compile(GERMAN, re.IGNORECASE)}
CYCLE = re.compile(r"\bcycle|luteal|follicul|menstru|\bperiod|zyklus|follikel|regelblutung|gelbkörper", re.IGNORECASE)
FORMAL = re.compile(r"(?<=[a-zäöüß,] )(Sie|Ihnen|Ihr[a-z]*)\b")  # within a sentence, where it can be nothing else
NOT_GERMAN = re.compile(
    r"\b(the|and|your|you|nights?|with|of|is|are|this|that|for|we|what|when|how|from|have|nothing|save|about|it|not|usual)\b",
    re.IGNORECASE,
)
DISCLAIMERS = ("Not a medical device", "Kein Medizinprodukt")
LONGEST = 20  # words of a sentence, on average


def catalogues() -> dict[str, tuple[Mapping[str, str], Mapping[str, str]]]:
    """Every module that says something in two languages, by its name."""
    found = {}
    for name in _modules():
        source = importlib.util.find_spec(name).loader.get_source(name)
        if all(re.search(rf"^{catalogue}\b.*= ", source, re.MULTILINE) for catalogue in CATALOGUES):
            module = importlib.import_module(name)
            found[name] = (module.EN, module.DE)
    return found


def filled(sentence: str) -> str:
    """A sentence with something plausible for each of its values."""
    values = {}
    for _, name, form, _ in Formatter().parse(sentence):
        if name:
            values[name] = 17.13 if form else "5"
    return sentence.format(**values)


def words_a_sentence(text: str) -> float:
    """How many words a sentence of this text has, on average."""
    sentences = [part for part in re.split(r"(?<=[.:;?!])\s+", text.strip()) if part]
    return len(text.split()) / len(sentences)


def visible(text: str) -> str:
    """What is read of a mail or a page: no markup, no addresses, not the sentence that every one ends with."""
    plain = re.sub(r"<style.*?</style>|<[^>]*>|https?://\S+", " ", text, flags=re.DOTALL)
    for disclaimer in DISCLAIMERS:
        plain = plain.replace(disclaimer, "")
    return plain


def _modules() -> Iterator[str]:
    for package in (scoring.words, ingest, workers):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "migrations" not in module.name:
                yield module.name
