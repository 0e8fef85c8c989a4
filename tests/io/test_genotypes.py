"""PLINK sets are read as PLINK reads them, and broken ones are told apart."""

import subprocess

import numpy as np
import pandas as pd
import pytest

from music_gui.core.errors import InputError, ToolError
from music_gui.io import pgen
from music_gui.io.genotypes import (
    MISSING_CALL,
    Genotypes,
    genotype_files,
    normalise_chromosome,
    write_bed,
)

CALLS = np.array([[0, 1, 2, -127], [2, 2, 0, 1], [1, 0, -127, 0]], dtype=np.int8)


@pytest.fixture
def variants():
    return pd.DataFrame(
        {
            "chromosome": ["1", "chr2", "23", "26"],
            "base_pair_location": [10, 20, 30, 40],
            "rsid": ["rs1", "rs2", "rs3", "."],
            "effect_allele": list("ACGT"),
            "other_allele": list("CGTA"),
        }
    )


@pytest.fixture
def prefix(tmp_path, variants):
    path = tmp_path / "a study" / "geno.v1.bed"  # the prefix itself has a dot
    write_bed(path, CALLS, iid=["S1", "S2", "S3"], variants=variants, sex=["M", "F", ""])
    return path.with_suffix("")


def test_calls_survive_writing_and_reading(prefix):
    genotypes = Genotypes.open(prefix)
    expected = np.where(CALLS == MISSING_CALL, np.nan, CALLS)
    np.testing.assert_array_equal(genotypes.read(np.arange(4)), expected)
    assert genotypes.samples["iid"].tolist() == ["S1", "S2", "S3"]
    assert genotypes.samples["sex"].tolist() == ["M", "F", ""]
    assert genotypes.variants["chromosome"].tolist() == ["1", "2", "X", "MT"]


def test_a_block_has_the_samples_and_variants_asked_for_in_that_order(prefix):
    block = Genotypes.open(prefix).read(np.array([3, 0]), np.array([2, 0]))
    np.testing.assert_array_equal(block, [[0, 1], [np.nan, 0]])
    assert block.flags.f_contiguous


@pytest.mark.parametrize("suffix", ["", ".bed", ".bim", ".fam"])
def test_any_of_the_files_or_their_prefix_opens_the_set(prefix, suffix):
    path = prefix.with_name(prefix.name + suffix)
    assert Genotypes.open(path).n_variants == 4
    assert {file.suffix for file in genotype_files(path)} == {".bed", ".bim", ".fam"}


def test_the_example_of_the_formats_specification_reads_as_printed_there(tmp_path):
    # https://www.cog-genomics.org/plink/1.9/formats#bed
    (tmp_path / "x.bed").write_bytes(bytes.fromhex("6c1b01dc0fe70f6b01"))
    (tmp_path / "x.bim").write_text("1 snp1 0 1 G A\n1 snp2 0 2 1 2\n1 snp3 0 3 A C\n")
    (tmp_path / "x.fam").write_text("1 1 0 0 1 0\n" * 6)
    nan = np.nan
    expected = [[2, 0, nan, 0, 0, 0], [0, nan, 1, 0, 0, 0], [0, 1, 1, nan, nan, 2]]
    np.testing.assert_array_equal(Genotypes.open(tmp_path / "x").read(np.arange(3)).T, expected)


@pytest.mark.parametrize(
    ("code", "normal"),
    [
        ("1", "1"), ("chr1", "1"), ("Chr22", "22"), ("01", "1"), ("23", "X"), ("x", "X"),
        ("chrY", "Y"), ("25", "XY"), ("PAR1", "XY"), ("MT", "MT"), ("chrM", "MT"), ("26", "MT"),
        ("0", "0"), ("", "0"), ("27", "0"), ("GL000207.1", "0"), (" 7 ", "7"),
    ],
)  # fmt: skip
def test_chromosome_codes_of_all_tools_become_one(code, normal):
    assert normalise_chromosome(code) == normal


def test_family_and_sample_ids_are_kept_apart_and_trimmed(prefix):
    prefix.with_name("geno.v1.fam").write_bytes(
        b"\xef\xbb\xbfFAM1\tS1 \t0\t0\t1\t-9\r\nFAM1  S2 0 0 2 -9\r\nFAM2 S3 0 0 0 -9\r\n"
    )
    samples = Genotypes.open(prefix).samples
    assert samples["iid"].tolist() == ["S1", "S2", "S3"]
    assert samples["fid"].tolist() == ["FAM1", "FAM1", "FAM2"]


def test_the_overview_counts_before_anything_runs(prefix):
    prefix.with_name("geno.v1.fam").write_text("1 A 0 0 1 1\n2 A 0 0 1 1\n3 B 0 0 2 1\n")
    overview = Genotypes.open(prefix).overview()
    assert (overview.n_samples, overview.n_variants) == (3, 4)
    assert overview.chromosomes == {"1": 1, "2": 1, "X": 1, "MT": 1}
    assert overview.missing_rate == pytest.approx(2 / 12)
    assert overview.duplicate_ids == ("A",)


