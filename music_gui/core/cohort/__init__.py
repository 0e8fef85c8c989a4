"""Who is in a study, and whether their maps can be what they claim: pure checks."""
