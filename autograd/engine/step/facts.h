// What the passes ask of an operation beside its shape rule and its derivative. Nothing needs to
// be said of an operation for it to work in a step: what is not known here runs at every step, by
// its own kernel.
#pragma once

#include "rewind/autograd/engine/step/graph.h"
#include "rewind/tensor/kernels/philox.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// The same numbers in another arrangement.
bool is_view(const Operation& operation);

// Each element of the result from the elements at the same place.
bool is_elementwise(const Operation& operation);

// Draws new numbers at every step.
bool is_random(const Operation& operation);
// Of a random operation: which draw of which generator; and the same with another one.
kernels::PhiloxStream draw_of(const Operation& operation);
Operation with_draw(const Operation& operation, kernels::PhiloxStream draw);
// The numbers of that one into outputs as OpType::fill takes them.
void fill_with_draw(const Operation& operation, kernels::PhiloxStream draw,
                    std::span<const Tensor* const> inputs, std::span<Tensor> outputs);
// Whether element i of the result is number i of the draw: then some of them can be drawn alone,
// from the first one on.
bool draws_by_position(const Operation& operation);
Operation starting_at(const Operation& operation, Index first);

// Cheaper to do again than to remember: element-wise work and arrangement, no products, no sums.
bool is_light(const Operation& operation);

}  // namespace engine
}  // namespace rw
