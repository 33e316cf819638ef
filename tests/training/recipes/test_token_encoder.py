import numpy as np
import pytest

from routing.features.likeness import token_f1
from training.recipes.token_encoder import EncoderTokens


def test_each_text_has_the_states_that_it_has_alone() -> None:
    encoder = EncoderTokens(max_length=16, batch_size=4)
    texts = ["A cat sat on the mat.", "", "Rain.", "word " * 60]
    together = encoder.tokens(texts)
    assert [len(one) for one in together] == [7, 0, 2, 14]
    for text, states in zip(texts, together, strict=True):
        alone = encoder.tokens([text])[0]
        assert states.astype(float) == pytest.approx(alone.astype(float), abs=5e-3)
    cat, _, rain, _ = (np.asarray(one) for one in together)
    near = encoder.tokens(["A kitten sat on a rug."])[0]
    assert token_f1(cat, near) > token_f1(cat, rain) + 0.2
