"""Part numbers, quantities, prices by list, and titles of one product: the pure files, by exact values."""

import hashlib
import time
import uuid
from decimal import Decimal

import orjson
import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import kinds, mapping, numbers, rules, units, words
from search.documents import NO_LIMIT, price_rows, scale
from search.engine import Count
from search.facets import tree
from search.grouping import Groups
from search.likeness import Item, contradict

A, B = uuid.UUID(int=1), uuid.UUID(int=2)


@pytest.mark.parametrize(
    ("text", "token"),
    [("10 uF", "1e-05 A**2*s**4/kg/m**2"), ("10µF", "1e-05 A**2*s**4/kg/m**2"), ("1/4 in", "0.00635 m"),
     ("2,5 mm", "0.0025 m"), ("4.7kOhm", "4700 kg*m**2/A**2/s**3"), ("M8x40", "m8x40"), ("M8 x 40", "m8x40")],
)  # fmt: skip
def test_quantities_in_base_units(text, token):
    assert words.measures_in(text)[0] == token


@pytest.mark.parametrize(
    ("asked", "stated"),
    [("0.01 mF capacitor", "±10% 10uF 25V"), ("10UF", "10µF"), ("4K7 resistor", "4.7kΩ"), ("2R2", "2.2 \u2126"),
     ("100k 1% 0603", "100kΩ ±1%"), ("16mhz", "20pF 16MHz"), ('1 1/4"', "31.75 mm"),
     ("0.1 inch pitch", "插件,P=2.54mm"),
     ("M3 x 10 mm", "PM3X10"), ("12V/2A", "2000mA 12V"), ("-40..85C", "-40℃~+85℃"), ("4,7 кОм", "4k7"),
     ("10uF电容", "10 uF"), ("0.5 mm2", "0,5 mm²"), ("1,000 uF", "1000uF"), ("10k 0603", "Thick film resistor 10K")],
)  # fmt: skip
def test_what_is_asked_for_is_what_is_stated_otherwise(asked, stated):
    found = words.measures_in(stated)
    measures = words.measures_asked(asked)
    assert measures
    assert all(any(set(way) <= set(found) for way in ways) for _, ways in measures)
    assert rules.understand(asked, None, ()).exactly


@pytest.mark.parametrize("number", ["LM317", "BC847B,215", "RC0603FR-074K7L", "ADS7816UC/2K5", "1N4148", "4k tv"])
def test_a_number_of_a_part_is_no_quantity(number):
    assert (words.measures_asked(number), words.measures_in(number)) == ((), ())


@pytest.mark.parametrize(
    "number", ["3296W-201", "4214W-VB", "2.54mm-4P WZ", "M7-TP", "749020010A", "691347000002B", "10uF GRM188R61E106"]
)
def test_a_number_that_a_quantity_is_part_of_is_looked_for_with_its_slips(number):
    asked = rules.understand(number, None, ())
    assert (bool(asked.measures), asked.exactly) == (True, False)


def test_an_attributes_name_tells_the_unit_of_a_bare_number():
    assert words.measures_of("Capacitance", "1.0000000000000001e-07") == words.measures_in("100nF")
    assert words.measures_of("Current - saturation(isat)", "3.0") == words.measures_in("3 A")
    assert words.measures_of("Resistance", "10K") == words.measures_in("10 kOhm")
    assert words.meaning("Capacitance", "1e-05") == words.meaning("Capacity", "0.01 mF") == words.meaning("", "10uF")
    assert words.meaning("Length", "3") == "3"
    assert words.measures_of("Length", "3.0") == words.measures_of("Thermal resistance", "3") == ()


@pytest.mark.parametrize("text", ["", "hello", "10", "1/0 in", "part 10uFx", "9" * 400, "3 pcs"])
def test_what_is_no_quantity_is_none(text):
    assert words.measures_in(text) == ()


