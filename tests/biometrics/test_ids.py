import pytest

from biometrics.ids import ModelId

pytestmark = pytest.mark.unit


def test_id_is_read_back_as_it_is_written() -> None:
    model_id = ModelId("sface", "2021dec-int8bq")
    assert str(model_id) == "sface/2021dec-int8bq"
    assert ModelId.parse(str(model_id)) == model_id


@pytest.mark.parametrize("text", ["", "sface", "/v1", "sface/"])
def test_text_that_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="name/version"):
        ModelId.parse(text)
