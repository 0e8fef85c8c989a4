"""What is said to PLINK 2, and what is understood of its answers."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from music_gui.core.association.linear import ErrorCode
from music_gui.core.errors import ToolError
from music_gui.io.genotypes import Genotypes, write_bed
from music_gui.jobs.process import program_output
from music_gui.tools.plink2_glm import (
    PLINK2,
    GlmFiles,
    build_command,
    check_success,
    percent_done,
    read_log,
)
from music_gui.tools.plink2_glm_tables import (
    read_output,
    write_genotype_tables,
    write_phenotypes,
)

ALLELES = np.array(["A", "C", "G", "T"], dtype=object)
HEADER = "#CHROM\tPOS\tID\tREF\tALT\tA1\tTEST\tOBS_CT\tBETA\tSE\tT_STAT\tLOG10_P\tERRCODE\n"


@pytest.fixture
def files(tmp_path):
    return GlmFiles(tmp_path, tmp_path / "calls.bed")


def command(files, **changed):
    options = {
        "n_covariates": 2, "min_maf": 0.01, "max_vif": 50.0, "threads": 2, "memory_mib": 2048,
    } | changed  # fmt: skip
    return build_command(Path("/usr/bin/plink2"), files, **options)


def test_the_command_is_a_list_with_every_file_and_limit_in_it(files):
    arguments = command(files)
    pairs = list(pairwise(arguments))
    for pair in (
        ("--bed", str(files.calls)), ("--keep", str(files.keep)), ("--maf", "0.01"),
        ("--vif", "50"), ("--threads", "2"), ("--memory", "2048"), ("--out", str(files.prefix)),
    ):  # fmt: skip
        assert pair in pairs
    for flag in ("omit-ref", "hide-covar", "--covar-variance-standardize", "--autosome"):
        assert flag in arguments
    assert "--no-input-missing-phenotype" in arguments  # -9 is a value, NA the missing one


def test_a_model_without_covariates_is_asked_for_on_purpose(files):
    arguments = command(files, n_covariates=0, min_maf=0.0)
    assert "allow-no-covars" in arguments
    assert not {"--covar", "--covar-variance-standardize", "--maf"} & set(arguments)


def test_pgen_files_are_passed_as_such(tmp_path):
    arguments = command(GlmFiles(tmp_path, tmp_path / "calls.pgen"))
    assert {"--pgen", "--pvar", "--psam"} < set(arguments)
    assert "--bed" not in arguments


def test_the_samples_and_variants_written_have_numbers_for_ids(files):
    variants = pd.DataFrame(
        {
            "chromosome": ["1", "1", "X"], "base_pair_location": [1, 2, 3],
            "rsid": [".", ".", "odd id"], "effect_allele": list("ACG"), "other_allele": list("TTT"),
        }
    )  # fmt: skip
    calls = np.zeros((2, 3), dtype=np.int8)
    write_bed(files.calls, calls, iid=["same", "same"], variants=variants.assign(rsid="."))
    write_genotype_tables(files, Genotypes.open(files.calls))
    assert files.variants.read_text().splitlines()[2] == "X\t2\t0\t3\tG\tT"
    assert files.samples.read_text() == "0\trow0\t0\t0\t0\tNA\n0\trow1\t0\t0\t0\tNA\n"


def test_phenotypes_are_written_exactly_with_na_and_never_look_like_cases(files):
    values = np.array([[0.1 + 0.2, 0.0], [np.nan, 1.0], [-9.0, 2.0]])
    covariates = np.array([[1.5], [-0.5], [-1.0]])
    write_phenotypes(files, np.array([4, 5, 7]), values, ["C2_1", "C2_2"], covariates, ["age (y)"])
    lines = files.phenotypes.read_text().splitlines()
    assert lines[0] == "#IID\tC2_1\tC2_2"
    assert lines[1:3] == ["row4\t0.30000000000000004\t10", "row5\tNA\t11"]
    assert lines[3] == "row7\t-9\t12"
    assert files.covariates.read_text().splitlines()[:2] == ["#IID\tage_(y)", "row4\t1.5"]
    assert files.keep.read_text().split() == ["#IID", "row4", "row5", "row7"]


def test_results_are_read_by_the_names_of_their_columns(tmp_path):
    (tmp_path / "old").write_text(
        HEADER
        + "1\t5\t0\tG\tA\tA\tADD\t99\t-0.5\t0.1\t-5\t5.3\t.\n"
        + "1\t6\t2\tC\tG\tG\tADD\t98\tNA\tNA\tNA\tNA\tCONST_OMITTED_ALLELE\n"
        + "1\t7\t3\tC\tT\tT\tADD\t97\tNA\tNA\tNA\tNA\tSOMETHING_NEW\n"
    )
    # Newer versions add columns and rename LOG10_P.
    (tmp_path / "new").write_text(
        "#CHROM\tPOS\tID\tREF\tALT\tPROVISIONAL_REF?\tA1\tOMITTED\tA1_FREQ\tTEST\tOBS_CT\tBETA\tSE"
        "\tT_STAT\tNEG_LOG10_P\tERRCODE\n"
        "1\t5\t0\tG\tA\tY\tA\tG\t0.3\tADD\t99\t-0.5\t0.1\t-5\t5.3\t.\n"
        "1\t6\t2\tC\tG\tY\tG\tC\t0.3\tADD\t98\tNA\tNA\tNA\tNA\tCONST_OMITTED_ALLELE\n"
        "1\t7\t3\tC\tT\tY\tT\tC\t0.3\tADD\t97\tNA\tNA\tNA\tNA\tSOMETHING_NEW\n"
    )
    for name in ("old", "new"):
        output = read_output(tmp_path / name, ALLELES)
        assert output.variants.tolist() == [0, 2, 3]
        assert output.n.tolist() == [99, 98, 97]
        assert (output.beta[0], output.standard_error[0]) == (-0.5, 0.1)
        assert output.neg_log_10_p_value[0] == 5.3
        assert np.isnan(output.beta[1:]).all()
        assert output.error_code.tolist() == [0, ErrorCode.CONST_ALLELE, ErrorCode.OTHER]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "can't be read"),
        ("#CHROM\tPOS\tID\tBETA\n1\t5\t0\t1\n", "lack the columns A1, OBS_CT, SE, ERRCODE"),
        (HEADER + "1\t5\t0\tA\tG\tG\tADD\t99\t1\t1\t1\t1\t.\n", "not for the variants and alleles"),
        (
            HEADER + "".join(
                f"1\t5\t{k}\tA\t{ALLELES[k]}\t{ALLELES[k]}\tADD\t99\tNA\tNA\tNA\tNA\tVIF_TOO_HIGH\n"
                for k in range(4)
            ),
            "all 4 tests failed: VIF_TOO_HIGH.*strongly correlated.*Leave out one",
        ),
    ],
)  # fmt: skip
def test_results_that_are_of_no_use_are_refused_in_words(tmp_path, text, message):
    (tmp_path / "x").write_text(text)
    with pytest.raises(ToolError, match=message):
        read_output(tmp_path / "x", ALLELES)


def test_the_log_gives_errors_warnings_and_the_samples_left(files):
    files.log.write_text(
        "PLINK v2.00a3.5\n140 samples (0 females, 0 males, 140 ambiguous; 140 founders) remaining"
        " after\nmain filters.\nWarning: Not including covariate 'PC3' in --glm regression on\n"
        "phenotype 'C2_1'.\nError: Cannot proceed with --glm regression on phenotype 'A', and "
        "other(s) with\nidentical missingness patterns, since correlation between covariates "
        "'age^2'\nand 'icv' is too high (CORR_TOO_HIGH). You may want to\nremove them.\n"
        "End time: now\n"
    )
    log = read_log(files.log)
    assert log.n_samples == 140
    assert log.warnings == (
        "Not including covariate 'PC3' in --glm regression on phenotype 'C2_1'.",
    )
    with pytest.raises(ToolError, match=r"the covariates age\^2 and icv are almost the same"):
        check_success(7, "ended with exit status 7", files, ["A"])


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("File x.bim has a split chromosome. Use --make-pgen", "not sorted by chromosome"),
        ("Out of memory.  The --memory flag may be helpful.", "not enough memory"),
        ("No variants remaining after main filters.", "no variant is left"),
        ("# samples <= # predictor columns for --glm phenotype 'C2_1'.", "fewer samples .* C2_1"),
        ("File write failure.", "the disk is full"),
        ("Unrecognized flag ('--frobnicate').", "does not know an option"),
        ("Something nobody has seen yet", "stopped with an error.*Something nobody"),
    ],
)
def test_plinks_errors_are_said_in_plain_words(message, words):
    with pytest.raises(ToolError, match=words):
        raise PLINK2.explain(message)


def test_progress_is_read_from_what_plink_prints():
    assert (
        percent_done("--glm linear regression on quantitative phenotypes #1-2: 0%\b\b37%") == 0.37
    )
    assert percent_done("\b\b100%") == 1.0
    assert percent_done("5000 variants loaded from x.bim.") is None


def test_another_program_of_the_same_name_is_recognised():
    assert PLINK2.parse_version("PLINK v2.00a3.5 AVX2 (9 Aug 2022)") == "2.00a3.5"
    with pytest.raises(ToolError, match=r"the program found is not PLINK 2.*PLINK v1\.90b6\.26"):
        PLINK2.parse_version("PLINK v1.90b6.26 64-bit (2 Apr 2022)")
    with pytest.raises(ToolError, match="it says: nothing"):
        PLINK2.parse_version("")


def test_a_program_that_is_not_there_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert PLINK2.find() is None
    with pytest.raises(
        ToolError, match=r"PLINK 2 was not found.*no plink2 on the PATH.*apt install"
    ):
        PLINK2.require()


@pytest.mark.tool("plink2")
def test_the_installed_plink_2_says_its_version():
    program = PLINK2.require()
    text = program_output([str(program), *PLINK2.version_arguments])
    assert PLINK2.parse_version(text).startswith("2.")
