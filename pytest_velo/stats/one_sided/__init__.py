"""Tests of one null, fed unit by unit, with their p-values, limits and forecasts."""
