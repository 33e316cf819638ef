"""Figures made from answers: boards, quality, factors, and the plans that follow them."""
