"""Short principles of people's choices: which are alike, and how many choices each predicts."""
