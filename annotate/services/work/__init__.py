"""Hand-out and answers: tasks, seats, judgements, what seats require, known answers, practice."""
