"""Every published format, read; what is missing is named and counted, what is wrong names its line."""

import json
from pathlib import Path

import pytest

from muybridge.errors import DatasetError, DatasetWarning, OptionError
from muybridge.training.annotations import read_folder, read_moments, read_videos


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_folder_with_its_own_split(tmp_path: Path) -> None:
    touch(tmp_path, "train/clap/1.mp4", "train/wave/a/2.AVI", "test/clap/3.mkv", "test/wave/4.mp4")
    touch(tmp_path, "train/clap/notes.txt", ".cache/x.mp4")
    videos = read_videos(tmp_path)
    assert videos.labels == ("clap", "wave")
    assert videos.subsets == ("test", "train")
    assert [item.path.name for item in videos.subset("train")] == ["1.mp4", "2.AVI"]
    with pytest.raises(DatasetError, match="no video belongs to val; there is test, train"):
        videos.subset("val")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            ["test/wave/2.mp4", "raw/3.mp4"],
            "raw lies beside test, train in .*; move it elsewhere or call it so",
        ),
        (["holdout/wave/2.mp4", "raw/3.mp4"], "holdout, raw lie beside train in .*; move them elsewhere"),
    ],
)
def test_a_stranger_beside_train_makes_no_class_of_it(tmp_path: Path, files: list[str], message: str) -> None:
    touch(tmp_path, "train/wave/1.mp4", *files)
    with pytest.raises(DatasetError, match=message):
        read_videos(tmp_path)


def test_train_may_be_a_class_beside_others(tmp_path: Path) -> None:
    touch(tmp_path, "train/1.mp4", "bus/2.mp4", "bus/at night/3.mp4")
    videos = read_videos(tmp_path)
    assert (videos.counts, videos.subsets) == ({"bus": 2, "train": 1}, ())


def test_a_folder_holds_its_videos_itself(tmp_path: Path) -> None:
    touch(tmp_path, "wave/1.mp4")
    with pytest.raises(OptionError, match=r"is a folder, .* --videos .*nowhere has no effect; leave it out"):
        read_videos(tmp_path, folder=tmp_path / "nowhere")


def test_empty_class_folder_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "clap/1.mp4", "wave/readme.txt", "jump/.keep")
    with pytest.raises(DatasetError, match="2 class folders hold no video: jump, wave"):
        read_folder(tmp_path)
    with pytest.raises(DatasetError, match="holds no folders; make one for each class"):
        read_folder(tmp_path / "clap")
    with pytest.raises(DatasetError, match="no dataset at"):
        read_videos(tmp_path / "none")


def test_kinetics(tmp_path: Path) -> None:
    touch(tmp_path, "videos/clapping/abc_000010_000020.mp4", "videos/-x_1_000000_000010.webm")
    (tmp_path / "train.csv").write_text(
        "label,youtube_id,time_start,time_end,split\n"
        "clapping,abc,10,20,train\nwaving hand,-x_1,0,10,train\nwaving hand,lost,5,15,train\n"
    )
    with pytest.warns(DatasetWarning, match="1 of 3 videos are missing: lost_000005_000015"):
        videos = read_videos(tmp_path / "train.csv", folder=tmp_path / "videos")
    assert [(item.label, item.group, item.subset) for item in videos] == [
        ("clapping", "abc", "train"),
        ("waving hand", "-x_1", "train"),
    ]
    assert videos.missing == ("lost_000005_000015",)
    (tmp_path / "bad.csv").write_text("label,youtube_id,time_start\nclapping,abc,ten\n")
    with pytest.raises(DatasetError, match="line 2: not a line of Kinetics"):
        read_videos(tmp_path / "bad.csv", folder=tmp_path / "videos")


def test_ucf101(tmp_path: Path) -> None:
    touch(tmp_path, "Archery/v_Archery_g08_c01.avi", "Punch/v_Punch_g03_c01.avi")
    (tmp_path / "trainlist01.txt").write_text(
        "Archery/v_Archery_g08_c01.avi 3\nPunch/v_Punch_g03_c01.avi 70\n"
    )
    (tmp_path / "testlist01.txt").write_text("Punch/v_Punch_g03_c01.avi\n")
    train = read_videos(tmp_path / "trainlist01.txt")
    assert [(item.label, item.group) for item in train] == [
        ("Archery", "Archery g08"),
        ("Punch", "Punch g03"),
    ]
    assert read_videos(tmp_path / "testlist01.txt").items[0].subset == "test"
    (tmp_path / "testlist02.txt").write_text("v_Punch_g03_c01.avi\n")
    with pytest.raises(DatasetError, match=r"line 1: .* is not CLASS/FILE NUMBER"):
        read_videos(tmp_path / "testlist02.txt")


