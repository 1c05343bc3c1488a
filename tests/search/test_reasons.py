"""Why a segment matched: the index's own words, of many texts at once."""

from muybridge.search import Store
from muybridge.search.reasons import stems_of


def test_many_texts_are_split_as_each_alone(store: Store) -> None:
    texts = ["WELCOME TO PARIS", "", "赢不了", "to be", "Déjà-vu, waves\n\nwaving", "HELL0 12", "  ", "waves"]
    together = stems_of(store, texts)
    assert together == [stems_of(store, [text])[0] for text in texts]
    assert together[0] == {"welcom", "pari"}
    assert together[4] == {"deja", "vu", "wave"}
    assert together[1] == together[6] == set()
