"""What an order looks like in each market when nothing more is said about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Market", "market"]


@dataclass(frozen=True, slots=True)
class Market:
    """A country with its locale and an address in it."""

    country: str
    locale: str
    address: Mapping[str, str]


def _market(country: str, locale: str, postal_code: str, city: str, region: str = "") -> Market:
    address = {
        "given_name": "Zoë",
        "family_name": "Exämple",
        "street_address": "Example Street 1",
        "postal_code": postal_code,
        "city": city,
        "region": region,
        "country": country,
        "email": "customer@example.com",
        "phone": "+491234567890",
    }
    return Market(country, locale, {name: value for name, value in address.items() if value})


_MARKETS = {
    place.country: place
    for place in (
        _market("DE", "de-DE", "10178", "Berlin"),
        _market("AT", "de-AT", "1010", "Wien"),
        _market("AU", "en-AU", "3000", "Melbourne", "VIC"),
        _market("CA", "en-CA", "M5V 3L9", "Toronto", "ON"),
        _market("CH", "de-CH", "8001", "Zürich"),
        _market("DK", "da-DK", "1050", "København"),
        _market("ES", "es-ES", "28001", "Madrid"),
        _market("FI", "fi-FI", "00100", "Helsinki"),
        _market("FR", "fr-FR", "75001", "Paris"),
        _market("GB", "en-GB", "W1S 3BE", "London"),
        _market("IT", "it-IT", "00184", "Roma"),
        _market("NL", "nl-NL", "1012 AB", "Amsterdam"),
        _market("NO", "nb-NO", "0150", "Oslo"),
        _market("NZ", "en-NZ", "1010", "Auckland"),
        _market("PL", "pl-PL", "00-001", "Warszawa"),
        _market("SE", "sv-SE", "111 22", "Stockholm"),
        _market("US", "en-US", "10024", "New York", "NY"),
    )
}
_HOMES = {
    "AUD": "AU",
    "CAD": "CA",
    "CHF": "CH",
    "DKK": "DK",
    "EUR": "DE",
    "GBP": "GB",
    "NOK": "NO",
    "NZD": "NZ",
    "PLN": "PL",
    "SEK": "SE",
    "USD": "US",
}


def market(currency: str, country: str | None = None) -> Market:
    """Return the market of a country, or the first that uses the currency; unknown ones get an address without code."""
    code = (country or _HOMES.get(currency.upper(), "DE")).upper()
    return _MARKETS.get(code) or _market(code, f"en-{code}", "", "Example City")
