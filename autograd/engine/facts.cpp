#include "rewind/autograd/engine/facts.h"

#include "rewind/tensor/creation.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/regions.h"

namespace rw::engine {
namespace {

template <class... Op>
bool is_one_of(const Operation& operation) {
  return (operation.is<Op>() || ...);
}

}  // namespace

bool is_view(const Operation& operation) {
  return is_one_of<Reshape, Permute, Expand, Slice, Select, Contiguous>(operation);
}

bool is_elementwise(const Operation& operation) {
  return operation.type().traits.elementwise;
}

bool is_random(const Operation& operation) {
  return is_one_of<Uniform, Normal, Bernoulli, Permutation, Categorical>(operation);
}

bool is_light(const Operation& operation) {
  return is_view(operation) || is_elementwise(operation) || is_random(operation) ||
      is_one_of<Concat, Stack, Pad, Full, ScalarSource, Arange, Eye, SliceAdd, Take, OneHot>(
             operation);
}

}  // namespace rw::engine
