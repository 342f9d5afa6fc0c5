"""A credit code as a picture: QR version 1-M, drawn as one SVG path. Pure."""

from __future__ import annotations

from itertools import groupby

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode
from qrcode.util import MODE_NUMBER, QRData

QR_VERSION = 1
QR_MASK = 3  # any mask is legal; trying all eight costs ten times as much and the content is random anyway
QUIET_MODULES = 4
SIDE_MODULES = 21 + 2 * QUIET_MODULES


def compute_svg(text: str) -> str:
    """Draw the digits as black on white with the quiet zone the standard asks for; one unit is one module."""
    code = QRCode(version=QR_VERSION, error_correction=ERROR_CORRECT_M, mask_pattern=QR_MASK, border=0)
    code.add_data(QRData(text, mode=MODE_NUMBER), optimize=0)
    code.make(fit=False)
    path = "".join(_draw_row(row, y) for y, row in enumerate(code.modules, QUIET_MODULES))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE_MODULES} {SIDE_MODULES}" '
        f'shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{SIDE_MODULES}v{SIDE_MODULES}H0z"/>'
        f'<path d="{path}"/></svg>'
    )


def _draw_row(row: list[bool], y: int) -> str:
    """Draw each run of dark modules as one rectangle."""
    parts, x = [], QUIET_MODULES
    for is_dark, run in groupby(row):
        width = len(list(run))
        if is_dark:
            parts.append(f"M{x} {y}h{width}v1h-{width}z")
        x += width
    return "".join(parts)
