// What an error says, as text to compare.
#pragma once

#include <string>

#include "rewind/tensor/error.h"

namespace rw {

// Of the error of type E that f throws. One of another type goes on to the test, which fails.
template <class E = Error, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace rw
