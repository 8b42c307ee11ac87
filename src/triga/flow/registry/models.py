"""Queries about model versions. Each takes a transaction; ``registry.py`` opens and commits it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import cast

from sqlalchemy import func, select

from triga.core.errors import ModelError
from triga.flow.registry import aliases
from triga.flow.registry.aliases import Action, Mark
from triga.flow.registry.database import Transaction
from triga.flow.registry.rows import ModelKind, ModelVersion
from triga.flow.registry.shelf import manifest_fingerprint, require_intact
from triga.flow.registry.tables import ModelTable

__all__ = ["listing", "promote", "put", "resolve", "roll_back"]


def put(tx: Transaction, model: ModelTable) -> ModelVersion:
    """Add ``model`` under the next version of its name; content registered before keeps its version."""
    known = tx.session.scalar(
        select(ModelTable).where(ModelTable.name == model.name, ModelTable.fingerprint == model.fingerprint)
    )
    if known is None:
        newest = tx.session.scalar(select(func.max(ModelTable.version)).where(ModelTable.name == model.name))
        model.version = (newest or 0) + 1
        tx.session.add(model)
        tx.session.flush()
        return _to_row(tx, model, ())
    if manifest_fingerprint(tx.place(known.path)) != known.fingerprint:
        known.path = model.path  # the first copy is gone or was replaced: this one stands for it
    return _with_aliases(tx, [known])[0]


def listing(tx: Transaction, name: str | None) -> tuple[ModelVersion, ...]:
    """By name, newest version first. Raises ``ModelError`` for a name without versions."""
    if name is not None:
        return _versions(tx, name)
    return _with_aliases(
        tx, tx.session.scalars(select(ModelTable).order_by(ModelTable.name, ModelTable.version.desc())).all()
    )


def resolve(tx: Transaction, ref: str) -> ModelVersion:
    """``name`` (its production version, else its newest), ``name@latest``, ``name@3`` or ``name@<alias>``."""
    name, at, wanted = ref.partition("@")
    versions = _versions(tx, name)
    if not at:
        return next((model for model in versions if aliases.PRODUCTION in model.aliases), versions[0])
    if wanted == aliases.LATEST:
        return versions[0]
    if wanted.isdecimal():
        return _by_number(versions, int(wanted))
    found = next((model for model in versions if wanted in model.aliases), None)
    if found is None:
        raise aliases.unknown(name, wanted, [alias for model in versions for alias in model.aliases])
    return found


def promote(tx: Transaction, name: str, version: int, alias: str, mark: Mark) -> ModelVersion:
    aliases.require_name(name, alias)
    model = _by_number(_versions(tx, name), version)
    require_intact(model)
    if alias in model.aliases:
        return model  # it stands there already; pushing it again would make a rollback do nothing
    return _move(tx, model, alias, "promote", mark)


def roll_back(tx: Transaction, name: str, alias: str, mark: Mark) -> ModelVersion:
    versions = _versions(tx, name)
    model = _by_number(versions, aliases.previous(tx, name, alias))
    require_intact(model)
    return _move(tx, model, alias, "rollback", mark)


def _move(tx: Transaction, model: ModelVersion, alias: str, action: Action, mark: Mark) -> ModelVersion:
    aliases.add(tx, model.name, alias, model.version, action, mark)
    return _by_number(_versions(tx, model.name), model.version)


def _versions(tx: Transaction, name: str) -> tuple[ModelVersion, ...]:
    """Newest first, at least one."""
    query = select(ModelTable).where(ModelTable.name == name).order_by(ModelTable.version.desc())
    versions = tx.session.scalars(query).all()
    if not versions:
        names = tx.session.scalars(select(ModelTable.name).distinct().order_by(ModelTable.name)).all()
        raise ModelError(
            "model-unknown",
            "no model named '{name}' is registered (near it: {near})",
            fix="triga models list shows all; triga run RECIPE registers one",
            name=name,
            near=aliases.near(name, names),
        )
    return _with_aliases(tx, versions)


def _by_number(versions: Sequence[ModelVersion], number: int) -> ModelVersion:
    found = next((model for model in versions if model.version == number), None)
    if found is None:
        raise ModelError(
            "model-version-unknown",
            "{name} has no version {version} (it has {known})",
            fix="name one of these, or {name}@latest",
            name=versions[0].name,
            version=number,
            known=", ".join(str(model.version) for model in versions[:10]),
        )
    return found


def _with_aliases(tx: Transaction, models: Sequence[ModelTable]) -> tuple[ModelVersion, ...]:
    current: dict[tuple[str, int], list[str]] = defaultdict(list)
    names = {model.name for model in models}
    for (name, alias), stack in aliases.stacks(aliases.moves(tx, names.pop() if len(names) == 1 else None)).items():
        current[name, stack[-1]].append(alias)
    return tuple(_to_row(tx, model, sorted(current[model.name, model.version])) for model in models)


def _to_row(tx: Transaction, model: ModelTable, aliases: Iterable[str]) -> ModelVersion:
    return ModelVersion(
        name=model.name,
        version=model.version,
        kind=cast("ModelKind", model.kind),
        path=tx.place(model.path),
        fingerprint=model.fingerprint,
        run_id=model.run_id,
        metrics=model.metrics,
        lineage=model.lineage,
        created=model.created,
        aliases=tuple(aliases),
    )
