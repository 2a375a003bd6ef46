"""How far samples are from the law they should have, each figure beside what exact samples would show."""
