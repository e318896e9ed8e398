// `where` with a mask of numbers: what element programs can read.
#pragma once

#include "rewind/autograd/rules.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// a where the number is not 0, b elsewhere; all three broadcast and have one float dtype.
struct Choose {
  static constexpr std::string_view name = "choose";
  static constexpr bool elementwise = true, broadcasts = true;
  Spec infer(const Spec& number, const Spec& a, const Spec& b) const;
  void run(const Tensor& number, const Tensor& a, const Tensor& b, Tensor& y) const;
  static void derivative(Rules<Choose> d);
};

}  // namespace engine
}  // namespace rw
