// The operations of a graph, applied again: to tensors with numbers it computes, under a tape it is
// recorded, under a tracer it is rewritten.
#pragma once

#include "rewind/autograd/engine/step/graph.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// A tensor for every value of the graph, given one for each leaf in the order of their numbers.
// Throws ValueError when they are not as many.
std::vector<Tensor> replay(const Graph& graph, const std::vector<Tensor>& leaves);

}  // namespace engine
}  // namespace rw
