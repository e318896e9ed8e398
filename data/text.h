// Text files.
#pragma once

#include <string>

#include "rewind/tensor/error.h"

namespace [[gnu::visibility("default")]] rw {

// The bytes of a text file as they are; an empty file gives an empty string. Throws FileError when
// it cannot be read or holds a zero byte, which no text does.
std::string read_text(const std::string& path);

}  // namespace rw
