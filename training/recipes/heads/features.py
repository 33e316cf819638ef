"""What heads read of texts: states of an encoder."""

from collections.abc import Sequence
from typing import Any

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

import numpy as np
import torch

from annotate.finegrained.segments import Range
from training.data.conversation import Message, render_response
from training.data.framing import Framed, FramingCounts, frame_all_for_reward
from training.recipes.batches import attention_mask, batches_by_length, pad_right
from training.recipes.embeddings import MEAN, EmbeddingCache, Pool, embed
from training.recipes.errors import ModelError, StopRequestedError
from training.recipes.layered import PROMPT_AND_LAYERS
from training.recipes.progress import Report, ShouldStop

Row = tuple[Sequence[Message], str]
Key = tuple[tuple[tuple[str, str], ...], str]


class Features:
    """Embeddings by text, each computed once. `framing` counts what was shortened.

    at_ends: a segment is read at its last token, its marker, and not as the mean of its tokens.
    """

    def __init__(
        self,
        tokenizer: Any,
        encoder: Any,
        *,
        max_length: int,
        prompt_tokens: int,
        batch_size: int,
        at_ends: bool = False,
        cache: EmbeddingCache | None = None,
        layers_cache: EmbeddingCache | None = None,
        report: Report | None = None,
        should_stop: ShouldStop | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.encoder = encoder
        self.max_length = max_length
        self.prompt_tokens = prompt_tokens
        self.batch_size = batch_size
        self.at_ends = at_ends
        self.cache = cache
        self.layers_cache = layers_cache
        self.report = report
        self.should_stop = should_stop
        self.framing = FramingCounts()
        self._known: dict[Key, np.ndarray] = {}
        self._layers: dict[Key, np.ndarray] = {}
        self._cut: dict[tuple[Key, tuple[Range, ...]], np.ndarray] = {}

    def responses(self, rows: Sequence[Row]) -> np.ndarray:
        """[N, D] float64: the mean state over prompt and response. Raises StopRequestedError."""
        return self._read(rows, self._known, MEAN, self.cache).astype(np.float64)

    @property
    def width(self) -> int:
        """D, of one state."""
        return int(self.encoder.config.get_text_config().hidden_size)

    def layers(self, rows: Sequence[Row]) -> np.ndarray:
        """[N, (1 + LAYERS) D] float32: the prompt's mean state in the last layer, then the
        response's in each of the last ones. Raises StopRequestedError.
        """
        return self._read(rows, self._layers, PROMPT_AND_LAYERS, self.layers_cache)

    def _read(
        self,
        rows: Sequence[Row],
        known: dict[Key, np.ndarray],
        pool: Pool,
        cache: EmbeddingCache | None,
    ) -> np.ndarray:
        keys = [key_of(row) for row in rows]
        missing = {key: row for key, row in zip(keys, rows, strict=True) if key not in known}
        if missing:
            framed = self.frame_all(list(missing.values()))
            found = embed(
                self.encoder,
                framed,
                pad_id=self.tokenizer.pad_token_id,
                batch_size=self.batch_size,
                pool=pool,
                cache=cache,
                report=self.report,
                should_stop=self.should_stop,
            )
            known.update(zip(missing, found, strict=True))
        return np.stack([known[key] for key in keys]) if keys else np.zeros((0, 0))

    def forget(self) -> None:
        """Drop what is held in memory; the cache on disk stays."""
        self._known.clear()
        self._layers.clear()
        self._cut.clear()

    def prompts(self, conversations: Sequence[Sequence[Message]]) -> np.ndarray:
        """[N, D]: of prompts alone."""
        return self.responses([(conversation, "") for conversation in conversations])

    def segments(self, rows: Sequence[Row], ranges: Sequence[Sequence[Range]]) -> list[np.ndarray]:
        """For each row [S, D]: each segment's state (see the class), read in its context.

        Rows of NaN for segments behind the end of what was kept of the response. Raises
        StopRequestedError between batches.
        """
        keys = [(key_of(row), tuple(cut)) for row, cut in zip(rows, ranges, strict=True)]
        missing = {
            key: (row, cut)
            for key, row, cut in zip(keys, rows, ranges, strict=True)
            if key not in self._cut
        }
        framed = self.frame_all([row for row, _ in missing.values()])
        places = [
            self.read_at(row, cut, one)
            for (row, cut), one in zip(missing.values(), framed, strict=True)
        ]
        names = list(missing)
        plan = batches_by_length([len(one.ids) for one in framed], self.batch_size)
        for done, batch in enumerate(plan, start=1):
            states = self._states([framed[index].ids for index in batch])
            for index, state_LD in zip(batch, states, strict=True):
                self._cut[names[index]] = _means(state_LD, places[index])
            if self.report:
                self.report({"event": "embedding", "batch": done, "batches": len(plan)})
            if self.should_stop and self.should_stop():
                raise StopRequestedError(f"stopped after embedding {done} of {len(plan)} batches")
        return [self._cut[key] for key in keys]

    def frame(self, row: Row) -> Framed:
        return self.frame_all([row])[0]

    def frame_all(self, rows: Sequence[Row]) -> list[Framed]:
        framed = frame_all_for_reward(
            self.tokenizer, rows, max_length=self.max_length, prompt_tokens=self.prompt_tokens
        )
        for one in framed:
            self.framing.add(one)
        return framed

    @torch.inference_mode()
    def _states(self, ids: Sequence[Sequence[int]]) -> list[np.ndarray]:
        where = runtime.device()
        states = self.encoder(
            input_ids=pad_right(ids, self.tokenizer.pad_token_id).to(where),
            attention_mask=attention_mask(ids).to(where),
        ).last_hidden_state
        return list(states.float().cpu().numpy())

    def read_at(self, row: Row, cut: Sequence[Range], framed: Framed) -> list[list[int]]:
        """The positions in the framed ids at which each segment is read: none if it was cut off."""
        places = self._tokens(row, cut, framed)
        return [found[-1:] for found in places] if self.at_ends else places

    def _tokens(self, row: Row, cut: Sequence[Range], framed: Framed) -> list[list[int]]:
        """The positions in the framed ids of each segment's tokens, as far as they were kept."""
        conversation, response = row
        text = response
        if self.tokenizer.cls_token_id is None or self.tokenizer.sep_token_id is None:
            text = render_response(self.tokenizer, conversation, response)
        shift = text.find(response)
        if not self.tokenizer.is_fast or shift < 0:
            raise ModelError(
                "segments need a tokenizer that tells where its tokens stand (a fast one) and "
                "a chat template that leaves the response as it is; choose another base_model."
            )
        offsets = self.tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )["offset_mapping"]
        begin, kept = len(framed.prompt_ids), len(framed.response_ids)
        return [
            [
                begin + place
                for place, (start, end) in enumerate(offsets[:kept])
                if start < segment.end + shift and end > segment.start + shift
            ]
            for segment in cut
        ]


def _means(state_LD: np.ndarray, places: Sequence[Sequence[int]]) -> np.ndarray:
    found = np.full((len(places), state_LD.shape[1]), np.nan)
    for number, positions in enumerate(places):
        if positions:
            found[number] = state_LD[positions].mean(0, dtype=np.float64)
    return found


def key_of(row: Row) -> Key:
    """Equal for equal texts."""
    conversation, response = row
    return tuple((turn["role"], turn["content"]) for turn in conversation), response
