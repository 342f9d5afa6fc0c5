"""Whatever officials edit or move names the version it was read at: generated from the OpenAPI, exemptions listed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.description import OPERATIONS, Operation, find_thing
from tests.support.operations import RIGHT

# What changes something that is there and yet names no version, and why.
EXEMPT = {
    "logoutOfficial": "ends the caller's own tokens",
    "importRecords": "brings records in; each event id counts once",
    "createSourceSecret": "adds a secret beside the one there; an institution's administrator reads no source",
    "rerunImport": "brings a new import into being, under its Idempotency-Key",
    "cancelImport": "an import says nothing that somebody else edits; what was cancelled or is done is refused",
    "testRuleBook": "stores nothing",
    "askSource": "what a citizen wrote is never edited; a ticket in another state is refused",
    "answerObjection": "what a citizen wrote is never edited; a ticket in another state is refused",
}
READ = {operation.path for operation in OPERATIONS if operation.method == "GET"}
CHANGING = [one for one in OPERATIONS if one.caller == "official" and one.method in {"POST", "PUT", "DELETE"}]
# A POST to a path that is also a list adds to the list.
ADDING = {one.id for one in CHANGING if one.method == "POST" and one.path in READ}
MOVING = [one for one in CHANGING if one.id not in ADDING and one.path_parameters]


def parameters_of(operation: Operation) -> set[str]:
    return {parameter["name"] for parameter in operation.described.get("parameters", [])}


@pytest.mark.parametrize("operation", MOVING, ids=lambda operation: operation.id)
def test_what_officials_edit_or_move_demands_if_match(operation: Operation) -> None:
    assert ("If-Match" in parameters_of(operation)) != (operation.id in EXEMPT), "demand If-Match, or say why not"
    if operation.id in EXEMPT:
        return
    assert {"412", "428"} <= set(operation.answers)
    assert RIGHT[operation.id].needs_etag
    thing = find_thing(operation)
    assert thing is not None, "nobody can read the ETag"
    assert set(operation.roles) <= set(thing.roles), "somebody may move what they may not read"
    responses = operation.answers
    answered: dict[str, Any] = responses.get("200", responses.get("202", {})).get("headers", {})
    assert "ETag" in answered or operation.method == "DELETE" or operation.id == "rotateKey"


def test_the_list_names_only_what_there_is() -> None:
    known = {one.id for one in CHANGING}
    assert set(EXEMPT) <= known
    assert {one.id for one in CHANGING if "If-Match" in parameters_of(one)} <= {one.id for one in MOVING}
    assert {name for name, right in RIGHT.items() if right.needs_etag} <= {one.id for one in MOVING}


def test_what_is_added_is_new() -> None:
    """What the walk passes over because it adds something is a decision, too."""
    assert {
        "createInstitution", "createStore", "createTerminal", "createKey", "createOfficial", "draftCampaign",
        "proposeScenario", "draftRuleBook", "previewRuleBook", "registerSource", "setPointRule", "sendRecordFile",
    } == ADDING  # fmt: skip
