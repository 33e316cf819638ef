import numpy as np
import pytest

from annotate.ranking.style import position, relative, root_mean_square, style_of

TEXT = """# One

Some **bold** words and __more__.

- a
* b
2) c

```python
# not a header
- not a list
```
~~~
**left open**
"""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", (0, 0, 0, 0, 0)),
        ("  héllo 👩‍👩‍👧 \n", (11, 0, 0, 0, 0)),
        (TEXT, (len(TEXT.strip()), 1, 3, 2, 2)),
        ("#hash -dash 1.5 **", (18, 0, 0, 0, 0)),
        ("```\n# a\n```\n# b", (15, 1, 0, 0, 1)),
    ],
)
def test_styles_are_counted_outside_code(text, wanted) -> None:
    assert style_of(text) == wanted


def test_a_long_text_without_an_end_of_bold_is_read_in_a_moment() -> None:
    assert style_of("**a" * 50_000)[3] in (0, 24_999, 25_000)


def test_of_two_the_difference_is_that_of_the_paper() -> None:
    pair = np.array([[[30.0], [10.0]], [[0.0], [0.0]], [[0.0], [4.0]]])
    found = relative(pair)
    assert found[:, 0, 0] - found[:, 1, 0] == pytest.approx([20 / 41, 0, -4 / 5])
    three = relative(np.array([[[3.0], [6.0], [9.0]]]))
    assert three[0, :, 0] == pytest.approx([-3 / 13, 0, 3 / 13])


def test_positions_go_from_first_to_last() -> None:
    assert position(np.array([[0, 1], [1, 0], [-1, 0]])).tolist() == [
        [0.5, -0.5],
        [-0.5, 0.5],
        [0, 0],
    ]
    assert position(np.array([[2, 0, 1]])).tolist() == [[-0.5, 0.5, 0.0]]


def test_scale_is_the_root_mean_square_of_differences() -> None:
    pairs = np.array([[[1.0], [0.0]], [[0.0], [3.0]]])
    threes = np.array([[[0.0], [1.0], [2.0]]])
    # The mean of squares over the pairs of three is (1 + 4 + 1) / 3 = 2.
    assert root_mean_square([pairs, threes]) == pytest.approx([np.sqrt((1 + 9 + 2) / 3)])
    assert root_mean_square([]).size == 0
