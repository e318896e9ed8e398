// The JSON of a safetensors header as a TensorHeader: the form is checked, the numbers not yet.
#pragma once

#include <string_view>

#include "rewind/io/safetensors_header.h"

namespace rw {

// Throws FileError for whatever is not the object that the format describes: other JSON, other
// keys, keys twice, values of another kind. Offsets and dtypes are taken as they stand, entries in
// the order of the text. `file` names the file in errors.
TensorHeader read_header_json(std::string_view json, std::string_view file);

}  // namespace rw
