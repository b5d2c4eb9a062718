"""Lines of ancestors that were made by hand, and where they part."""

from fooljax.analysis.descent import Fork, descent_of


def test_the_youngest_common_ancestor_is_where_lines_part():
    #        1 - 4 - 9        2 - 7
    #        |    \- 6 - 8
    lines = [(9, 4, 1), (7, 2), (8, 6, 4, 1), (5, 1)]
    assert descent_of(lines) == (
        (Fork(4, (0,), (2,)), Fork(1, (0, 2), (3,))),
        ((0, 2, 3), (1,)),
    )


def test_an_elite_may_be_the_ancestor_of_another_or_stand_for_two_classes():
    assert descent_of([(6, 3), (9, 6, 3)]).forks == (Fork(6, (0,), (1,)),)
    assert descent_of([(6, 3), (6, 3)]).forks == (Fork(6, (0,), (1,)),)


def test_random_images_are_no_relatives():
    assert descent_of([(3,), (1,), (2,)]) == ((), ((0,), (1,), (2,)))
