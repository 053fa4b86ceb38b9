"""What the studio and the model server share: who may come in, how much, how they are refused, where it listens."""
