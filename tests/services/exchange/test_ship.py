"""Which notes travel: as few as do, and a receiver has room for what stands between two of them."""

from hypothesis import given
from hypothesis import strategies as st

from services.exchange.ship import SAFE, thin


@given(st.sets(st.integers(1, 3000), min_size=1), st.integers(0, 50))
def test_joined_batches_are_safe_whatever_their_records_weigh(sizes: set[int], before: int) -> None:
    # given stored checkpoints after some position
    ordered = sorted(size + before for size in sizes)
    kept = sorted(thin(ordered, before))
    # then the last one is kept, and a batch that was joined holds at most SAFE records
    assert kept[-1] == ordered[-1]
    for start, end in zip([before, *kept], kept, strict=False):
        assert end - start <= SAFE or not any(start < size < end for size in ordered)


def test_checkpoints_over_single_records_are_joined() -> None:
    assert thin(range(1, 201), 0) == {64, 128, 192, 200}
