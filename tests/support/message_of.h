// What an error says, as text to compare.
#pragma once

#include <string>

#include "rewind/tensor/error.h"

namespace rw {

inline std::string message_of(auto f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

}  // namespace rw
