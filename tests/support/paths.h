// Where tests find files. Functions and not macros, because a compiler cache would take every test
// of another checkout for a new one if its path stood on the command line.
#pragma once

#include <string>

namespace rw::test {

// A file of the folder tests/, as tests_file("golden/lstm.safetensors").
std::string tests_file(const std::string& name);

// A built example program, as example_program("char_lm").
std::string example_program(const std::string& name);

}  // namespace rw::test
