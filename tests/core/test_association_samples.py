"""Participants meet their genotypes by IID, and those who do not are counted and named."""

import numpy as np
import pandas as pd
import pytest

from music_gui.core.association.samples import assemble_sample, match_genotypes
from music_gui.core.errors import InputError


@pytest.fixture
def people():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "participant_id": [f"sub-{number:03}" for number in range(1, 31)],
            "session_id": "ses-01",
            "age": rng.uniform(50, 85, 30),
            "sex": np.tile(["F", "M"], 15),
            "site": np.repeat(["A", "B", "C"], 10),
        }
    )


def test_rows_of_both_sides_are_those_of_the_same_person(people):
    iid = [*reversed(people["participant_id"].tolist()[5:]), "stranger"]
    sample = assemble_sample(people, iid, ("age",), add_site=False)
    assert [people["participant_id"][row] for row in sample.table_rows] == [
        iid[row] for row in sample.genotype_rows
    ]
    assert (np.diff(sample.genotype_rows) > 0).all()
    assert sample.counts == {"psc_table": 30, "genotypes": 26, "both": 25, "analysed": 25}
    assert "5 only in the PSC table (sub-001" in sample.notes[0]
    assert "1 only in the genotypes (stranger)" in sample.notes[0]


def test_blanks_around_ids_do_not_matter(people):
    iid = [f" {name} " for name in people["participant_id"]]
    assert len(match_genotypes(people, iid)[0].table) == 30


def test_the_bids_prefix_alone_does_not_part_people_from_their_genotypes(people):
    iid = people["participant_id"].str.removeprefix("sub-").tolist()
    join, notes = match_genotypes(people, iid)
    assert len(join.table) == 30
    assert "both without the prefix sub-" in notes[0]


def test_no_match_at_all_shows_counts_examples_and_the_likely_mend(people):
    iid = [f"SUB-{number:03}" for number in range(1, 41)]
    with pytest.raises(InputError) as caught:
        assemble_sample(people, iid, (), add_site=False)
    text = str(caught.value)
    assert "30 only in the PSC table (sub-001, sub-002" in text
    assert "40 only in the genotypes (SUB-001" in text
    assert "upper and lower case" in text


def test_an_iid_of_two_families_is_refused_if_someone_has_it(people):
    iid = people["participant_id"].tolist()
    assert len(match_genotypes(people, [*iid, "other", "other"])[0].table) == 30
    with pytest.raises(InputError, match=r"1 sample IDs stand in several rows.*sub-004"):
        match_genotypes(people, [*iid, "sub-004"])


def test_of_several_sessions_the_first_is_analysed(people):
    twice = pd.concat([people, people.assign(session_id="ses-02")], ignore_index=True)
    sample = assemble_sample(twice, people["participant_id"].tolist(), ("age",), add_site=False)
    assert sample.table_rows.max() < 30
    assert any("30 rows are further sessions" in note for note in sample.notes)


def test_people_without_a_covariate_are_left_out_and_counted(people):
    people.loc[[2, 3], "age"] = np.nan
    people.loc[4, "sex"] = None
    sample = assemble_sample(people, people["participant_id"].tolist(), (), add_site=False)
    assert sample.counts["analysed"] == 27
    assert {2, 3, 4}.isdisjoint(sample.table_rows.tolist())
    assert any("3 participants lack a covariate" in note for note in sample.notes)
    assert any("(age: 2, sex: 1)" in note for note in sample.notes)


def test_the_default_takes_what_varies_and_says_what_does_not(people):
    people["sex"] = "F"
    sample = assemble_sample(people, people["participant_id"].tolist(), (), add_site=True)
    assert sample.terms == ("age", "age^2", "site")
    assert any("sex is the same for everyone" in note for note in sample.notes)


def test_site_enters_only_where_it_is_asked_for(people):
    iid = people["participant_id"].tolist()
    assert "site" not in assemble_sample(people, iid, (), add_site=False).terms
    assert assemble_sample(people, iid, ("none",), add_site=True).terms == ()


def test_too_few_people_are_refused(people):
    people.loc[2:, "age"] = np.nan
    with pytest.raises(InputError, match="2 participants are left"):
        assemble_sample(people, people["participant_id"].tolist(), ("age",), add_site=False)