def test_hmdb51_reads_the_lists_of_all_classes(tmp_path: Path) -> None:
    touch(tmp_path, "wave/a.avi", "wave/b.avi", "clap/c.avi")
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "wave_test_split1.txt").write_text("a.avi 1 \nb.avi 2 \nunused.avi 0 \n")
    (tmp_path / "lists" / "clap_test_split1.txt").write_text("c.avi 1\n")
    (tmp_path / "lists" / "clap_test_split2.txt").write_text("c.avi 2\n")
    videos = read_videos(tmp_path / "lists" / "wave_test_split1.txt", folder=tmp_path)
    assert [(item.path.name, item.label, item.subset) for item in videos] == [
        ("c.avi", "clap", "train"),
        ("a.avi", "wave", "train"),
        ("b.avi", "wave", "test"),
    ]


def test_activitynet_and_thumos(tmp_path: Path) -> None:
    touch(tmp_path, "v_one.mp4", "two.mp4")
    database = {
        "one": {"subset": "train", "annotations": [{"label": "Jump", "segment": ["1.5", "2.5"]}]},
        "two": {"subset": "test", "annotations": [{"label": "Run", "segment": [0, 4.0]}]},
        "lost": {"subset": "test", "annotations": [{"label": "Run", "segment": [0, 4.0]}]},
    }
    (tmp_path / "gt.json").write_text(json.dumps({"database": database}))
    with pytest.warns(DatasetWarning, match="1 of 3 videos are missing: lost"):
        videos = read_videos(tmp_path / "gt.json")
    assert [(i.label, i.start_seconds, i.end_seconds, i.group) for i in videos] == [
        ("Jump", 1.5, 2.5, "one"),
        ("Run", 0.0, 4.0, "two"),
    ]
    database["two"]["annotations"] = [{"label": "Run", "segment": ["soon", 4]}]
    (tmp_path / "bad.json").write_text(json.dumps({"database": database}))
    with pytest.raises(DatasetError, match="two has an annotation that is none"):
        read_videos(tmp_path / "bad.json")
    (tmp_path / "other.json").write_text("[1, 2]")
    with pytest.raises(DatasetError, match="not in ActivityNet's form"):
        read_videos(tmp_path / "other.json")


@pytest.mark.shared
def test_the_published_thumos14_and_charades_files(shared: Path, tmp_path: Path) -> None:
    touch(tmp_path, "video_test_0000896.mp4")
    with pytest.warns(DatasetWarning, match="videos are missing: video_test_0000897"):
        videos = read_videos(shared / "formats" / "thumos14_gt.json", folder=tmp_path)
    assert len(videos) == 7
    assert videos.items[0].end_seconds == 24.8
    queries, missing = read_moments(shared / "formats" / "charades_sta_test.jsonl")
    assert queries[0].windows == ((24.3, 30.4),)
    assert (queries[0].query_id, queries[0].duration_seconds, missing) == ("12404", 30.96, ())
    with pytest.raises(DatasetError, match="no folder of videos"):
        read_moments(shared / "formats" / "charades_sta_test.jsonl", folder=tmp_path / "none")
    found, missing = read_moments(shared / "formats" / "charades_sta_test.jsonl", folder=tmp_path)
    assert not found
    assert len(missing) == len({query.video for query in queries})


def test_manifest(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "b.mp4", "m.mp4")
    file = tmp_path / "mine.csv"
    file.write_text(
        "path,label,start_seconds,group,mask\na.mp4,wave,1.5,anna,m.mp4\nb.mp4,clap,,,\nc.mp4,clap,,,\n"
    )
    with pytest.warns(DatasetWarning, match=r"1 of 3 videos are missing: .*c\.mp4"):
        videos = read_videos(file)
    assert videos.items[0].start_seconds == 1.5
    assert videos.items[0].mask_path == tmp_path / "m.mp4"
    assert videos.items[1].group_name == str(tmp_path / "b.mp4")


def test_spaces_and_capitals_make_no_class_and_no_subset(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "b.mp4", "c.mp4")
    file = tmp_path / "mine.csv"
    file.write_text("path, label, subset\na.mp4,wave, Train\nb.mp4, wave,TEST \nc.mp4,wave ,\n")
    videos = read_videos(file)
    assert videos.labels == ("wave",)
    assert [item.subset for item in videos] == ["train", "test", ""]
    assert [item.path.name for item in videos.subset("Test")] == ["b.mp4"]


