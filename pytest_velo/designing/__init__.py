"""From a claim, its keywords and a body to a hypothesis that the runner can sample; knows no pytest."""