@pytest.mark.parametrize(
    ("name", "kind"),
    [('LCD monitor 17"', ["monitor"]), ("Monitor & Laptop Mounting Arm", ["arm"]), ("Cable for monitors", ["cable"]),
     ("Acme Case Works phone case Black", ["case"]), ("phone case Wallet", ["case"]),
     ("Phone Wallet", ["wallet"]), ("Power adapter/inverter 12 V", ["adapter", "inverter"]),
     ("Laptop Sleeve- Black", ["sleeve", "black"]), ("Laptop Sleeve -Black. With strap", ["sleeve", "black"]),
     ("M8x40", []), ("", [])],
)  # fmt: skip
def test_a_name_says_what_the_thing_is(name, kind):
    found = kinds.kinds_in(name, "Acme Case Works", {"black", "wallet", "12", "v"}, {"black"})
    assert [word for word in found if len(word) > 1] == kind


@pytest.mark.parametrize(
    ("asked", "kind"),
    [("gaming mouse pad", "pad"), ("stand for tablets", "stand"), ("windows 10", "windows"), ("10", "")],
)
def test_a_query_asks_for_its_last_noun(asked, kind):
    assert kinds.kind_asked(asked) == kind


def test_units_are_those_of_the_library():
    registry = pint.UnitRegistry(cache_folder=None)
    named = {"Ω": "ohm", "\u2126": "ohm", "Ohm": "ohm", "ohms": "ohm", "Ohms": "ohm", "℃": "degC", "%": "percent",
             "mm2": "mm**2", "mm²": "mm**2", "cm2": "cm**2", "cm²": "cm**2",
             "B": "byte", "B/s": "byte/s", "bps": "bit/s", "b/s": "bit/s", "in": "inch",
             '"': "inch", "″": "inch", "”": "inch", "inches": "inch", "mil": "thou", "l": "liter", "L": "liter",
             "°C": "degC", "VA": "volt*ampere", "Wh": "watt*hour", "Ah": "ampere*hour"}  # fmt: skip
    for unit, (factor, plus, base) in (units.PREFIXED | units.ALONE).items():
        parsed = registry.parse_units(named.get(unit, unit))
        zero, one = (registry.Quantity(number, parsed).to_base_units() for number in (0.0, 1.0))
        assert (f"{one.units:~C}", zero.magnitude) == (base, plus), unit
        assert one.magnitude - zero.magnitude == pytest.approx(factor, rel=1e-12), unit
    for prefix, times in units.PREFIXES.items():
        assert registry.Quantity(1, f"{prefix.replace('K', 'k')}meter").to("meter").magnitude == pytest.approx(times)


@given(st.text(max_size=200))
def test_no_text_is_too_odd(text):
    kinds.kinds_in(text, text[:5], {text})
    words.measures_asked(text)
    words.magnitude(text)
    numbers.heads(text)
    numbers.deletions(numbers.key_of(text))


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_numbers_as_text_sort_as_numbers(one, other):
    assert (scale("a", one) < scale("a", other)) == (one + 0.0 < other + 0.0)


@given(st.text("abc123", min_size=6, max_size=12), st.integers(0, 11), st.sampled_from(["drop", "double", "swap"]))
def test_a_slip_of_one_character_is_found_by_its_deletions(key, at, kind):
    at %= len(key)
    typed = {"drop": key[:at] + key[at + 1 :], "double": key[: at + 1] + key[at:],
             "swap": key[:at] + key[at + 1 : at + 2] + key[at : at + 1] + key[at + 2 :]}[kind]  # fmt: skip
    asked = {typed, *numbers.deletions(typed)}
    assert key in asked or asked & {*numbers.deletions(key)}


def test_nearer_numbers_come_first():
    keys = ["bc847b", "bc847", "bc847c215", "bx847"]
    order = [keys[at] for at in numbers.nearest("bc847215", numbers.heads("BC847,215"), keys)]
    assert order[0] == "bc847"


