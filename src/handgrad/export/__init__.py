"""Export of models to other formats: ONNX, an HTML file and the Hugging Face Hub."""
