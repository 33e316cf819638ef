"""Direct preference losses with more than one thing to judge by."""

from collections.abc import Sequence

from torch import Tensor
from torch.nn.functional import logsigmoid

from training.losses.pairs import PairLogps


def modpo_loss(
    pairs: PairLogps,
    margin_BC: Tensor,
    *,
    beta: float,
    weight: float,
    other_weights: Sequence[float],
) -> Tensor:
    """-log s((beta d - sum_c w_c m_c) / w): MODPO, for pairs labelled by one criterion. [B].

    d is the difference of log-ratios, w the weight of the pairs' own criterion, margin_BC [B, C]
    the rewards of chosen less those of rejected by the C others, w_c their weights. The policy's
    implicit reward becomes the weighted sum of all. Raises ValueError for shapes that do not fit
    and weights not above 0. Source: Zhou et al. 2023 (arXiv:2310.03708, section 3.2). Compared with
    the authors' trainer, which takes margins of reward models; here they are people's ratings.
    """
    if margin_BC.shape != (len(pairs.target_B), len(other_weights)):
        raise ValueError(
            f"margin_BC: shape {tuple(margin_BC.shape)}, expected "
            f"{(len(pairs.target_B), len(other_weights))}"
        )
    if weight <= 0:
        raise ValueError(f"weight is {weight}; the pairs' own criterion needs one above 0")
    owed_B = margin_BC @ margin_BC.new_tensor(list(other_weights))
    return -logsigmoid((beta * pairs.gap_B - owed_B) / weight)


def dove_loss(responses: PairLogps, prompts: PairLogps, *, beta: float) -> Tensor:
    """-log s(beta (d_responses + d_prompts)): DPO on joint log-probabilities. [B].

    For a preference between two prompts, each with its response: log p(prompt, response) =
    log p(prompt) + log p(response | prompt). `prompts` holds the prompts' own log-probabilities.
    With equal prompts it is DPO. Source: Bansal et al. 2024 (DOVE, in later versions JPO,
    arXiv:2404.00530): the objective that raises the joint probability of the chosen prompt and
    response, by the abstract and the authors' trainer (`custom_dove_trainer.py`), which too sums
    over all tokens of both. The equation's number could not be looked up.
    """
    return -logsigmoid(beta * (responses.gap_B + prompts.gap_B))
