from open_llm_proxy.cli.logs.stats_view import show_stats
from open_llm_proxy.logs.stats import Figures, Percentiles, Stats
from open_llm_proxy.logs.window import ALL


def test_plots_over_time(capfd):
    days = [Figures(f"2026-04-0{day}", calls=day, latency=Percentiles(100.0 * day, 200, 300)) for day in (7, 8, 9)]
    show_stats(Stats(Figures("all", calls=24), days, {"day": days}, ALL), "day", "table")
    out = capfd.readouterr().out
    assert "calls a day: █ answered" in out
    assert "duration in seconds" in out
    assert "04-08" in out


def test_one_day_has_no_plot(capfd):
    day = [Figures("2026-04-07 10:00", calls=1)]
    show_stats(Stats(Figures("all", calls=1), day, {"day": day}, ALL), "day", "table")
    assert "█" not in capfd.readouterr().out