def test_a_missing_file_is_named(prefix):
    prefix.with_name("geno.v1.bim").unlink()
    with pytest.raises(InputError, match=r"geno\.v1\.bim: this genotype file is missing"):
        Genotypes.open(prefix)


def test_a_truncated_bed_is_found_before_it_is_read(prefix):
    bed = prefix.with_name("geno.v1.bed")
    bed.write_bytes(bed.read_bytes()[:-1])
    with pytest.raises(InputError, match="has 6 bytes where 7 were expected"):
        Genotypes.open(prefix)


@pytest.mark.parametrize(
    ("start", "reason"),
    [(b"PK\x03", "not a PLINK 1 .bed"), (b"\x6c\x1b\x00", "stored sample by sample")],
)
def test_a_file_that_is_no_bed_is_refused(prefix, start, reason):
    bed = prefix.with_name("geno.v1.bed")
    bed.write_bytes(start + bed.read_bytes()[3:])
    with pytest.raises(InputError, match=reason):
        Genotypes.open(prefix)


@pytest.mark.parametrize("line", ["1 rs9 0 5 A", "1 rs9 0 5 A C extra"])
def test_a_line_with_the_wrong_number_of_columns_is_named(prefix, line):
    bim = prefix.with_name("geno.v1.bim")
    bim.write_text("\n".join([*bim.read_text().splitlines()[:2], line, "1 rs8 0 9 A C\n"]))
    with pytest.raises(InputError, match="line 3 has not 6 columns"):
        Genotypes.open(prefix)


def test_a_position_that_is_no_number_is_named(prefix):
    bim = prefix.with_name("geno.v1.bim")
    bim.write_text(bim.read_text().replace("\t20\t", "\tNA\t"))
    with pytest.raises(InputError, match="position 'NA' of variant 2"):
        Genotypes.open(prefix)


def test_an_empty_set_is_refused(prefix):
    prefix.with_name("geno.v1.fam").write_text("")
    prefix.with_name("geno.v1.bed").write_bytes(b"\x6c\x1b\x01")
    with pytest.raises(InputError, match="0 samples and 4 variants"):
        Genotypes.open(prefix)


def test_shapes_that_do_not_agree_are_not_written(tmp_path, variants):
    with pytest.raises(InputError, match="2 sample IDs and 4 variants"):
        write_bed(tmp_path / "x.bed", CALLS, iid=["S1", "S2"], variants=variants)
    assert not list(tmp_path.iterdir())


def test_writing_twice_gives_the_same_bytes(tmp_path, variants):
    for name in ("a", "b"):
        write_bed(tmp_path / f"{name}.bed", CALLS, iid=["1", "2", "3"], variants=variants)
    for suffix in (".bed", ".bim", ".fam"):
        first, second = (tmp_path / f"{name}{suffix}" for name in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.tool("plink2")
def test_plink_2_reads_what_was_written_and_its_own_format_reads_back(prefix):
    pytest.importorskip("pgenlib")
    out = prefix.with_name("converted")
    command = ["plink2", "--bfile", str(prefix), "--make-pgen", "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    bed, own = Genotypes.open(prefix), Genotypes.open(out)
    assert own.path.suffix == ".pgen"
    pd.testing.assert_frame_equal(own.variants, bed.variants)
    assert own.samples["sex"].tolist() == ["M", "F", ""]
    rows = np.array([2, 0])
    np.testing.assert_array_equal(own.read(np.arange(4), rows), bed.read(np.arange(4), rows))


def test_pgen_without_its_reader_says_how_to_go_on(tmp_path, monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(pgen, "import_module", absent)
    with pytest.raises(ToolError, match=r"plink2 --pfile NAME --make-bed"):
        pgen.read_dosages(tmp_path / "x.pgen", 3, np.arange(2), None)


def test_more_than_two_alleles_in_a_pvar_are_refused(tmp_path):
    (tmp_path / "x.pvar").write_text(
        "##f=1\n#CHROM\tPOS\tID\tREF\tALT\n1\t5\ta\tA\tC\n1\t6\tb\tA\tC,G\n"
    )
    with pytest.raises(
        InputError, match="1 variants have more than two alleles, the first in row 2"
    ):
        pgen.read_pvar(tmp_path / "x.pgen")


def test_a_pvar_without_its_header_is_refused(tmp_path):
    (tmp_path / "x.pvar").write_text("1\t5\ta\tA\tC\n")
    with pytest.raises(InputError, match="header does not begin with #CHROM"):
        pgen.read_pvar(tmp_path / "x.pgen")


@pytest.mark.shared_data
def test_the_thousand_genomes_have_their_size_and_chromosomes(pytestconfig):
    path = pytestconfig.rootpath.parent / "shared/data/genotypes/1kg/1kg"
    overview = Genotypes.open(path).overview()
    assert (overview.n_samples, overview.n_variants) == (1092, 14_079)
    assert list(overview.chromosomes) == [str(number) for number in range(1, 23)]
    assert overview.duplicate_ids == ()
