"""Judgement of a case: figures of merit, comparison with filters and other models, and verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tomodenoise.common.arrays import FloatArray
from tomodenoise.evaluation import baselines, cases, comparison, figures_of_merit, per_channel, record, verdicts
from tomodenoise.evaluation.cases import Case
from tomodenoise.networks.models import Model


def judge(
    case: Case, labels: Sequence[str], filters: Sequence[str], models: Mapping[str, Model], *, trained: bool
) -> tuple[dict[str, Any], dict[str, FloatArray]]:
    """Judge the model of a case.

    Parameters
    ----------
    labels : of the channels or time steps.
    filters, models : what the model is compared with, see `baselines.gather`.
    trained : whether the configuration trains the model on this scan.

    Returns
    -------
    The values of `quality.json`, see `record.to_json`, and its curves, named `figure/curve`.
    """
    evidence = cases.collect(case, case.middle)
    profile = per_channel.judge(cases.series(case, evidence), labels, case.window, case.axis)
    evidence = evidence.select()  # frees the single channels
    judgement = figures_of_merit.judge(evidence)
    if compared := comparison.compare(evidence, baselines.gather(filters, models, case, evidence)):
        judgement = replace(judgement, figures={**judgement.figures, "comparison": compared})
    facts = case.model.facts
    copies = verdicts.on_copies(facts)
    advice = verdicts.advice(facts, trained=trained)
    sentences = [*copies, *verdicts.verdicts(judgement.values, case.acquisition, advice, copied=bool(copies))]
    basis = case.basis(evidence.groups)
    return record.to_json(judgement, case.slices, evidence.groups, basis, sentences, profile), judgement.curves
