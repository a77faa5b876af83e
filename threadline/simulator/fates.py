"""What may become of a contract on its way through the systems."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from threadline.simulator.acts import ERP, Act
from threadline.simulator.contracts import Contract
from threadline.simulator.script import Script

AWAY = "the posting service is not reachable"
CLOSED_COST_CENTRE = "cost centre 4711 is closed"
TIMEOUT = "the posting service did not answer within 30 s"
MISSING_TERMS = "mandatory field billing_terms is missing"
HOUR = 3600.0
BILLING_OBJECTS = ("billing_schedule", "rate_card", "tax", "revenue_treatment")

Fate = Callable[["Course"], None]


class Course:
    """A contract under way: its script and the instant it has reached.

    `pace` is how many seconds an hour takes: few when somebody is watching. `away` says whether the
    ERP can be reached at an instant.
    """

    def __init__(
        self,
        contract: Contract,
        random: Random,
        pace: float = HOUR,
        away: Callable[[datetime], bool] = lambda _: False,
    ) -> None:
        self.script = Script(contract, random)
        self.at = contract.approved_at
        self._random, self._pace, self._away = random, pace, away
        self.strays: dict[str, datetime] = {}

    @property
    def contract(self) -> Contract:
        return self.script.contract

    @property
    def acts(self) -> list[Act]:
        return self.script.acts

    def stray(self, kind: str, at: datetime) -> None:
        """Note that something of this kind went wrong at `at`."""
        self.strays[kind] = at

    def pass_hours(self, least: float, most: float) -> datetime:
        """Let between `least` and `most` hours go by; the instant reached."""
        self.at += timedelta(seconds=self._random.uniform(least, most) * self._pace)
        return self.at

    def approved(self) -> None:
        """Won, and approved."""
        self.script.win(self.at - timedelta(seconds=30 * self._pace))
        self.script.approve(self.at)

    def validated(self, most: float = 1.0) -> None:
        """Approved, and taken up by the middleware."""
        self.approved()
        self.script.validate(self.pass_hours(0.1, most))

    def branches(self) -> None:
        """What starts beside the ERP once the fields are validated: delivery and procurement."""
        start = self.at
        self.script.plan_delivery(self.pass_hours(1, 9))
        if self.contract.subcontracted:
            self.at = start
            self.script.request_subcontractor(self.pass_hours(2, 16))
        self.at = start

    def project(
        self, least: float, most: float, actor: str = "integration", *, nameless: bool = False
    ) -> None:
        """After some hours the ERP sets the project up; while it is away it is tried again."""
        self.pass_hours(least, most)
        while self._away(self.at):
            self.script.create_project(self.at, error=AWAY, nameless=nameless)
            self.pass_hours(2, 6)
        self.script.create_project(self.at, actor=actor, nameless=nameless)

    def billing(self, slow: float = 1.0, actor: str = "integration") -> None:
        """The project's billing objects, one after the other."""
        for what in BILLING_OBJECTS:
            self.pass_hours(0.3 * slow, 3 * slow)
            while self._away(self.at):
                self.script.set_up(what, self.at, error=AWAY)
                self.pass_hours(2, 6)
            self.script.set_up(what, self.at, actor)


def smooth(course: Course) -> None:
    """Everything in time."""
    course.validated()
    course.branches()
    course.project(0.5, 8)
    course.billing()


def slow(course: Course) -> None:
    """Everything, but days late; a person keys the billing objects in."""
    course.validated(most=10)
    course.branches()
    course.project(40, 90)
    course.billing(slow=16, actor="user")


def heals(course: Course) -> None:
    """The ERP does not answer at first; the middleware tries again."""
    course.validated()
    course.branches()
    course.script.create_project(course.pass_hours(0.5, 4), error=TIMEOUT)
    course.project(0.5, 6)
    course.billing()


def rejected(course: Course) -> None:
    """The ERP refuses the project, and nobody has noticed."""
    course.validated()
    course.branches()
    course.script.reject_project(course.pass_hours(1, 6), CLOSED_COST_CENTRE)


def recovered(course: Course) -> None:
    """The ERP refuses the project; days later a person sets it up."""
    rejected(course)
    course.project(60, 150, actor="user")
    course.billing(actor="user")


def dropped(course: Course) -> None:
    """The message is lost after the middleware: no error anywhere, just silence."""
    course.validated()


def stalled(course: Course) -> None:
    """The ERP sets up the project and its billing schedule, then nothing more comes."""
    course.validated()
    course.branches()
    course.project(0.5, 3)
    course.script.set_up("billing_schedule", course.pass_hours(0.3, 1))


def validated_at(at: datetime) -> Fate:
    """Taken up by the middleware at a given instant, then dropped."""

    def dropped_then(course: Course) -> None:
        course.approved()
        course.script.validate(at)

    return dropped_then


def unmapped(course: Course) -> None:
    """A mandatory field is missing, so the middleware stops."""
    course.approved()
    course.script.misses_field(course.pass_hours(0.1, 1), MISSING_TERMS)


def waiting(course: Course) -> None:
    """The customer was asked something and has not answered."""
    course.validated()
    course.script.say("clm.customer.waiting", course.pass_hours(1, 5))


def answered(course: Course) -> None:
    """The customer was asked something, answered days later, and all went well."""
    waiting(course)
    course.script.say("clm.customer.answered", course.pass_hours(30, 90))
    course.branches()
    course.project(0.5, 8)
    course.billing()


def cancelled(course: Course) -> None:
    """The contract is withdrawn before the ERP is done."""
    course.validated()
    course.script.say("clm.contract.cancelled", course.pass_hours(2, 30))


def linked_late(course: Course) -> None:
    """The ERP speaks of its project only; what ties it to the contract arrives last of all."""
    course.validated()
    course.branches()
    course.script.erp_traced = False
    names = {**course.script.project, "contract.id": course.contract.id}
    created = course.pass_hours(0.5, 8)
    course.billing()
    course.script.event(
        course.script.erp,
        "erp.project.created",
        created,
        {**names, "actor.type": "integration"},
        late=True,
    )


def repeated(course: Course) -> None:
    """All goes well; a system sends one event twice and publishes another anew."""
    smooth(course)
    again = {"contract.id": course.contract.id, "psa.project.id": course.contract.psa_project}
    moment = course.pass_hours(0.2, 1)
    course.script.event(ERP, "erp.project.synchronised", moment, again, sends=3)
    course.script.event(ERP, "erp.project.synchronised", moment, again)


def rekeyed(course: Course) -> None:
    """The project never comes; a person keys it in under a number of its own and with the wrong
    billing terms, then it comes too.
    """
    course.validated()
    course.branches()
    course.pass_hours(30, 80)
    own = {"contract.id": course.contract.id, "erp.project.id": f"{course.contract.project}-M"}
    own |= {"contract.billing_terms": course.contract.billing_terms(changes=1)}
    course.script.event(ERP, "erp.project.created", course.at, {**own, "actor.type": "user"})
    course.billing(slow=6, actor="user")
    course.project(20, 40)


FATES: tuple[Fate, ...] = (
    smooth,
    slow,
    heals,
    rejected,
    recovered,
    dropped,
    stalled,
    unmapped,
    waiting,
    answered,
    cancelled,
    linked_late,
    repeated,
    rekeyed,
)
# Nobody leaves a contract lying for a month: what fails for good does so in the last weeks only.
LONG_AGO: dict[Fate, Fate] = {
    rejected: recovered,
    dropped: slow,
    stalled: slow,
    unmapped: slow,
    waiting: answered,
}
