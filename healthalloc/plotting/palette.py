"""Colours, told apart by most people with a colour vision deficiency (Okabe and Ito 2008)."""

BEFORE = "#b4bfca"
AFTER = "#1f5a96"
LINES = ("#1f5a96", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5c00", "#444444")
STATES = {
    "gains": "#0072b2", "loses": "#d55e00", "even": "#9aa5b1", "none": "#111111",
    "opens": "#009e73", "closes": "#111111", "grows": "#0072b2", "shrinks": "#d55e00",
    "same": "#5b6672", "today": "#5b6672",
}  # fmt: skip
