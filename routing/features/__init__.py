"""What routing knows of an instance: tags of the prompt, likeness of the responses, judges."""
