"""Slices at once and grid rows per matrix follow from the kind of device and its free memory alone."""

from hypothesis import given
from hypothesis import strategies as st

from tomodenoise.reconstruction.engines import passes
from tomodenoise.reconstruction.engines.passes import Sizes

LARGE = Sizes(angles=1500, columns=2048, size=3072, length=4096)

sizes = st.builds(
    lambda angles, half: Sizes(angles, 2 * half, 3 * half, 4 * half), st.integers(1, 4000), st.integers(8, 2048)
)


def test_a_processor_takes_strips_and_few_slices() -> None:
    assert passes.passes(LARGE, None) == passes.PROCESSOR


@given(sizes=sizes, free=st.integers(0, 2**38))
def test_a_card_takes_one_matrix_and_no_more_slices_than_fit(sizes: Sizes, free: int) -> None:
    chosen = passes.passes(sizes, free)
    assert chosen.strip >= sizes.size // 2 + 4
    assert 1 <= chosen.slices <= passes.MOST_SLICES
    if chosen.slices > 1:
        assert sizes.matrix_bytes + chosen.slices * sizes.slice_bytes <= passes.MEMORY_SHARE * free


def test_a_large_card_takes_32_slices_of_2048_columns_or_more() -> None:
    assert passes.passes(LARGE, 24 << 30).slices >= 32
    assert passes.passes(LARGE, 78 << 30).slices == passes.MOST_SLICES


def test_the_memory_of_a_pass_is_that_measured_on_a_card() -> None:
    """32 slices of 1500 angles and 2048 columns took 7 GB."""
    assert 6.5e9 < LARGE.matrix_bytes + 32 * LARGE.slice_bytes < 9e9
