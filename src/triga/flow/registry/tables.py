"""The registry's tables. ``flow/migrations`` builds the same schema step by step; a test holds the two equal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

__all__ = ["AliasTable", "Base", "ModelTable", "RunTable", "StageTable", "UtcDateTime"]

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """Times are UTC in the database and carry their zone in Python; SQLite itself keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        dict[str, Any]: JSON,
        datetime: UtcDateTime,
        str: Text,
    }


class RunTable(Base):
    __tablename__ = "runs"
    __table_args__ = (Index(None, "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    status: Mapped[str]
    recipe: Mapped[dict[str, Any]]
    recipe_fingerprint: Mapped[str]
    seed: Mapped[int] = mapped_column(BigInteger)
    path: Mapped[str]
    started: Mapped[datetime]
    finished: Mapped[datetime | None]
    host: Mapped[dict[str, Any]]
    process: Mapped[dict[str, Any]]
    """Who runs it (``host.Process``): a run whose process is gone was interrupted."""
    error_code: Mapped[str | None]
    error_text: Mapped[str | None]
    stages: Mapped[list[StageTable]] = relationship(order_by="StageTable.id", lazy="selectin")


class StageTable(Base):
    __tablename__ = "stages"
    __table_args__ = (UniqueConstraint("run_id", "stage"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    stage: Mapped[str]
    status: Mapped[str]
    seconds: Mapped[float] = mapped_column(Double)
    artifact: Mapped[str | None]
    fingerprint: Mapped[str | None]


class ModelTable(Base):
    __tablename__ = "models"
    __table_args__ = (UniqueConstraint("name", "version"), UniqueConstraint("name", "fingerprint"))

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    version: Mapped[int]
    kind: Mapped[str]
    path: Mapped[str]
    fingerprint: Mapped[str]
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"))
    metrics: Mapped[dict[str, Any]]
    lineage: Mapped[dict[str, Any]]
    created: Mapped[datetime]


class AliasTable(Base):
    """Every move of every alias; rows are only ever added. ``models.stacks`` reads what stands now from them."""

    __tablename__ = "aliases"
    __table_args__ = (
        ForeignKeyConstraint(["name", "version"], ["models.name", "models.version"]),
        Index(None, "name", "alias"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    alias: Mapped[str]
    version: Mapped[int]
    action: Mapped[str]
    moved: Mapped[datetime]
    by: Mapped[str]
    note: Mapped[str]
