// What is thrown when a caller makes a mistake. One type per fault that a caller could act on.
// Every message reads `op: what is wrong, the values seen; what to do`. Mistakes of the library
// itself are asserts, not exceptions.
#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace [[gnu::visibility("default")]] rw {

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct ShapeError : Error {  // sizes or ranks that do not fit together
  using Error::Error;
};
struct IndexError : Error {  // a position, axis or class outside its range
  using Error::Error;
};
struct DtypeError : Error {  // a dtype that the operation does not take
  using Error::Error;
};
struct ValueError : Error {  // an option or number outside what the function allows
  using Error::Error;
};
struct FileError : Error {  // a file that is missing, unreadable, damaged or of the wrong kind
  using Error::Error;
};
struct GradientError : Error {  // a gradient that does not exist or may not be asked for
  using Error::Error;
};

// Throws E with the formatted text unless `holds`. The text costs nothing until it is thrown.
template <class E = ValueError, class... Args>
void require(bool holds, fmt::format_string<Args...> text, Args&&... args) {
  if (!holds) [[unlikely]] {
    throw E(fmt::format(text, std::forward<Args>(args)...));
  }
}

}  // namespace rw
