"""What people write behind a number and mean as a unit, in base units: pure. A table, which a test holds against pint:
the library itself would cost every process that searches 8 MB."""

Factor = tuple[float, float, str]  # what makes base units of a number: times, plus, in what
_FARAD, _HENRY, _OHM = "A**2*s**4/kg/m**2", "kg*m**2/A**2/s**2", "kg*m**2/A**2/s**3"
_VOLT, _WATT, _JOULE = "kg*m**2/A/s**3", "kg*m**2/s**3", "kg*m**2/s**2"
_PASCAL, _LITRE, _INCH = "kg/m/s**2", (0.001, 0.0, "m**3"), (0.0254, 0.0, "m")
PREFIXED: dict[str, Factor] = {
    "F": (1.0, 0.0, _FARAD), "H": (1.0, 0.0, _HENRY),
    "Ω": (1.0, 0.0, _OHM), "\u2126": (1.0, 0.0, _OHM), "ohm": (1.0, 0.0, _OHM), "Ohm": (1.0, 0.0, _OHM),
    "ohms": (1.0, 0.0, _OHM), "Ohms": (1.0, 0.0, _OHM),
    "V": (1.0, 0.0, _VOLT), "A": (1.0, 0.0, "A"), "W": (1.0, 0.0, _WATT), "Hz": (1.0, 0.0, "1/s"),
    "m": (1.0, 0.0, "m"), "g": (0.001, 0.0, "kg"), "l": _LITRE, "L": _LITRE, "s": (1.0, 0.0, "s"),
    "B": (8.0, 0.0, "bit"), "Pa": (1.0, 0.0, _PASCAL), "N": (1.0, 0.0, "kg*m/s**2"), "J": (1.0, 0.0, _JOULE),
    "lm": (1.0, 0.0, "cd*rad**2"), "cd": (1.0, 0.0, "cd"), "VA": (1.0, 0.0, _WATT), "Wh": (3600.0, 0.0, _JOULE),
    "Ah": (3600.0, 0.0, "A*s"), "bit": (1.0, 0.0, "bit"), "bit/s": (1.0, 0.0, "bit/s"), "bps": (1.0, 0.0, "bit/s"),
    "b/s": (1.0, 0.0, "bit/s"), "B/s": (8.0, 0.0, "bit/s"),
}  # fmt: skip
ALONE: dict[str, Factor] = {
    "in": _INCH, "inch": _INCH, "inches": _INCH, '"': _INCH, "″": _INCH, "”": _INCH,
    "ft": (0.3048, 0.0, "m"), "mil": (0.0000254, 0.0, "m"), "lb": (0.45359237, 0.0, "kg"),
    "oz": (0.028349523125, 0.0, "kg"), "psi": (6894.757293168361, 0.0, _PASCAL), "bar": (100_000.0, 0.0, _PASCAL),
    "mbar": (100.0, 0.0, _PASCAL), "rpm": (0.10471975511965977, 0.0, "rad/s"), "°C": (1.0, 273.15, "K"),
    "℃": (1.0, 273.15, "K"), "mm2": (1e-6, 0.0, "m**2"), "mm²": (1e-6, 0.0, "m**2"), "cm2": (1e-4, 0.0, "m**2"),
    "cm²": (1e-4, 0.0, "m**2"), "%": (0.01, 0.0, ""), "ppm": (1e-6, 0.0, ""),
    "h": (3600.0, 0.0, "s"), "min": (60.0, 0.0, "s"), "ton": (907.18474, 0.0, "kg"),
}  # fmt: skip
PREFIXES = {
    "": 1.0, "p": 1e-12, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3, "c": 1e-2, "d": 1e-1, "k": 1e3,
    "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
}  # fmt: skip
# What is written before a unit, those meant most first: nobody means a millibit, or a megafarad.
_SMALL, _LARGE = "pnuµμm", "kKMGT"
_USUAL: dict[str, str] = {
    "F": _SMALL, "H": _SMALL, "V": "nuµμmk", "A": f"{_SMALL}k", "W": f"{_SMALL}kKMG", "m": "mcdknuµμ", "g": "kmuµμn",
    "l": "mcduµμ", "L": "mcduµμ", "s": "mnuµμp", "Pa": "kKMGm", "N": "mkKMc", "J": "kmMG", "lm": "km", "cd": "mk",
    "VA": "kKMm", "Wh": "kKMGm", "Ah": "muµμk",
} | dict.fromkeys(("Ω", "\u2126", "ohm", "Ohm", "ohms", "Ohms"), "kKmMGTuµμ")  # fmt: skip
UNITS: dict[str, Factor] = {
    prefix + unit: (factor * PREFIXES[prefix], plus, base)
    for unit, (factor, plus, base) in PREFIXED.items()
    for prefix in ("", *_USUAL.get(unit, _LARGE))
} | ALONE


def _of_russian() -> dict[str, Factor]:
    units = {"Ф": "F", "Гн": "H", "Ом": "Ω", "В": "V", "А": "A", "Вт": "W", "Гц": "Hz", "м": "m", "г": "g"}  # noqa: RUF001
    prefixes = {"": "", "п": "p", "н": "n", "мк": "u", "м": "m", "с": "c", "к": "k", "М": "M", "Г": "G"}  # noqa: RUF001
    written = {p + u: UNITS.get(prefixes[p] + units[u]) for u in units for p in prefixes}
    return {unit: known for unit, known in written.items() if known}


UNITS |= _of_russian()


def _spelled() -> dict[str, Factor]:
    """The units in the case in which people write them. Case decides where it must (`mW`, `MW`), the prefix's first;
    a letter alone is never meant in capitals that it has not (`4 M`)."""
    found = dict(UNITS)
    prefixed = [(prefix, unit) for unit in PREFIXED for prefix in ("", *_USUAL.get(unit, _LARGE))]
    for prefix, unit in prefixed:
        for spelled in (prefix + unit.lower(), *([prefix + unit.upper()] if prefix or len(unit) > 1 else ())):
            found.setdefault(spelled, UNITS[prefix + unit])
    for unit, factor in UNITS.items():
        for spelled in (unit.lower(), *([unit.upper()] if len(unit) > 1 else ())):
            found.setdefault(spelled, factor)
    return found


SPELLED = _spelled()
