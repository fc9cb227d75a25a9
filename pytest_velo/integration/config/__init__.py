"""What users set: options in three spellings, the resulting settings, and permission to pay."""