def test_a_mark_of_the_byte_order_is_no_content(tmp_path: Path) -> None:
    touch(tmp_path, "one.mp4", "Punch/v_Punch_g03_c01.avi")
    entry = {"subset": "Testing", "annotations": [{"label": " Jump", "segment": [1, 2]}]}
    (tmp_path / "gt.json").write_text(json.dumps({"database": {"one": entry}}), encoding="utf-8-sig")
    (item,) = read_videos(tmp_path / "gt.json")
    assert (item.label, item.subset) == ("Jump", "testing")
    (tmp_path / "trainlist01.txt").write_text("Punch/v_Punch_g03_c01.avi 1\n", encoding="utf-8-sig")
    assert read_videos(tmp_path / "trainlist01.txt").labels == ("Punch",)


def test_a_comma_in_quotation_marks_cuts_nothing_off(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "b.mp4")
    file = tmp_path / "mine.csv"
    file.write_text('path,label,\n\n,,\na.mp4,"push, then pull",\n , \nb.mp4, "push, then hold",,\n')
    assert [item.label for item in read_videos(file)] == ["push, then pull", "push, then hold"]


def test_columns_that_nobody_knows_are_named(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4")
    file = tmp_path / "mine.csv"
    # `split` may be of anything where `subset` is there.
    file.write_text("path,label,subset,split,camera\na.mp4,wave,test,2,left\n")
    with pytest.warns(
        DatasetWarning, match="columns that are not read: split, camera; known are path, label"
    ):
        (item,) = read_videos(file)
    assert (item.label, item.subset) == ("wave", "test")


@pytest.mark.parametrize(
    ("column", "meant"),
    [
        ("split", "subset"),
        ("Subset", "subset"),
        ("sub_set", "subset"),
        ("start", "start_seconds"),
        ("startTime", "start_seconds"),
        ("end", "end_seconds"),
        ("end_sec", "end_seconds"),
        ("groups", "group"),
    ],
)
def test_a_column_under_another_name_is_not_lost(tmp_path: Path, column: str, meant: str) -> None:
    touch(tmp_path, "a.mp4")
    (tmp_path / "mine.csv").write_text(f"path,label,{column}\na.mp4,wave,1\n")
    with pytest.raises(DatasetError, match=f"has a column '{column}', which is not read; call it '{meant}'"):
        read_videos(tmp_path / "mine.csv")


def test_row_numbers_without_a_name_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    (tmp_path / "table.csv").write_text(",path,label\n0,a.mp4,wave\n")
    assert [item.label for item in read_videos(tmp_path / "table.csv")] == ["wave"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,class\na.mp4,wave\n", "line 2: no label; the columns are path, class"),
        ("path,label,start_seconds\na.mp4,wave,1:30\n", r"line 2: '1:30' is not a number of seconds"),
        ("path,label,end_seconds\na.mp4,wave,nan\n", r"line 2: 'nan' is not a number of seconds"),
        ("path,label,start_seconds,end_seconds\na.mp4,wave,3,2\n", "line 2: ends at 2.0 s, before its start"),
        ("path,label\na.mp4,push, then pull\n", "line 2: 3 values for 2 columns; .* in quotation marks"),
        ("path,label,\na.mp4,wave\n\na.mp4,push, then pull\n", "line 4: 3 values for 2 columns"),
        ("path,label\n", "gives no video"),
        ("path,label\nx.mp4,wave\ny.mp4,wave\n", "all 2 that it names are missing"),
        ("path,label\n\xff,wave\n", "cannot be read as CSV"),
    ],
)
def test_a_wrong_manifest_names_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.mp4").touch()
    (tmp_path / "mine.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(DatasetError, match=message):
        read_videos(tmp_path / "mine.csv")


@pytest.mark.parametrize(
    ("video", "message"),
    [
        ("null", r"gt\.json: one is no object with a list of 'annotations': None"),
        ('{"annotations": 5}', "one is no object with a list"),
        ('{"annotations": [{"label": "x", "segment": [NaN, 2]}]}', "one has an annotation that is none"),
        ('{"annotations": [{"label": "x", "segment": ["inf", 2]}]}', "one has an annotation that is none"),
        ('{"annotations": [{"label": "x", "segment": "12"}]}', "one has an annotation that is none"),
        ('{"annotations": [{"label": null, "segment": [0, 2]}]}', "one has an annotation without a class"),
        ('{"annotations": [{"label": " ", "segment": [0, 2]}]}', "one has an annotation without a class"),
    ],
)
def test_what_is_no_annotation_of_activitynet(tmp_path: Path, video: str, message: str) -> None:
    touch(tmp_path, "one.mp4")
    (tmp_path / "gt.json").write_text('{"database": {"one": ' + video + "}}")
    with pytest.raises(DatasetError, match=message):
        read_videos(tmp_path / "gt.json")


def test_stretches_that_end_before_they_start_are_left_out_and_named(tmp_path: Path) -> None:
    touch(tmp_path, "one.mp4")
    segments = [[5, 2], [1, 2], [3, 3]]
    entry = {"annotations": [{"label": "Jump", "segment": segment} for segment in segments]}
    (tmp_path / "gt.json").write_text(json.dumps({"database": {"one": entry}}))
    with pytest.warns(DatasetWarning, match=r"2 stretches do not end .*one\.mp4 \(5\.00 s to 2\.00 s\)"):
        videos = read_videos(tmp_path / "gt.json")
    assert [(item.start_seconds, item.end_seconds) for item in videos] == [(1.0, 2.0)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("abc,1,inf,train,wave", "line 2: not a line of Kinetics"),
        ("abc,1,11,train", "line 2: no label in it"),
        ("abc,1,11,train,", "line 2: no label in it"),
        (",1,11,train,wave", "line 2: no youtube_id in it"),
    ],
)
def test_a_wrong_line_of_kinetics(tmp_path: Path, line: str, message: str) -> None:
    touch(tmp_path, "abc.mp4")
    (tmp_path / "train.csv").write_text(f"youtube_id,time_start,time_end,split,label\n{line}\n")
    with pytest.raises(DatasetError, match=message):
        read_videos(tmp_path / "train.csv")