def test_of_an_offer_one_row_is_a_buyers_price():
    held = [(A, False, "EUR", 1, Decimal(9)), (A, False, "EUR", 10, Decimal(8)), (B, True, "EUR", 1, Decimal(10)),
            (B, True, "EUR", 5, Decimal(10)), (B, True, "EUR", 20, Decimal(7))]  # fmt: skip
    rows = [(r.list_id, r.open, r.from_quantity, r.until, r.unit_price, r.better) for r in price_rows(held, 1)]
    assert rows == [
        (A, False, 0, 10, Decimal(9), ()), (A, False, 10, NO_LIMIT, Decimal(8), ()),
        (B, True, 0, 20, Decimal(10), (A,)), (B, True, 20, NO_LIMIT, Decimal(7), (A,)),
    ]  # fmt: skip
    assert [(r.from_quantity, r.unit_price) for r in price_rows(held[:2], 10)] == [(0, Decimal(8))]


def test_counts_are_summed_up_the_tree():
    nodes = tree([Count("a/b", 2), Count("a", 1), Count("", 5)], {"a": (0, "A"), "a/b": (1, "B"), "c": (2, "C")})
    assert [(n.path, n.depth, n.count) for n in nodes] == [("a", 0, 3), ("a/b", 1, 2)]


def test_names_of_one_product_are_put_together_and_its_sisters_kept_apart():
    names = [
        "Apple iPhone 8 Plus 64GB Silver", "apple iphone 8 plus 64 gb silver sim free",
        "Apple iPhone 8 Plus 256GB Silver",
        "Bosch washing machine", "Bosch WAT 2840 SGB 9 kg", "bosch wat2840sgb washing machine 9kg",
        *(f"Kettle {letter}" for letter in "abcdefgh"),
    ]  # fmt: skip
    groups = Groups([Item(name) for name in names])
    assert [(m.one, m.other) for m in groups.meetings()] == [(0, 1), (4, 5), (3, 5)]
    assert groups.why(4, 5) == ["Same number: wat2840sgb.", "Same size: 9 kg.", "Both say: 9kg, wat2840sgb, bosch."]
    assert groups.score(4, 5) > groups.score(3, 5)
    assert groups.why(1, 2)[0] == "Other size: 64 and 256 gb."
    assert groups.score(0, 1) > groups.score(0, 2) > groups.score(0, 3)


def test_numbers_that_contradict_and_a_seller_of_both_keep_products_apart():
    drill = Item("Drill AB-1200", "Acme", "AB-1200", "4006381333931", frozenset({"a"}))
    assert not contradict(drill, Item("Drill AB1200", "ACME Ltd", "AB 1200"))
    assert not contradict(drill, Item("Drill AB1200"))
    assert contradict(drill, Item("Drill", ean="4012345678901"))
    assert contradict(drill, Item("Drill", "Acme", "AB-1201"))
    assert contradict(drill, Item("Drill AB-1200", "Bolt"))
    sold = [drill, Item("Acme drill ab 1200", sellers=frozenset({"a"})), *(Item(f"Kettle {c}") for c in "abcdefgh")]
    assert Groups(sold).meetings() == []
    assert len(Groups([Item("Acme drill ab 1200"), *sold[1:]]).meetings()) == 1


def test_thousands_of_rules_cost_a_search_little_and_make_no_endless_text():
    many = [rules.Rule("synonym", tuple(f"word{n} {m}" for m in range(50)), False, "", 1.0) for n in range(2_000)]
    longer = rules.Rule("synonym", ("a", " ".join("bcdefghijk")), True, "", 1.0)
    started = time.process_time()
    asked = rules.understand("a " * 149 + "z", None, [*many, longer])
    assert time.process_time() - started < 0.5
    assert asked.readings == (asked.text,)
    assert rules.understand("a z", None, [longer]).readings == ("a z", "b c d e f g h i j k z")


def test_whoever_changes_the_mapping_raises_its_format():
    properties = orjson.dumps([mapping.PROPERTIES, mapping._ANALYSIS], option=orjson.OPT_SORT_KEYS)
    assert (mapping.FORMAT, hashlib.sha256(properties).hexdigest()[:12]) == (2, "386b78e56892")
