"""A small Go program that verifies what we sign and prove, with code that is not ours."""
