"""The devices a person wears as a page tells them: which is read, why and since when, and what another would mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest import nights, standings, store, words
from ingest.devices import LEARNT, SWITCH_AFTER, account_name, followed, leads
from ingest.models import VendorAccount
from ingest.nights import HRV, RESTING, Given

LABELS: Mapping[str, str] = {
    HRV: "Overnight HRV",
    RESTING: "Sleeping heart rate",
    "respiratory_rate": "Breathing rate",
    "skin_temperature": "Skin temperature",
    "oxygen_saturation": "Blood oxygen",
    "sleep_minutes": "Time asleep",
    "load": "Strain of the day",
    "steps": "Steps",
}
USUAL_FROM, USUAL_TO, FEWEST = timedelta(days=66), timedelta(days=7), 14  # the nights that a usual range rests on


@dataclass(frozen=True, slots=True)
class Device:
    """One account with nights: how many and until when, whether it is read and chosen, and what choosing it means."""

    account: int
    title: str
    nights: int
    first: date
    last: date
    silent: bool
    means: str
    leads: bool = False
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Signal:
    """Where one signal was last read from."""

    label: str
    title: str
    last: date
    reason: str


@dataclass(frozen=True, slots=True)
class Worn:
    """All that the page shows; `reason` says why the leading device is read, and `since` when it began."""

    devices: Sequence[Device]
    signals: Sequence[Signal]
    reason: str
    since: date | None
    chosen: bool

    @property
    def lead(self) -> Device | None:
        """The device that nights are read from today."""
        return next((device for device in self.devices if device.leads), None)


def worn(session: Session, person_id: int, today: date) -> Worn:
    """The devices of a person as they stand today, the one that leads first."""
    own = select(VendorAccount).where(VendorAccount.person == person_id).order_by(VendorAccount.id)
    accounts = {account_name(each.vendor, each.external_id): each for each in session.scalars(own)}
    titles = _titles(accounts)
    given = nights.choose([row for row in nights.night_rows(session, person_id) if row.day <= today])
    said = {account: days for account, days in nights.words(given).items() if account in accounts}
    choice = store.chosen_device(session, person_id)
    wanted = next((name for name, each in accounts.items() if choice and each.id == choice.vendor_account), None)
    changes = leads(said, wanted)
    since = max(changes, default=None)
    lead = changes[since] if since else ""
    devices = [
        replace(_device(accounts[name].id, titles[name], set(days), today), leads=name == lead, chosen=name == wanted)
        for name, days in said.items()
    ]
    ordered = sorted(devices, key=lambda each: (not each.leads, -each.nights, each.account))
    signals = _signals(given, lead, set(said.get(lead, ())), titles)
    return Worn(ordered, signals, _reason(ordered, titles.get(wanted or "", ""), today), since, wanted is not None)


def owns(session: Session, person_id: int, account: int) -> bool:
    """Whether this account is the person's."""
    own = (VendorAccount.id == account, VendorAccount.person == person_id)
    return 0 < account < 2**63 and session.scalar(select(VendorAccount.id).where(*own)) is not None


def _titles(accounts: Mapping[str, VendorAccount]) -> dict[str, str]:
    """What people call each account; two at one vendor are numbered."""
    told: dict[str, str] = {}
    for name, account in accounts.items():
        title = standings.title_of(account.vendor)
        same = sum(each.vendor == account.vendor for known, each in accounts.items() if known in told)
        told[name] = f"{title}, account {same + 1}" if same else title
    return told


def _device(account: int, title: str, days: set[date], today: date) -> Device:
    last = max(days)
    silent = today - last > SWITCH_AFTER
    means = f"Silent since {words.short(last, today)}. It counts again from its next night on."
    if not silent:
        means = _means(days, today)
    return Device(account, title, len(days), min(days), last, silent, means)


def _means(days: set[date], today: date) -> str:
    if sum(today - USUAL_FROM <= day <= today - USUAL_TO for day in days) >= FEWEST:
        return f"Your usual range is then its own: {words.counted(len(days), 'night')} of it are here."
    lately = sum(day >= today - USUAL_FROM for day in days)
    return f"Your usual range begins anew: {min(lately, LEARNT)} of {LEARNT} nights so far."


def _signals(given: Given, lead: str, own: set[date], titles: Mapping[str, str]) -> list[Signal]:
    told = []
    for signal, label in LABELS.items():
        by_account = {account: rows for account, rows in given.get(signal, {}).items() if account in titles}
        rows = followed(by_account, lead, own)
        if rows:
            account = rows[max(rows)].account
            told.append(Signal(label, titles[account], max(rows), _because(account, lead, by_account, titles)))
    return told


def _because(account: str, lead: str, by_account: Mapping[str, object], titles: Mapping[str, str]) -> str:
    if account == lead:
        return "" if len(by_account) > 1 else "only it has this"
    return f"{titles[lead]} has it no more" if lead in by_account else f"{titles[lead]} has none" if lead else ""


def _reason(devices: Sequence[Device], wanted: str, today: date) -> str:
    """Why the first of these is read."""
    if not devices:
        return ""
    lead = devices[0]
    if lead.chosen:
        return "You chose it."
    chosen = next((device for device in devices if device.chosen), None)
    if wanted and chosen is None:
        return f"You chose {wanted}, which has no night yet; until then it is this one."
    if chosen:
        last = words.short(chosen.last, today)
        return f"You chose {chosen.title}, which is silent since {last}; until it speaks again it is this one."
    if any(device.first < lead.first for device in devices):
        return "The one before it fell silent, or lacked one of the two signals that decide."
    return f"It began first: {words.counted(lead.nights, 'night')}."
