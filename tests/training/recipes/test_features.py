"""What heads read of texts: which tokens make a segment, in encoders and decoders."""

import numpy as np
import pytest
import torch

from annotate.finegrained.segments import Range
from training.data.framing import Framed, frame_for_reward
from training.data.pairs import PreferencePair
from training.recipes.config import RewardModelConfig
from training.recipes.embeddings import EmbeddingCache, embed
from training.recipes.errors import NonFiniteStatesError, StopRequestedError
from training.recipes.head_model import load_features
from training.recipes.heads.pairs import pair_matrix
from training.recipes.layered import PROMPT_AND_LAYERS

PROMPT = [{"role": "user", "content": "please tell me how to cook rice"}]
RESPONSE = "good rice  kind answer"
SEGMENTS = [Range(0, 9), Range(11, 22)]


def make(base, **more):
    config = RewardModelConfig(
        base_model=str(base),
        objective="span",
        method="frozen",
        **{"max_length": 64, "prompt_tokens": 24, **more},
    )
    return load_features(config)


@pytest.fixture(params=["encoder", "decoder"])
def features(request):
    return make(request.getfixturevalue(request.param))


def test_a_segment_is_the_mean_state_of_its_own_tokens(features):
    framed = frame_for_reward(features.tokenizer, PROMPT, RESPONSE, max_length=64, prompt_tokens=24)
    with torch.no_grad():
        (states,) = features.encoder(input_ids=torch.tensor([framed.ids])).last_hidden_state
    (found,) = features.segments([(PROMPT, RESPONSE)], [SEGMENTS])
    begin = len(framed.prompt_ids)
    told = []
    for row, segment in zip(found, SEGMENTS, strict=True):
        text = RESPONSE[segment.start : segment.end]
        # The one run of tokens behind the prompt that spells the segment.
        runs = [
            (first, last)
            for first in range(begin, len(framed.ids))
            for last in range(first + 1, len(framed.ids) + 1)
            if features.tokenizer.decode(framed.ids[first:last]).strip() == text
        ]
        told.append(any(np.allclose(row, states[a:b].mean(0), atol=1e-5) for a, b in runs))
        assert runs
    assert told == [True, True]


def test_what_was_cut_off_has_no_state(encoder):
    features = make(encoder, max_length=16, prompt_tokens=8)
    response = "good rice answer " * 20
    (found,) = features.segments([(PROMPT, response)], [[Range(0, 9), Range(300, 320)]])
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()
    assert features.framing.responses_truncated == 1


def test_a_text_is_embedded_once_and_the_prompt_is_read(encoder):
    features = make(encoder)
    rows = [(PROMPT, "good"), (PROMPT, "bad"), (PROMPT, "good")]
    first = features.responses(rows)
    assert features.framing.sequences == 2
    assert (first[0] == first[2]).all()
    other = [{"role": "user", "content": "thanks"}]
    assert not np.allclose(features.responses([(other, "good")])[0], first[0])
    assert features.prompts([PROMPT]).shape == (1, first.shape[1])


@pytest.mark.parametrize("kept", [True, False])
def test_equal_texts_are_read_once_in_one_call(encoder, tmp_path, kept):
    """As of pairs that many people judged; the rows come back in their order."""
    features, read = make(encoder), []
    framed = [features.frame((PROMPT, text)) for text in ("good", "bad", "good", "rice", "bad")]

    def model(input_ids, attention_mask):
        read.extend(input_ids.tolist())
        return features.encoder(input_ids=input_ids, attention_mask=attention_mask)

    cache = EmbeddingCache(tmp_path / "cache", encoder="x") if kept else None
    found = embed(model, framed, pad_id=0, batch_size=2, cache=cache)
    assert len(read) == 3
    for one, row in zip(framed, found, strict=True):
        alone = embed(features.encoder, [one], pad_id=0, batch_size=2)[0]
        assert np.allclose(row, alone, atol=1e-5)
    if kept:
        embed(model, framed, pad_id=0, batch_size=2, cache=cache)
        assert len(read) == 3


def test_states_that_are_no_numbers_are_refused_and_not_kept(encoder, tmp_path):
    features = make(encoder)
    framed = [features.frame((PROMPT, text)) for text in ("good", "bad")]
    features.encoder.get_input_embeddings().weight.data.fill_(float("inf"))
    cache = EmbeddingCache(tmp_path / "cache", encoder="x")
    with pytest.raises(NonFiniteStatesError, match="NaN or infinite"):
        embed(features.encoder, framed, pad_id=0, batch_size=2, cache=cache)
    assert not any(cache.get(cache.key(one.ids)) is not None for one in framed)


def test_a_matrix_of_pairs_holds_each_text_once(encoder):
    features = make(encoder)
    texts = [("good rice", "bad"), ("bad", "good rice"), ("good rice", "why"), ("thanks", "bad")]
    pairs = [PreferencePair(n, n % 2, tuple(PROMPT), *both) for n, both in enumerate(texts)]
    rows = pair_matrix(pairs, features)
    assert rows.texts_UD.shape[0] == 4
    sides = [features.responses([(PROMPT, both[side]) for both in texts]) for side in (0, 1)]
    centre, scale = rows.parts["centre"].numpy(), float(rows.parts["scale"])
    assert centre == pytest.approx(np.concatenate(sides).mean(0))
    gap_ND = (sides[0] - sides[1]) / scale
    assert rows.gap_ND.numpy() == pytest.approx(gap_ND, abs=1e-9)
    map_DK = np.random.default_rng(0).normal(size=(rows.width, 3))
    assert rows.gaps(torch.from_numpy(map_DK)).numpy() == pytest.approx(gap_ND @ map_DK, abs=1e-9)
    chosen_NK, _ = rows.mapped(torch.from_numpy(map_DK))
    assert chosen_NK.numpy() == pytest.approx((sides[0] - centre) / scale @ map_DK, abs=1e-9)


def test_stopping_is_heard_between_batches(encoder):
    features = make(encoder)
    features.should_stop = lambda: True
    with pytest.raises(StopRequestedError):
        features.segments([(PROMPT, RESPONSE)], [SEGMENTS])


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
def test_the_pool_of_layers_is_the_mean_of_each_part(kind, request):
    features = make(request.getfixturevalue(kind))
    texts = [(PROMPT, RESPONSE), (PROMPT, "no"), (PROMPT * 2, "bad rude answer")]
    framed = features.frame_all(texts)
    found = embed(features.encoder, framed, pad_id=0, batch_size=2, pool=PROMPT_AND_LAYERS)
    for one, row in zip(framed, found, strict=True):
        with torch.inference_mode():
            read = features.encoder(torch.tensor([one.ids]), output_hidden_states=True)
        layers, begin = read.hidden_states[1:][-4:], len(one.prompt_ids)
        parts = [layers[-1][0, :begin].mean(0), *(layer[0, begin:].mean(0) for layer in layers)]
        assert row == pytest.approx(torch.cat(parts).numpy(), abs=1e-5)


def test_the_same_ids_parted_elsewhere_are_another_row():
    early, late = Framed([1, 2], [3, 4], False, False), Framed([1, 2, 3], [4], False, False)
    assert PROMPT_AND_LAYERS.key(early) != PROMPT_AND_LAYERS.key(late)
