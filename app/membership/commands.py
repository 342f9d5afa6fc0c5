"""The verb by which anybody computes a score again from the file a citizen took with them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from app.kit.db.database import database_lifespan
from app.kit.db.migration import migrate
from app.kit.process.surroundings import scratch_database
from app.kit.security.keys import ensure_keys
from app.kit.security.signed_file import (
    FILE_BYTES_MAX,
    SignatureWrong,
    check_signature,
    read_file,
    read_json,
    read_keys,
)
from app.membership.actions.recompute import recompute
from app.membership.export import MEMBER, SIGNATURE_TYPE, Export
from app.membership.report import iter_report, judge_agreement
from app.record.catalogue import CATALOGUE
from app.score.book.check import RuleBookWrong
from app.score.book.published import parse_published
from app.score.book.standard import STANDARD_BOOK_FILE

if TYPE_CHECKING:
    from app.score.book.document import RuleBook

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
BOOK_BYTES_MAX = 4 * 1024 * 1024


@click.command("explain")
@click.argument("file", type=FILE)
@click.option("--rule-book", "rule_book", type=FILE, help="The saved answer of GET /v1/rule-books/current.")
@click.option("--keys", type=FILE, help="The saved answer of GET /v1/export-keys; without it nothing is checked.")
def explain(file: Path, rule_book: Path | None, keys: Path | None) -> None:
    """Compute a score again from a citizen's exported FILE and the published rules alone.

    Needs no city: the engine runs in a database of its own in a temporary folder. Exits with 1 when the signature is
    wrong or the result is not what the file states.
    """
    export = _read_export(file, keys)
    book = _find_book(export, rule_book)
    with scratch_database():
        agrees = asyncio.run(_explain(export, book))
    if not agrees:
        raise SystemExit(1)


def _read_export(file: Path, keys: Path | None) -> Export:
    try:
        content, signature = read_file(MEMBER, _read(file, FILE_BYTES_MAX))
        if keys is not None:
            check_signature(content, signature, read_keys(_read(keys, FILE_BYTES_MAX)), SIGNATURE_TYPE)
        export = msgspec.convert(content, Export)
    except SignatureWrong as error:
        raise click.ClickException(f"{file.name}: 签名或文件无效 the file cannot be trusted: {error}") from None
    except msgspec.ValidationError as error:
        raise click.ClickException(f"{file.name}: 文件无效 it is no export: {error}") from None
    said = "未核验（未提供公钥） not checked, no keys were given" if keys is None else "有效 valid"
    click.echo(f"签名 Signature       {said}")
    return export


def _find_book(export: Export, rule_book: Path | None) -> RuleBook:
    if export.score is None:
        raise click.ClickException("文件中没有信用分 the file states no score")
    wanted = (export.score.rule_book.code, export.score.rule_book.version)
    shipped = [path for path in STANDARD_BOOK_FILE.parent.glob("*.json") if path.stem == f"{wanted[0]}_v{wanted[1]}"]
    for path in [rule_book] if rule_book else shipped:
        try:
            text = _read(path, BOOK_BYTES_MAX)
            read_json(text)
            book = parse_published(text, CATALOGUE)
        except (RuleBookWrong, SignatureWrong) as error:
            raise click.ClickException(f"{path.name}: 计分规则无效 {error}") from None
        if (book.code, book.version) == wanted:
            return book
    named = f"{wanted[0]} {wanted[1]}"
    raise click.ClickException(f"需要计分规则 {named} the rule book {named} is needed: --rule-book FILE")


async def _explain(export: Export, book: RuleBook) -> bool:
    assert export.score is not None, "a book was found for it"
    ensure_keys()
    await migrate()
    async with database_lifespan():
        computed = await recompute(export, export.score, book)
    if computed is None:
        raise click.ClickException("未满十八周岁，没有信用分 there is no score under eighteen")
    for line in iter_report(export, export.score, computed, book):
        click.echo(line)
    return judge_agreement(export.score, computed).is_full


def _read(path: Path, bytes_max: int) -> bytes:
    if path.stat().st_size > bytes_max:
        raise click.ClickException(f"{path.name}: 文件过大 it is larger than {bytes_max} bytes")
    return path.read_bytes()