def test_a_query_may_hold_any_separator_of_unicode(tmp_path: Path) -> None:
    row = {"query": "a\u2028b\x85c", "vid": "v", "duration": 10, "relevant_windows": [[1, 2]]}
    lines = json.dumps(row, ensure_ascii=False) + "\r\n" + json.dumps(row | {"query": "d"}) + "\n"
    (tmp_path / "q.jsonl").write_text(lines, encoding="utf-8", newline="")
    queries, _ = read_moments(tmp_path / "q.jsonl")
    assert [(query.query, query.windows) for query in queries] == [
        ("a\u2028b\x85c", ((1.0, 2.0),)),
        ("d", ((1.0, 2.0),)),
    ]


def test_moments_that_take_no_time(tmp_path: Path) -> None:
    rows = [
        {"query": name, "vid": "v", "duration": 10, "relevant_windows": windows}
        for name, windows in (("both", [[5, 2], [3, 4]]), ("only wrong", [[5, 2]]), ("secret", []))
    ]
    file = tmp_path / "q.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    with pytest.warns(
        DatasetWarning, match=r"2 stretches .*: 5\.0 to 2\.0 in line 1, 5\.0 to 2\.0 in line 2"
    ):
        queries, _ = read_moments(file)
    assert [(query.query, query.windows) for query in queries] == [("both", ((3.0, 4.0),)), ("secret", ())]
    for wrong in ({"relevant_windows": [[float("nan"), 1]]}, {"duration": float("inf")}):
        file.write_text(json.dumps(rows[0] | wrong))
        with pytest.raises(DatasetError, match="line 1: not a query with its moments"):
            read_moments(file)


def test_sources_and_clips_of_kinetics_under_their_ids_alone(write_video, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """A source of 12 s, of which two stretches are meant, and a clip of 3 s, which two lines claim."""
    write_video(tmp_path / "long.mp4", num_frames=120)
    for name in ("clip", "torn", "long_000000_000003"):
        write_video(tmp_path / f"{name}.mp4", num_frames=30)
    lines = [
        "label,youtube_id,time_start,time_end,split",
        *("wave,long,2,5,train", "clap,long,9,12,train", "clap,long,0,3,train"),
        *("clap,clip,50,53,train", "wave,torn,0,3,train", "clap,torn,60,63,train", "clap,lost,1,4,train"),
    ]
    (tmp_path / "k.csv").write_text("\n".join(lines))
    with pytest.warns(DatasetWarning) as said:
        videos = read_videos(tmp_path / "k.csv")
    assert [(i.path.stem, i.label, i.start_seconds, i.end_seconds) for i in videos] == [
        ("long", "wave", 2.0, 5.0),
        ("long", "clap", 9.0, 12.0),
        ("long_000000_000003", "clap", None, None),
        ("clip", "clap", None, None),
    ]
    texts = [str(warning.message) for warning in said]
    assert len(texts) == 2
    assert "1 files are one clip each" in texts[0]
    assert "torn.mp4" in texts[0]
    assert "1 of 5 videos are missing: lost_000001_000004" in texts[1]


def test_lines_that_name_the_same_clip_of_kinetics(tmp_path: Path) -> None:
    touch(tmp_path, "one.mp4")
    (tmp_path / "k.csv").write_text("label,youtube_id,time_start,time_end\nwave,one,5,15\nclap,one,5,15\n")
    assert [item.label for item in read_videos(tmp_path / "k.csv")] == ["wave", "clap"]
