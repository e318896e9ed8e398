// Error messages are tested like results.
#pragma once

#include <gtest/gtest.h>

#include <string>

namespace rw::test {

// Expects that f() throws an E with exactly this text.
template <class E, class F>
void expect_error(const std::string& text, F&& f) {
  try {
    f();
    ADD_FAILURE() << "nothing was thrown; expected: " << text;
  } catch (const E& e) {
    EXPECT_EQ(e.what(), text);
  }
}

}  // namespace rw::test
