"""bundle.yaml: who we are, which specialties, from when, which steps with which settings, which regulations we cite."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, StrictBool, model_validator

from rules.documents import Fault
from rules.parts import (
    Basis,
    Code,
    CountSetting,
    Day,
    Flag,
    Id,
    Line,
    MonthsSetting,
    Part,
    PositiveSetting,
    Setting,
    Words,
    settled,
)
from rules.pipeline import Route
from rules.specialties import Claim

Level = Literal["region", "league", "county"]
LEVELS: tuple[Level, ...] = ("region", "league", "county")  # from the top down


class Levels(Part):
    """Which level of office reviews. Without `second` there is one review only; with `second_above` the second follows only
    a first review by an office above that level: of people who work there, whom no office further down knows.
    """

    first: Level
    second: Level | None = None
    second_above: Level | None = None

    @model_validator(mode="after")
    def _sometimes_and_not_always(self) -> Self:
        above = self.second_above
        if above is None:
            return self
        if self.second is None:
            raise Fault("有 second_above 就须有 second（由哪一级复审）。", "second_above needs 'second', the level that does the second review.", ("second_above",))
        if above == LEVELS[0]:
            raise Fault("自治区之上没有办理机构，复审不会发生；请改为 league 或 county，或删去 second。",
                        "No office lies above the region, so there would be no second review; say league or county, or leave 'second' out.", ("second_above",))
        if LEVELS.index(self.first) < LEVELS.index(above):
            raise Fault(f"初审都在 {above} 以上，复审总会发生；请删去 second_above。",
                        f"Every first review lies above {above}, so the second always happens; leave second_above out.", ("second_above",))
        return self

    def second_after(self, office: Level) -> Level | None:
        """Which level reviews again a file whose first review an office of this level did; None: nobody does."""
        if self.second_above is not None and LEVELS.index(office) >= LEVELS.index(self.second_above):
            return None
        return self.second


class Review(Part):
    levels: Levels
    days: PositiveSetting
    warn_after: PositiveSetting | None = None

    @model_validator(mode="after")
    def _warning_before_the_end(self) -> Self:
        if self.warn_after and self.warn_after.value >= self.days.value:
            raise Fault("warn_after 应小于 days，否则提醒来不及。", "warn_after must be below days, or the warning comes too late.", ("warn_after",))
        return self


YesNo = Annotated[Setting[StrictBool], BeforeValidator(settled, json_schema_input_type=StrictBool | Setting[StrictBool])]


class PipelineSettings(Part):
    """The settings of the walk; all days are working days. Every number knows its clause."""

    review: Review
    training: YesNo
    exam: YesNo
    notice_days: PositiveSetting
    correct_within: PositiveSetting
    training_within: PositiveSetting | None = None
    exam_within: PositiveSetting | None = None
    reconsider_within: CountSetting
    reapply_after: MonthsSetting
    term_years: PositiveSetting

    def route(self, first_review: Level) -> Route:
        """The steps of a file whose first review an office of this level does."""
        second = self.review.levels.second_after(first_review) is not None
        return Route.of(second_review=second, training=self.training.value, exam=self.exam.value)

    @model_validator(mode="after")
    def _steps_have_their_time(self) -> Self:
        for step in ("training", "exam"):
            if getattr(self, step).value and getattr(self, f"{step}_within") is None:
                raise Fault(f"开启了 {step}，请补上 {step}_within。", f"{step} is on; add {step}_within.", (step,))
        return self


class Contact(Part):
    phone: Line
    hours: Words
    address: Words | None = None
    verified: Flag = True


class Regulation(Part):
    id: Code
    title: Words
    number: Line | None = None
    start: Day | None = Field(default=None, alias="from")
    until: Day | None = None
    url: Line | None = None
    verified: Flag = True


class Restriction(Part):
    """联合惩戒: why a person on the centre's list is refused by every department; the clause it rests on."""

    title: Words
    basis: Annotated[Basis, Field(min_length=1)]
    remedy: Words | None = None
    verified: Flag = True


class Manifest(Part):
    """A department's or the centre's own page."""

    code: Id
    kind: Literal["department", "centre"]
    title: Words
    unit: Words | None = None
    contact: Contact
    effective_from: Day
    specialties: tuple[Claim, ...] = ()
    pipeline: PipelineSettings | None = None
    regulations: tuple[Regulation, ...] = ()
    restriction: Restriction | None = None
    basis: Basis = ()

    @model_validator(mode="after")
    def _kind_fits(self) -> Self:
        if self.kind == "department":
            if self.pipeline is None:
                raise Fault("部门须有 pipeline（办理环节的设置）。", "A department needs 'pipeline'.")
            if self.restriction:
                raise Fault("联合惩戒由交易中心统一规定，部门不能有 restriction。", "Joint restriction is the centre's; remove 'restriction'.", ("restriction",))
            if not self.specialties:
                raise Fault("部门须有 specialties（主管的专业）。", "A department needs 'specialties'.")
        else:
            for key in ("pipeline", "specialties"):
                if getattr(self, key):
                    raise Fault(f"交易中心不审核申报，不能有 {key}。", f"The centre decides nothing; remove '{key}'.", (key,))
        ids: set[str] = set()
        for at, regulation in enumerate(self.regulations):
            if regulation.id in ids:
                raise Fault(f"法规“{regulation.id}”重复出现。", f"The regulation '{regulation.id}' appears twice.", ("regulations", at))
            ids.add(regulation.id)
        return self
