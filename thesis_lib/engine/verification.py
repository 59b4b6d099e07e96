"""Train a recorded run again, and see whether it lies among the records, of the same images."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from thesis_lib import experiments
from thesis_lib.engine.provenance import precision_of
from thesis_lib.intervals import t_prediction
from thesis_lib.training import Experiment, Run


@dataclasses.dataclass(frozen=True)
class Verification:
    """A run beside the recorded ones of its experiment.

    Attributes
    ----------
    run : Run
    accuracies : tuple of float
        Test accuracies of the recorded runs that did not diverge, in [0, 1].
    same_images : bool or None
        Whether the recorded run of its seed had the same images; None if there is no such run, or
        its record does not say.
    """

    run: Run
    accuracies: tuple[float, ...]
    same_images: bool | None

    @property
    def expected(self) -> tuple[float, float]:
        """Bounds between which a further run lies with 95 % probability; NaN of fewer than two."""
        return t_prediction(self.accuracies)

    @property
    def passed(self) -> bool:
        """Whether the run is as the records lead one to expect; a single one leads to nothing."""
        fits = self._inside if self.accuracies else self.run.diverged
        return fits and self.same_images is not False

    @property
    def _inside(self) -> bool:
        low, high = self.expected
        return low <= self.run.test_accuracy <= high

    def lines(self) -> list[str]:
        """Say what was found, a sentence a line."""
        found = []
        if self.run.diverged or not self.accuracies:
            found.append(f"Recorded runs that did not diverge: {len(self.accuracies)}.")
        elif len(self.accuracies) == 1:
            points = 100 * (self.run.test_accuracy - self.accuracies[0])
            alone = "A single recorded run has no spread to judge by"
            found.append(f"{alone}; this one differs from it by {points:+.2f} points.")
        else:
            low, high = np.clip(self.expected, 0, 1)
            verb = "lies" if self._inside else "does not lie"
            spread = f"the {len(self.accuracies)} recorded ones lead one to expect it"
            found.append(f"It {verb} between {low:.2%} and {high:.2%}, where {spread}.")
        if self.same_images is not None:
            same = "those" if self.same_images else "not those"
            found.append(f"Its images are {same} of the recorded run of seed {self.run.seed}.")
        return found


def verify(experiment: Experiment, seed: int) -> Verification:
    """Train a recorded run again, in its precision, and set it beside all; record nothing.

    Parameters
    ----------
    experiment : Experiment
    seed : int

    Raises
    ------
    ValueError
        If nothing is recorded of the experiment, or not this seed.
    """
    recorded = {run.seed: run for run in experiments.recorded(experiment)}
    if not recorded:
        raise ValueError(f"{experiment.name} has no recorded run to verify.")
    if seed not in recorded:
        known = ", ".join(map(str, sorted(recorded)))
        raise ValueError(f"{experiment.name} has no record of seed {seed}; recorded: {known}.")
    members = experiments.train_family(
        experiment, seed, keep=False, precision=precision_of(recorded[seed].provenance)
    )
    return compared(members[experiment.name], list(recorded.values()))


def compared(run: Run, recorded: Sequence[Run]) -> Verification:
    """Set a run beside recorded ones of its experiment.

    Parameters
    ----------
    run : Run
    recorded : sequence of Run
        One at least.
    """
    accuracies = tuple(one.test_accuracy for one in experiments.converged(recorded))
    digests = [one.provenance.get("data_sha256") for one in recorded if one.seed == run.seed]
    same = run.provenance["data_sha256"] in digests if any(digests) else None
    return Verification(run, accuracies, same)
