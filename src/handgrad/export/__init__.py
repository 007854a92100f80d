"""Export of models to other formats: ONNX and the Hugging Face Hub."""
