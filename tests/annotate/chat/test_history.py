"""What models are told of a conversation."""

from annotate.chat.history import Exchange, messages_for, split_prompt


def said(messages) -> list[str]:
    assert [m["role"] for m in messages] == [
        "user" if n % 2 == 0 else "assistant" for n in range(len(messages))
    ]
    return [message["content"] for message in messages]


def test_the_chosen_reply_goes_on():
    turns = [
        Exchange("Hi", {"A": "a0", "B": "b0"}),
        Exchange("More", {"A": "a1", "B": "b1"}, follows="B"),
        Exchange("Last", {}, follows="A"),
    ]
    for letter in "AB":
        assert said(messages_for(letter, turns)) == ["Hi", "b0", "More", "a1", "Last"]


def test_each_goes_on_from_its_own_or_from_what_there_is():
    turns = [
        Exchange("Hi", {"A": "a0", "B": "b0"}),
        Exchange("Hm", {}),
        Exchange("More", {"B": "b1"}),
        Exchange("Last", {}),
    ]
    assert said(messages_for("A", turns)) == ["Hi", "a0", "More", "b1", "Last"]
    assert said(messages_for("B", turns)) == ["Hi", "b0", "More", "b1", "Last"]


def test_a_prompt_is_a_beginning_and_a_topic():
    begun = [{"role": "user", "content": "1"}, {"role": "assistant", "content": "2"}]
    topic = [{"role": "user", "content": "Ask about rivers"}]
    assert split_prompt([*begun, *topic]) == (begun, topic)
    assert split_prompt(begun) == (begun, [])
    assert split_prompt(topic) == ([], topic)
    assert split_prompt([]) == ([], [])
    messages = messages_for("A", [Exchange("3", {})], system="Be brief", opening=begun)
    assert messages[0] == {"role": "system", "content": "Be brief"}
    assert said(messages[1:]) == ["1", "2", "3"]
