// The rules of step/simplify.h, operation by operation. Each gives the better value, or none.
#pragma once

#include <optional>

#include "rewind/autograd/engine/step/simplify.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/regions.h"
#include "rewind/tensor/views.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

using Values = std::vector<ValueId>;
using Found = std::optional<ValueId>;

inline const Dims& shape_of(const Graph& graph, ValueId value) { return graph.spec(value).shape; }

// The attributes of the operation that makes a value, if it is an Op.
template <class Op>
const Op* made_by(const Graph& graph, ValueId value) {
  const Graph::Node* node = graph.maker(value);
  return node ? node->operation.as<Op>() : nullptr;
}
template <class Op>
bool is_made_by(const Graph& graph, ValueId value) {
  const Graph::Node* node = graph.maker(value);
  return node && node->operation.is<Op>();
}
inline ValueId input_of(const Graph& graph, ValueId value, std::size_t i) {
  return graph.maker(value)->inputs[i];
}

// transposes.cpp
// Of a slice or a join of matrices, the one that gives the transpose of its result from transposes.
std::optional<Operation> across(const Operation& operation);
Found simpler(Graph& graph, const Permute& op, const Values& in);
// regions.cpp
Found simpler(Graph& graph, const Slice& op, const Values& in);
Found simpler(Graph& graph, const Concat& op, const Values& in);
Found simpler(Graph& graph, const SliceAdd& op, const Values& in);
Found simpler(Graph& graph, const AddRows& op, const Values& in);

}  // namespace engine
}  // namespace rw
