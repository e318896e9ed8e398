// A scan beside the plain loop, run in every way there is.
#pragma once

#include "autograd/engine/cells.h"

namespace rw::test {

// In both directions, in segments, with resets, and with lengths, none of which a row must have.
inline void expect_the_plain_loop_in_every_way(ScanCase c, const char* name) {
  for (const bool reverse : {false, true}) {
    SCOPED_TRACE(reverse);
    c.reverse = reverse;
    expect_the_plain_loop(c, name);
    c.segments = 3;
    expect_the_plain_loop(c, name);
    c.reset = greater(numbers({T, B}, 4), 0.1);
    expect_the_plain_loop(c, name);
    c.segments = 0;
    for (const Lengths& lengths : {Lengths{2, 0, 3}, Lengths{0, 0, 0}}) {
      c.lengths = lengths;
      expect_the_plain_loop(c, name);
    }
    c.lengths = {};
    c.reset = {};
  }
}

}  // namespace rw::test
