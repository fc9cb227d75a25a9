"""What users set: options in three spellings, the settings they give, and who asked to pay."""
