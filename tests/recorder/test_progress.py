from open_llm_proxy.recorder.progress import DEADLY, Place, Progress

PLACE = Place("0123456789abcdef", 3, 700)
NAME = PLACE.directory.encode()


def die_at(path, place):
    """A process that notes a place and is killed there."""
    progress = Progress(path)
    deaths = progress.deaths_at(place)
    progress.begin(place.directory.encode(), place.number, place.offset)
    progress.close()
    return deaths


def test_deaths_at_one_frame_are_counted(tmp_path):
    path = tmp_path / "progress"
    assert [die_at(path, PLACE) for _ in range(DEADLY + 1)] == [0, 1, 2, 3]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_death_elsewhere_begins_anew(tmp_path):
    path = tmp_path / "progress"
    die_at(path, PLACE)
    die_at(path, PLACE)
    other = PLACE._replace(offset=701)
    assert die_at(path, other) == 0
    assert die_at(path, PLACE) == 0
    assert die_at(path, PLACE) == 1


def test_a_death_between_frames_is_nobodys(tmp_path):
    path = tmp_path / "progress"
    progress = Progress(path)
    progress.begin(NAME, 3, 700)
    progress.done()
    progress.close()
    assert Progress(path).deadly is None


def test_records_that_were_not_finished_are_known_to_the_next_process(tmp_path):
    path = tmp_path / "progress"
    progress = Progress(path)
    assert progress.unfinished == 0
    progress.set_unfinished(17)
    progress.close()
    second = Progress(path)
    assert second.unfinished == 17
    second.close()
    assert Progress(path).unfinished == 0


def test_a_line_that_was_being_written_is_known_to_the_next_process(tmp_path):
    path = tmp_path / "progress"
    for writing in (True, False):
        progress = Progress(path)
        progress.set_writing(True)
        progress.set_writing(writing)
        progress.close()
        assert Progress(path).line_torn is writing
        assert Progress(path).line_torn is False


def test_without_a_place_for_the_file_nothing_is_kept(tmp_path):
    path = tmp_path / "none" / "progress"
    progress = Progress(path)
    progress.begin(NAME, 3, 700)
    progress.set_unfinished(5)
    assert Progress(path).deadly is None
