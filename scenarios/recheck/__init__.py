"""Whether a journal can be believed: it is judged anew, and has to fit together."""
