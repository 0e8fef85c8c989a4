"""What both factorisations promise: conventions, resuming, reproducibility, clear errors."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_info, threadpool_limits

from music_gui.core.errors import Cancelled
from music_gui.core.factorization import CheckpointError, ExactONMF, MapsError, SopNMF
from music_gui.core.progress import Silent

ESTIMATORS = {
    "sopnmf": SopNMF(6, batch_size=7, max_epochs=14, random_state=5),
    "sopnmf strict random": SopNMF(6, 7, 9, random_state=5, strict=True, init="random"),
    "opnmf": SopNMF(6, batch_size=50, max_epochs=8),
    "exact onmf": ExactONMF(6, n_init=3, random_state=5),
}

#: Three regions of the six to nine that the maps have, with borders of their own.
COARSER = np.repeat(np.arange(3), [900, 800, 900]) + 1
NESTED = {
    "sopnmf from splits": SopNMF(6, batch_size=7, max_epochs=9, random_state=5),
    "exact onmf from splits": ExactONMF(6, random_state=5),
    "exact onmf within borders": ExactONMF(7, random_state=5, nested="strict"),
}


@pytest.fixture
def maps():
    rng = np.random.default_rng(3)
    region = np.arange(2600) * 9 // 2600
    X = rng.lognormal(sigma=0.3, size=(29, 9))[:, region] * rng.lognormal(sigma=0.3, size=2600)
    return (X * rng.lognormal(sigma=0.3, size=X.shape)).astype(np.float32)


@pytest.fixture(params=ESTIMATORS)
def estimator(request):
    return clone(ESTIMATORS[request.param])


@parametrize_with_checks(
    [ExactONMF(2, random_state=0), SopNMF(2, max_epochs=5, random_state=0)],
    expected_failed_checks=lambda estimator: {
        "check_estimators_dtypes": "its random integers hold an image of zeros, which is refused",
    },
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_it_keeps_scikit_learns_conventions(estimator, check):
    check(estimator)


def test_parameters_are_kept_as_given_and_travel_with_clones():
    parameters = {"n_components": "many", "batch_size": -3, "max_epochs": None, "tol": "small"}
    fit = SopNMF(**parameters)
    assert parameters.items() <= fit.get_params().items()
    assert clone(fit).get_params() == fit.get_params()
    assert fit.set_params(batch_size=8).batch_size == 8


def test_the_same_seed_gives_the_same_bits_with_any_number_of_threads(estimator, maps):
    fits = [clone(estimator).set_params(n_jobs=n).fit(maps) for n in (1, 2, 3)]
    for other in fits[1:]:
        assert other.components_.tobytes() == fits[0].components_.tobytes()
        assert other.history_.tobytes() == fits[0].history_.tobytes()


def test_another_seed_gives_another_course(maps):
    for fit in (SopNMF(6, 7, 3), ExactONMF(6)):
        histories = [clone(fit).set_params(random_state=s).fit(maps).history_ for s in (0, 1)]
        assert not np.array_equal(*histories)


def test_killed_at_any_epoch_and_resumed_it_ends_with_the_same_bits(estimator, maps):
    states = []

    def keep(epoch):
        states.append({name: array.copy() for name, array in epoch.state().items()})

    whole = clone(estimator).fit(maps, callback=keep)
    assert len(states) >= 8
    for state in states:
        resumed = clone(estimator).fit(maps, resume_from=state)
        assert resumed.components_.tobytes() == whole.components_.tobytes()
        assert resumed.history_.tobytes() == whole.history_.tobytes()
        assert resumed.reconstruction_err_ == whole.reconstruction_err_


@pytest.mark.parametrize("name", NESTED)
def test_nested_it_keeps_seed_threads_and_checkpoints_as_well(name, maps):
    states = []

    def keep(epoch):
        states.append({name: array.copy() for name, array in epoch.state().items()})

    whole = clone(NESTED[name]).fit(maps, callback=keep, coarser=COARSER)
    assert len(states) >= 4
    for n_jobs, state in enumerate([None, *states], start=1):
        other = clone(NESTED[name]).set_params(n_jobs=1 + n_jobs % 3)
        other.fit(maps, resume_from=state, coarser=COARSER)
        assert other.components_.tobytes() == whole.components_.tobytes()
        assert other.history_.tobytes() == whole.history_.tobytes()


def test_a_random_seed_is_part_of_the_checkpoint(maps):
    states = []
    whole = SopNMF(4, 7, 6).fit(
        maps,
        callback=lambda epoch: states.append({k: v.copy() for k, v in epoch.state().items()}),
    )
    resumed = SopNMF(4, 7, 6).fit(maps, resume_from=states[2])
    assert resumed.components_.tobytes() == whole.components_.tobytes()


def test_the_state_is_plain_arrays(estimator, maps):
    def look(epoch):
        for array in epoch.state().values():
            assert isinstance(array, np.ndarray)
            assert not array.dtype.hasobject

    estimator.fit(maps, callback=look)


def changed(**parameters):
    return lambda maps: (clone(ESTIMATORS["sopnmf"]).set_params(**parameters), maps, {})


@pytest.mark.parametrize(
    ("other", "text"),
    [
        (changed(n_components=5), "n_components"),
        (changed(batch_size=8), "batch_size"),
        (changed(random_state=6), "random_state"),
        (changed(random_state=None), "random_state"),
        (changed(init="random"), "init"),
        (changed(init=np.ones((6, 2600))), "init"),
        (changed(nndsvd_fill=0.01), "nndsvd_fill"),
        (changed(tol=1e-5), "tol"),
        (changed(patience=3), "patience"),
        (changed(max_epochs=9), "max_epochs"),
        (changed(strict=True), "strict"),
        (lambda maps: (clone(ESTIMATORS["sopnmf"]), maps * 2, {}), "images"),
        (lambda maps: (clone(ESTIMATORS["sopnmf"]), maps[::-1], {}), "images"),
        (lambda maps: (clone(ESTIMATORS["sopnmf"]), maps[np.r_[0, 2, 1, 3:29]], {}), "images"),
        (lambda maps: (clone(ESTIMATORS["sopnmf"]), maps[:, ::-1], {}), "images"),
        (lambda maps: (clone(ESTIMATORS["sopnmf"]), maps[:20], {}), "shape"),
        (lambda maps: (clone(ESTIMATORS["sopnmf"]), maps, {"coarser": COARSER}), "coarser"),
        (lambda maps: (ExactONMF(6), maps, {}), "algorithm"),
    ],
    ids=[
        "scale", "batches", "seed", "unknown seed", "start", "warm start", "fill", "tolerance",
        "patience", "epochs", "strict", "values", "reversed", "two swapped", "voxels", "images",
        "nested", "algorithm",
    ],
)  # fmt: skip
def test_the_checkpoint_of_another_fit_is_refused(maps, other, text):
    states = []
    clone(ESTIMATORS["sopnmf"]).fit(maps, callback=lambda epoch: states.append(epoch.state()))
    estimator, X, given = other(maps)
    with pytest.raises(CheckpointError, match=rf"belongs to another fit.*differs in .*{text}"):
        estimator.fit(X, resume_from=states[0], **given)


@pytest.mark.parametrize(
    "parameters",
    [{"n_init": 2}, {"split_merge": False}, {"tol": 1e-3}, {"nested": "strict"}],
    ids=lambda parameters: next(iter(parameters)),
)
def test_the_checkpoint_of_another_search_is_refused(maps, parameters):
    states = []
    fit = clone(ESTIMATORS["exact onmf"])
    fit.fit(maps, callback=lambda epoch: states.append(epoch.state()))
    with pytest.raises(CheckpointError, match=rf"differs in {next(iter(parameters))}"):
        clone(fit).set_params(**parameters).fit(maps, resume_from=states[0])


def test_a_checkpoint_does_not_ask_for_as_many_threads(maps):
    states = []
    fit = ExactONMF(4, random_state=0, n_jobs=1)
    fit.fit(maps, callback=lambda epoch: states.append(epoch.state()))
    resumed = ExactONMF(4, random_state=0, n_jobs=2).fit(maps, resume_from=states[1])
    assert resumed.components_.tobytes() == fit.components_.tobytes()


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_blas_has_one_thread_while_a_fit_works(estimator, maps):
    """So how many threads it bears need not be measured at the start."""
    seen = []
    with threadpool_limits(2, user_api="blas"):
        estimator.set_params(n_jobs=2).fit(maps, callback=lambda _: seen.append(blas_threads()))
        assert blas_threads() == {2}
    assert len(seen) > 3
    assert all(threads == {1} for threads in seen)


def test_the_callback_hears_of_every_epoch_what_the_history_says(estimator, maps):
    epochs = []
    fit = estimator.fit(maps, callback=epochs.append)
    assert [epoch.number for epoch in epochs] == list(range(1, len(epochs) + 1))
    heard = {(e.loss, e.sparsity, e.n_vanished) for e in epochs}
    assert {tuple(row)[1:] for row in fit.history_.tolist()} <= heard
    for epoch in epochs:
        assert epoch.labels.shape == (2600,)
        assert 0 <= epoch.labels.min() <= epoch.labels.max() <= 6


def test_loadings_and_reconstruction(estimator, maps):
    fit = estimator.fit(maps)
    H = fit.transform(maps)
    assert H.shape == (29, 6)
    assert H.dtype == np.float32
    np.testing.assert_allclose(H, maps.astype(float) @ fit.components_.T.astype(float), rtol=1e-5)
    residual = np.linalg.norm(maps - fit.inverse_transform(H)) ** 2 / np.linalg.norm(maps) ** 2
    assert residual == pytest.approx(fit.reconstruction_err_, rel=1e-4)
    assert fit.components_.shape == (6, 2600)
    assert fit.components_.dtype == np.float32
    assert fit.components_.flags.c_contiguous


def test_a_read_only_memory_map_is_factorised_as_the_array_is(estimator, maps, tmp_path):
    np.save(tmp_path / "maps.npy", maps)
    mapped = np.load(tmp_path / "maps.npy", mmap_mode="r")
    expected = clone(estimator).fit(maps)
    assert estimator.fit(mapped).components_.tobytes() == expected.components_.tobytes()


class StopAfter(Silent):
    def __init__(self, n_checks):
        self.left = n_checks

    def check(self):
        self.left -= 1
        if self.left < 0:
            raise Cancelled


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_it_can_be_stopped_within_an_epoch(estimator, maps, n_jobs):
    epochs = []
    with pytest.raises(Cancelled):
        estimator.set_params(n_jobs=n_jobs).fit(maps, progress=StopAfter(6), callback=epochs.append)
    assert epochs == []
    assert not hasattr(estimator, "components_")


def spoil(maps, where, value):
    maps[where] = value
    return maps


@pytest.mark.parametrize(
    ("spoiled", "text"),
    [
        (lambda x: spoil(x, (4, slice(3)), np.nan), r"^sub-04 \(3 voxels\): .*NaN or infinite"),
        (lambda x: spoil(x, (4, 0), np.inf), r"^sub-04 \(1 voxels\): .*NaN or infinite"),
        (lambda x: spoil(x, ([4, 9], 2), -0.1), r"sub-04 \(1 voxels\), sub-09.*[Nn]egative"),
        (lambda x: spoil(x, 7, 0), r"^sub-07 \(2600 voxels\): .*same value"),
        (lambda x: spoil(x, 7, 1.5), r"^sub-07 \(2600 voxels\): .*same value"),
        (lambda x: np.zeros_like(x), r"sub-00 .* and 24 more: .*same value"),
        (lambda x: np.repeat(x[:1], 29, axis=0), r"^sub-00 \(2600 v.*24 more: All .* the same"),
        (lambda x: x[:1], "1 sample"),
    ],
    ids=["nan", "infinite", "negative", "zero", "constant", "all zero", "equal", "one"],
)
def test_maps_that_cannot_be_factorised_are_named(estimator, maps, spoiled, text):
    with pytest.raises(ValueError, match=text) as caught:
        estimator.fit(spoiled(maps), image_names=[f"sub-{i:02d}" for i in range(29)])
    if "sample" not in text:
        assert isinstance(caught.value, MapsError)
        assert str(caught.value).count(".") >= 1


def test_loadings_of_maps_with_nan_are_refused(maps):
    fit = ExactONMF(3, random_state=0).fit(maps)
    with pytest.raises(MapsError, match=r"image 4 \(1 voxels\)"):
        fit.transform(spoil(maps, (4, 0), np.nan))
