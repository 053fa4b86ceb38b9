"""Here an exported file is checked as users have it: in a fresh process."""

import pytest

from fittingroom.export import model_export
from fittingroom.export.fresh_check import answers_in_fresh_process


@pytest.fixture(scope="module", autouse=True)
def exported_files_are_checked_in_a_fresh_process():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_export, "answers_in_fresh_process", answers_in_fresh_process)
        yield
