from fooljax.errors import shown


def test_what_came_from_outside_is_one_printable_line():
    assert shown("a\x1b[31m\n\tb\u202e \ud800 中") == "a\\x1b[31m b\\u202e \\ud800 中"
    assert shown(b"\xff\x00ok") == "\N{REPLACEMENT CHARACTER}\\x00ok"
    assert shown(ValueError("no\nway")) == "no way"


def test_it_is_cut_off_where_it_is_long():
    assert len(shown("y" * 10**6)) == 200
    assert len(shown("\x1b" * 500, most=40)) == 40
