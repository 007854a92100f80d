"""A model in the formats of others: ONNX, the Hugging Face Hub."""
