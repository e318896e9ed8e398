// What tests of tensor operations look at: elements and error texts.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "rewind/tensor/strided.h"

namespace rw {

// The elements in order, read one by one through the strides: no kernel takes part.
inline std::vector<double> elements(const Tensor& x) {
  std::vector<double> values;
  const Strides strides = x.strides();
  dispatch_any(x.dtype(), [&](auto v) {
    const auto* data = x.data<decltype(v)>();
    for (Index n = 0; n < x.size(); n++) {
      Index rest = n, offset = 0;
      for (int i = x.rank(); i-- > 0;) {
        offset += rest % x.shape()[i] * strides[static_cast<std::size_t>(i)];
        rest /= x.shape()[i];
      }
      values.push_back(static_cast<double>(data[offset]));
    }
  });
  return values;
}

}  // namespace rw

// The expression throws this type with exactly this text.
#define EXPECT_ERROR(expression, Type, text)         \
  try {                                              \
    (void)(expression);                              \
    ADD_FAILURE() << "no error: " #expression;       \
  } catch (const Type& error) {                      \
    EXPECT_STREQ(error.what(), text) << #expression; \
  }                                                  \
  static_assert(true)
