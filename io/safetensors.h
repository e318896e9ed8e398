// Tensors with names in one file: safetensors, which PyTorch, JAX, MLX and others read and write.
#pragma once

#include <map>
#include <string>

#include "rewind/tensor/tensor.h"

namespace [[gnu::visibility("default")]] rw {

struct TensorFile {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;  // UTF-8, both sides
};

// The whole file, checked before any of it is believed (safetensors_header.h has the rules): what
// breaks them throws FileError, whatever the bytes are. F32, F64, I64 and BOOL are read as they
// are; F16 and BF16 become float32, smaller integers (and U64 that fits) int64, all without
// rounding; complex numbers and 8-bit floats throw DtypeError. Tensors own their numbers: the file
// may change or go once this returns. Memory stays below the file's size times the widening.
//
// A file of `save_tensors` carries checksums, and a single wrong bit anywhere in it is found.
// Files of others have none, and what the format cannot notice passes.
TensorFile load_tensors(const std::string& path);

// Writes all or nothing (atomic_file.h). The same content gives the same bytes. Views and shared
// storage are written out in full. Two keys are added to the metadata, which `load_tensors` takes
// out again: "rewind.format", and "rewind.crc32" with one CRC-32 for the header and one for each
// tensor. Throws ValueError when the metadata has those keys, a tensor holds nothing, or a text is
// not UTF-8; FileError when the file cannot be written.
void save_tensors(const std::string& path, const TensorFile& file);

}  // namespace rw
