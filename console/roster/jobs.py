"""People enter the roster in the transaction that moves them there."""

from __future__ import annotations

from console.roster import services
from rules.pipeline import Step

ON_ENTER = {Step.ROSTER: services.enter_roster}
