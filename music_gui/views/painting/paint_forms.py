"""What has to be said before it can be painted: which variant, which participant, which groups."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QCompleter, QFormLayout, QLineEdit, QWidget

from music_gui.state.association import AssociationState
from music_gui.state.paint_sources import CohortChoices, variant_name
from music_gui.state.painting import Painting

_ALL_OTHERS = "All other participants"


class VariantForm(QWidget):
    """One variant on all PSCs.

    Parameters
    ----------
    painting : Painting
        What is asked to paint.
    association : AssociationState
        The variant chosen in the Manhattan plot is proposed.
    """

    def __init__(
        self, painting: Painting, association: AssociationState, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._painting, self._association, self._run = painting, association, ""
        self.rsid = QLineEdit(placeholderText="rs429358 or 19:45411941")
        self.rsid.setAccessibleName("Name of the variant")
        self.what = QComboBox()
        self.what.setAccessibleName("Value of the variant to paint")
        self.what.addItem("Effect β, thresholds by its p", False)
        self.what.addItem("\N{MINUS SIGN}log₁₀ p", True)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Variant", self.rsid)
        form.addRow("Paint", self.what)

    def show_run(self, run: str) -> None:
        """Ask for a variant of a GWAS."""
        self._run = run
        state = self._association
        if state.run == run and state.result is not None and state.variant is not None:
            self.rsid.setText(variant_name(state.result.variants.iloc[state.variant]))

    def paint(self) -> None:
        """Paint what was chosen."""
        rsid = self.rsid.text().strip()
        if rsid:
            self._painting.paint_variant(self._run, rsid, p_values=self.what.currentData())


class ParticipantForm(QWidget):
    """One participant against the others.

    Parameters
    ----------
    painting : Painting
        What is asked to paint.
    """

    def __init__(self, painting: Painting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._painting = painting
        self._choices: CohortChoices | None = None
        self.participant, self.reference = QComboBox(editable=True), QComboBox()
        self.participant.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.participant.completer().setFilterMode(Qt.MatchFlag.MatchContains)
        self.participant.completer().setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        self.participant.setAccessibleName("Participant")
        self.reference.setAccessibleName("Reference of the z scores")
        self.z_score = QCheckBox("As z scores", checked=True)
        self.z_score.toggled.connect(self.reference.setEnabled)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Participant", self.participant)
        form.addRow("", self.z_score)
        form.addRow("Against", self.reference)

    def show_choices(self, choices: CohortChoices) -> None:
        """Offer the participants of a PSC table."""
        self._choices = choices
        self.participant.clear()
        for participant, session in choices.participants:
            self.participant.addItem(f"{participant}  {session}", (participant, session))
        self.reference.clear()
        self.reference.addItem(_ALL_OTHERS, None)
        for column, values in choices.groups.items():
            for value in values:
                self.reference.addItem(f"{column}: {value}", (column, value))

    def paint(self) -> None:
        """Paint what was chosen."""
        at = self.participant.findText(self.participant.currentText())
        if self._choices is not None and at >= 0:
            self._painting.paint_participant(
                self._choices.table,
                self.participant.itemData(at),
                z_score=self.z_score.isChecked(),
                group=self.reference.currentData(),
            )


class DifferenceForm(QWidget):
    """The difference of two groups of participants.

    Parameters
    ----------
    painting : Painting
        What is asked to paint.
    """

    def __init__(self, painting: Painting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._painting = painting
        self._choices: CohortChoices | None = None
        self.column, self.first, self.second = QComboBox(), QComboBox(), QComboBox()
        for combo, name in (
            (self.column, "Column that tells the groups"),
            (self.first, "Group"),
            (self.second, "Group that is subtracted"),
        ):
            combo.setAccessibleName(name)
        self.column.currentTextChanged.connect(self._show_groups)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Groups by", self.column)
        form.addRow("Difference", self.first)
        form.addRow("minus", self.second)

    def show_choices(self, choices: CohortChoices) -> None:
        """Offer the groups of a PSC table's participants."""
        self._choices = choices
        self.column.clear()
        self.column.addItems(list(choices.groups))
        if "diagnosis" in choices.groups:
            self.column.setCurrentText("diagnosis")

    def _show_groups(self, column: str) -> None:
        values = self._choices.groups.get(column, ()) if self._choices is not None else ()
        for combo in (self.first, self.second):
            combo.clear()
            combo.addItems(list(values))
        self.first.setCurrentIndex(len(values) - 1)

    def paint(self) -> None:
        """Paint what was chosen."""
        first, second = self.first.currentText(), self.second.currentText()
        if self._choices is not None and first != second:
            self._painting.paint_difference(
                self._choices.table, self.column.currentText(), first, second
            )
