"""What a design will do before anything is drawn: reach, power, mean sample sizes."""
