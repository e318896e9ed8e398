"""Writes one golden file; the same tensors always give the same bytes."""

import json
import pathlib

import safetensors.torch
import torch


def save(name, tensors, metadata):
    """Saves `name`.safetensors beside this script. Metadata that are not text become JSON."""
    tensors = {key: torch.as_tensor(value).detach().contiguous() for key, value in tensors.items()}
    text = {key: v if isinstance(v, str) else json.dumps(v) for key, v in metadata.items()}
    blob = safetensors.torch.save(tensors, text)
    # The library writes the metadata in random order: sort the header, and pad it as it does.
    size = 8 + int.from_bytes(blob[:8], "little")
    header = json.loads(blob[8:size])
    header["__metadata__"] = dict(sorted(text.items()))
    header = json.dumps(header, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    path = pathlib.Path(__file__).parent / f"{name}.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + blob[size:])
    loaded = safetensors.torch.load_file(path)
    for key, value in tensors.items():
        torch.testing.assert_close(loaded[key], value, rtol=0, atol=0, equal_nan=True)
    print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size} bytes")
