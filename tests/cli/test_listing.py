"""The listing of strategies."""

from fooljax.cli import strategies


def test_the_listing_names_every_strategy_and_its_settings(capsys):
    assert strategies.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(strategies.STRATEGIES)
    assert lines[0].startswith("map_elites ")
    assert strategies.main(["focused"]) == 0
    assert "--set focus=0.5\n      probability, in [0, 1], that a parent " in capsys.readouterr().out
    assert strategies.main(["luck"]) == 2
    assert capsys.readouterr().err.startswith("error: ")
