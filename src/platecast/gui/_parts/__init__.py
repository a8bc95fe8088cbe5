"""Widgets that know nothing of viewers, images or runs, and the work behind them."""
