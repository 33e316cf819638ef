"""People who want different things: ideal points, a latent taste, and groups."""

from torch import Tensor


def ideal_point_reward(response_BD: Tensor, point_BD: Tensor) -> Tensor:
    """-|f(x, y) - a|^2: the nearer a response is to a person's ideal point, the better.

    response_BD: [B, D], responses in the space of the points. point_BD: [B, D], for each row the
    point of its annotator, a mix of prototypes with weights on the simplex. Returns [B]. Raises
    ValueError for other shapes.

    Source: Chen et al. 2024 (PAL, arXiv:2406.08469, model A).
    """
    if response_BD.ndim != 2 or response_BD.shape != point_BD.shape:
        raise ValueError(
            f"expected two [B, D], got {tuple(response_BD.shape)} and {tuple(point_BD.shape)}"
        )
    return -(response_BD - point_BD).square().sum(1)


def gaussian_kl(mean_BD: Tensor, log_variance_BD: Tensor) -> Tensor:
    """KL(N(mean, variance) | N(0, 1)) = 1/2 sum_d (mean^2 + variance - 1 - log variance).

    Both [B, D]. Returns [B], nats: what the evidence bound of a latent taste pays. Raises
    ValueError for other shapes.

    Source: Kingma and Welling 2013 (arXiv:1312.6114, appendix B); as used by Poddar et al. 2024
    (VPL, arXiv:2408.10075).
    """
    if mean_BD.ndim != 2 or mean_BD.shape != log_variance_BD.shape:
        raise ValueError(
            f"expected two [B, D], got {tuple(mean_BD.shape)} and {tuple(log_variance_BD.shape)}"
        )
    return (mean_BD.square() + log_variance_BD.exp() - 1 - log_variance_BD).sum(1) / 2


def group_responsibilities(
    log_likelihood_NG: Tensor, log_prior_G: Tensor, person_N: Tensor, people: int
) -> Tensor:
    """Posterior over groups of each person: softmax_g(log prior_g + sum over their rows of log p).

    log_likelihood_NG: [N, G], each row under each group's reward. person_N: [N], 0 to people - 1.
    Returns [people, G], rows sum to 1; a person without rows has the prior.

    The E step of the mixture in Chakraborty et al. 2024 (MaxMin-RLHF, arXiv:2402.08925, section 4
    and algorithm 2). Deviation: soft, where their algorithm gives each person to the likeliest
    group.
    """
    if log_likelihood_NG.ndim != 2 or person_N.shape != log_likelihood_NG.shape[:1]:
        raise ValueError(
            f"expected [N, G] and [N], got {tuple(log_likelihood_NG.shape)} "
            f"and {tuple(person_N.shape)}"
        )
    sums_PG = log_likelihood_NG.new_zeros(people, log_likelihood_NG.shape[1])
    sums_PG = sums_PG.index_add(0, person_N, log_likelihood_NG)
    return (sums_PG + log_prior_G).softmax(1)


def worst_group_reward(reward_BG: Tensor, share_G: Tensor, *, least_share: float = 0.0) -> Tensor:
    """min over groups of the reward: [B]. Groups with a smaller share of the people do not count.

    reward_BG: [B, G]. share_G: [G], shares of the people. Raises ValueError when no group is left.

    Source: the MaxMin objective of Chakraborty et al. 2024 (arXiv:2402.08925, section 4; the
    equation's number could not be looked up), taken response by response, where they take the
    minimum over groups of the expected reward.
    """
    counted_G = share_G >= least_share
    if reward_BG.ndim != 2 or share_G.shape != reward_BG.shape[1:] or not counted_G.any():
        raise ValueError(
            f"no group of {tuple(reward_BG.shape)} has a share of {least_share} or more"
        )
    return reward_BG[:, counted_G].amin(1)
