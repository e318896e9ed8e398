#include "support/paths.h"

namespace rw::test {

std::string tests_file(const std::string& name) { return REWIND_TESTS "/" + name; }

std::string example_program(const std::string& name) { return REWIND_EXAMPLES "/" + name; }

}  // namespace rw::test
