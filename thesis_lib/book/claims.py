"""The claims that the thesis ends on, and whether the records let them stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from thesis_lib import arguments, experiments, intervals
from thesis_lib.book import confidences, evidence, retrained
from thesis_lib.book.evidence import Evidence

STANDS, FALLS = "stands", "does not stand"
UNDECIDED = evidence.UNDECIDED
UNTESTED = "not tested by the thesis's run"
OPEN, FEW_SEEDS = evidence.OPEN, evidence.FEW_SEEDS
FORMULA_ONLY = "stands for the formula, not for the listing"

_TEN = ("baseline", "ros", "smote", "rus", "mfe", "threshold-moving")
_TWO = ("baseline", "smote", "rus", "mfe", "msfe", "focal-g0-a50", "threshold-moving")


@dataclass(frozen=True)
class Claim:
    """A claim of the thesis: where it is made, in our words, and how it is judged."""

    id: str
    place: str
    text: str
    judge: Callable[[], Evidence]


def best(name: str, rivals: Sequence[str], column: str) -> Evidence:
    """Judge whether an experiment is better than each of its rivals.

    The claim stands if every difference of means has a 95 % interval (Welch) above zero: it takes
    them all, so their number makes it no easier. It falls if a rival is better at the 5 % level
    after Holm's correction, since any of them may be by chance; and is undecided otherwise. An
    experiment without three recorded seeds leaves it open unless a recorded rival decides against
    it.

    Parameters
    ----------
    name : str
        Of an experiment.
    rivals : sequence of str
        Names of experiments.
    column : str
        As for :func:`evidence.values`.
    """
    measured = [r for r in rivals if evidence.known(name, r)]
    parts = [f"{r} {evidence.said_difference(name, r, column)}" for r in measured]
    waiting = [e for e in (name, *rivals) if not evidence.known(e)]
    text = f"{name}: {evidence.said(name, column)}"
    text += f"; over {'; over '.join(parts)}." if parts else "."
    for status, what in ((OPEN, "Not recorded"), (FEW_SEEDS, "Fewer than three seeds")):
        if lacking := [e for e in waiting if evidence.pending(e) == status]:
            text += f" {what}: {', '.join(lacking)}."
    samples = [(evidence.values(name, column), evidence.values(r, column)) for r in measured]
    p = intervals.holm([intervals.welch_p(*pair) for pair in samples])
    found = [intervals.welch(*pair) for pair in samples]
    if any(mean < 0 and adjusted < 0.05 for (mean, *_), adjusted in zip(found, p, strict=True)):
        return Evidence(FALLS, text)
    if waits := evidence.pending(name, *rivals):
        return Evidence(waits, text)
    return Evidence(STANDS if all(low > 0 for _, low, _ in found) else UNDECIDED, text)


def _focal_best() -> Evidence:
    rivals = [f"multiclass/{name}" for name in _TEN]
    return best("multiclass/focal-g0-a100", rivals, "minority")


def _ros_best() -> Evidence:
    return best("binary/ros", [f"binary/{name}" for name in _TWO], "balanced")


def _moving_unsuitable() -> Evidence:
    tasks = {"multiclass": ("Ten classes", "1"), "binary": ("Two classes", "0")}
    pairs = {task: (f"{task}/threshold-moving", f"{task}/baseline") for task in tasks}
    parts = []
    for task, (heading, column) in tasks.items():
        name, base = pairs[task]
        parts.append(
            f"{heading}, mean recall: {evidence.said(base, 'balanced')} before moving, "
            f"{evidence.said(name, 'balanced')} after; class {column}: "
            f"{evidence.said(base, column)} before, {evidence.said(name, column)} after."
        )
        if evidence.known(name, base):
            parts.append(f"Gain: {evidence.said_difference(name, base, 'balanced')}.")
    text = " ".join(parts)
    decided = [
        evidence.difference(*pair, "balanced") for pair in pairs.values() if evidence.known(*pair)
    ]
    if any(low > 0 for _, low, _ in decided):
        return Evidence(FALLS, text)
    if status := evidence.pending(*(name for pair in pairs.values() for name in pair)):
        return Evidence(status, text)
    return Evidence(STANDS if all(high < 0 for *_, high in decided) else UNDECIDED, text)


def _all_rejected() -> Evidence:
    if lacking := confidences.lacking():
        return Evidence(OPEN, lacking)
    scores = confidences.of_pictures("handwriting")
    share = float((scores > 0.6).mean())
    text = (
        f"{share:.1%} of {len(scores):,} channel pictures score above 0.6. Trained to the thesis's "
    )
    text += f"accuracy: {retrained.said('Pictures over 0.6')}."
    return Evidence(FALLS if share > 0 else STANDS, text)


def _too_few_images() -> Evidence:
    labels = evidence.of("rus-labels")
    long, base = "multiclass/rus-corrected-long", "multiclass/baseline"
    # What the claim says can be seen only where nothing else is wrong: with the right labels, and
    # trained until they are fitted, twenty images do worse than doing nothing, or better.
    # Test accuracy and mean recall are nearly one measure on a test set of nearly equal classes: a
    # verdict that hangs on the choice between them is none.
    controls = {
        "test accuracy": best(long, [base], "Testing"),
        "mean recall": best(long, [base], "balanced"),
    }
    text = (
        f"{labels.measured} The control with the right labels, trained for "
        f"{experiments.get(long).epochs:,} epochs, beside {evidence.said(base, 'Testing')} test "
        f"accuracy and {evidence.said(base, 'balanced')} mean recall of the baseline. "
    )
    text += " ".join(f"By {name}, {found.measured}" for name, found in controls.items())
    decided = {STANDS: FALLS, FALLS: STANDS}
    one, other = (found.status for found in controls.values())
    if one == other and one in decided:
        return Evidence(decided[one], text)
    untested = labels.status == evidence.CONFIRMED
    return Evidence(UNTESTED if untested else UNDECIDED if one != other else one, text)


def _msfe_helps() -> Evidence:
    name, base = "binary/msfe", "binary/baseline"
    twin = f"{name}-corrected"
    text = f"As listed: {evidence.said(name, '0')}; as defined: {evidence.said(twin, '0')}."
    if status := evidence.pending(name, base):
        return Evidence(status, text)
    if evidence.difference(name, base, "0")[1] > 0:
        return Evidence(STANDS, text)
    # The listing is not the method, so without its twin the claim is not tested.
    if status := evidence.pending(twin):
        return Evidence(status, text)
    defined = evidence.difference(twin, base, "0")[1] > 0
    return Evidence(FORMULA_ONLY if defined else FALLS, text)


def _data_level_better() -> Evidence:
    return best("binary/ros", ["binary/mfe", "binary/msfe", "binary/focal-g0-a50"], "balanced")


CLAIMS = (
    Claim("focal", "abstract, chapter 9", "Focal loss does best on ten classes.", _focal_best),
    Claim("ros", "abstract, chapter 9", "ROS does best on two classes.", _ros_best),
    Claim("moving", "abstract", "Threshold moving does not suit these data.", _moving_unsuitable),
    Claim("rejected", "abstract", "All pictures of cats and dogs are rejected.", _all_rejected),
    Claim("rus", "section 7.4", "RUS fails since its images are too few.", _too_few_images),
    Claim("msfe", "section 8.6", "MSFE helps the minority class.", _msfe_helps),
    Claim(
        "level", "section 8.9", "Data-level methods suit two classes better.", _data_level_better
    ),
)
"""The claims, in the order in which the conclusion weighs them."""


def get(id: str) -> Claim:
    """Return one of the claims.

    Parameters
    ----------
    id : str
        Such as "focal".

    Raises
    ------
    ValueError
        If there is none of that name; the message lists those that there are.
    """
    known = {claim.id: claim for claim in CLAIMS}
    arguments.one_of("id of a claim", id, known)
    return known[id]
