from benchmarks.readme import RESULTS, SECTION, TOP_FOLDER, fill, main
from benchmarks.speed import QUESTIONS


def test_a_section_gets_its_table_without_the_title(tmp_path):
    (tmp_path / "speed.md").write_text("# Speed\n\n| a |\n|---|\n| 1 |\n")
    text = "before\n<!-- results: speed -->\nold\n<!-- end -->\nafter\n"
    filled = fill(text, tmp_path)
    assert filled == "before\n<!-- results: speed -->\n\n| a |\n|---|\n| 1 |\n\n<!-- end -->\nafter\n"
    assert fill(filled, tmp_path) == filled


def test_the_readme_shows_the_committed_results():
    sections = [found["name"] for found in SECTION.finditer((TOP_FOLDER / "README.md").read_text(encoding="utf-8"))]
    assert sections
    stems = {path.stem for path in RESULTS.glob("*.json")}  # "accuracy-summary" is drawn from accuracy.json, too
    stems |= {"speed"} if stems & set(QUESTIONS) else set()  # and "speed-summary" from the answers to all questions
    assert all(name.removesuffix("-summary") in stems for name in sections)
    assert main(["--check"]) == 0
