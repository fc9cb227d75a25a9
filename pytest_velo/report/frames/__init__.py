"""A recorded run as tables: rows of plain values, and data frames of pandas and polars made of them."""
