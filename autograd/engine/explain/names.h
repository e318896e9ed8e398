// What the values of a planned step are called when people read of them: x, h, w0 and so on where
// they come in, %1, %2, ... where operations make them. In a step of the way back f%2 is what the
// forward step made as %2, and dh the gradient of h.
#pragma once

#include <string>

#include "rewind/autograd/engine/plans.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

struct Names {
  std::vector<std::string> values;         // of recurrence.step(), by value
  std::vector<std::string> prelude;        // of recurrence.prelude().graph, by value
  std::vector<std::string> outputs, sums;  // what results of the step are, by position

  const std::string& operator[](ValueId value) const { return values[at(value)]; }
};

// `%3 = matmul(x, w0) [32, 128]`: a node, by the names of all values.
std::string said(const Graph& graph, const Graph::Node& node,
                 const std::vector<std::string>& names);

// Of what a step mentions, in the order of its trace: as given, and w, or w0, w1, ..., where that
// is empty.
std::vector<std::string> names_of_captured(std::vector<std::string> given);

// Of the step as it was traced, by value; `captured` as above.
std::vector<std::string> names_of(const Traced& traced, const std::vector<std::string>& captured);
Names names_of(const Recurrence& forward, const std::vector<std::string>& captured);
Names names_of(const Recurrence& backward, const Backward& wiring, const Recurrence& forward,
               const Names& forward_names);

}  // namespace engine
}  // namespace rw
