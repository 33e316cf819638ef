"""Who labels what: policies of several kinds behind one contract (`contract.py`, `decide.py`)."""
