"""Small models fitted on doubly labelled rows: plain arrays in, JSON-able coefficients out."""
