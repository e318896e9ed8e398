#include "rewind/autograd/engine/step/facts.h"

#include "rewind/autograd/stop_gradient.h"
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
  return is_one_of<Reshape, Permute, Expand, Slice, Select, Contiguous, StopGradient>(operation);
}

bool is_elementwise(const Operation& operation) { return operation.type().traits.elementwise; }

bool is_random(const Operation& operation) {
  return is_one_of<Uniform, Normal, Bernoulli, Permutation, Categorical>(operation);
}

namespace {

// Calls f with the attributes of a random operation, whatever it is.
template <class F>
auto with_random(const Operation& operation, F f) {
  if (const auto* op = operation.as<Uniform>()) return f(*op);
  if (const auto* op = operation.as<Normal>()) return f(*op);
  if (const auto* op = operation.as<Bernoulli>()) return f(*op);
  if (const auto* op = operation.as<Permutation>()) return f(*op);
  return f(*operation.as<Categorical>());
}

}  // namespace

kernels::PhiloxStream draw_of(const Operation& operation) {
  return with_random(operation, [](const auto& op) {
    return kernels::PhiloxStream{op.seed, op.draw};
  });
}

namespace {

template <class Op>
Op drawing(Op op, kernels::PhiloxStream draw) {
  op.seed = draw.seed;
  op.draw = draw.draw;
  return op;
}

}  // namespace

Operation with_draw(const Operation& operation, kernels::PhiloxStream draw) {
  return with_random(operation, [&](const auto& op) { return Operation::of(drawing(op, draw)); });
}

void fill_with_draw(const Operation& operation, kernels::PhiloxStream draw,
                    std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  with_random(operation, [&]<class Op>(const Op& op) {
    const Op drawn = drawing(op, draw);
    op_type<Op>.fill(&drawn, inputs, outputs);
  });
}

bool draws_by_position(const Operation& operation) {
  return is_one_of<Uniform, Normal, Bernoulli>(operation);
}

Operation starting_at(const Operation& operation, Index first) {
  return with_random(operation, [&](auto op) {
    if constexpr (requires { op.first; }) op.first = first;
    return Operation::of(op);
  });
}

bool is_light(const Operation& operation) {
  return is_view(operation) || is_elementwise(operation) || is_random(operation) ||
         is_one_of<Concat, Stack, Pad, Full, ScalarSource, Arange, Eye, SliceAdd, Take, OneHot>(
             operation);
}

}  // namespace rw::engine
