#include "rewind/autograd/engine/step/graph.h"

#include <new>

#include "rewind/tensor/creation.h"
#include "rewind/tensor/error.h"

namespace rw::engine {

Operation::Operation(const OpType& type, const void* op) : type_(&type) {
  if (type.size == 0) return;
  void* const copy = ::operator new(type.size);
  try {
    type.copy(copy, op);
  } catch (...) {
    ::operator delete(copy);
    throw;
  }
  op_ = std::shared_ptr<const void>(copy, [&type](void* attributes) {
    type.destroy(attributes);
    ::operator delete(attributes);
  });
}

std::string Operation::text() const {
  const std::string attributes = type_->attributes(op());
  return std::string(type_->name) + (attributes.empty() ? "" : "{" + attributes + "}");
}

ValueId Graph::leaf(const Spec& spec) {
  symbols_.push_back(Tensor::shape_only(spec));
  node_of_.push_back(-1);
  return values() - 1;
}

const Graph::Node* Graph::maker(ValueId value) const {
  const int n = node_of(value);
  return n < 0 ? nullptr : &nodes_[at(n)];
}

const Graph::Node* Graph::known(const Operation& operation,
                                const std::vector<ValueId>& inputs) const {
  for (const Node& node : nodes_) {
    if (node.inputs == inputs && node.operation == operation) return &node;
  }
  return nullptr;
}

ValueId Graph::apply(const Operation& operation, std::vector<ValueId> inputs, int results) {
  // A tensor filled with a number may be rows of the batch to one reader and a part of a weight to
  // another: each has its own.
  const Node* same = operation.is<Full>() ? nullptr : known(operation, inputs);
  return same ? same->first : append(operation, std::move(inputs), results);
}

ValueId Graph::append(const Operation& operation, std::vector<ValueId> inputs, int results) {
  std::vector<const Tensor*> arguments;
  for (const ValueId input : inputs) arguments.push_back(&symbol(input));
  std::vector<Tensor> made(static_cast<std::size_t>(results));
  operation.type().infer(operation.op(), arguments, made);
  const ValueId first = values();
  for (const Tensor& y : made) {
    symbols_.push_back(Tensor::shape_only(y.spec()));
    node_of_.push_back(static_cast<int>(nodes_.size()));
  }
  nodes_.push_back({operation, std::move(inputs), first, results});
  return first;
}

bool operator==(const Graph& a, const Graph& b) {
  if (a.node_of_ != b.node_of_ || a.nodes_.size() != b.nodes_.size()) return false;
  for (ValueId value = 0; value < a.values(); value++) {
    if (!(a.spec(value) == b.spec(value))) return false;
  }
  for (std::size_t i = 0; i < a.nodes_.size(); i++) {
    const Graph::Node &p = a.nodes_[i], &q = b.nodes_[i];
    if (p.inputs != q.inputs || p.results != q.results || !(p.operation == q.operation)) {
      return false;
    }
  }
  return true;
}

std::string to_string(const Graph& graph) {
  std::string text;
  for (const Graph::Node& node : graph.nodes()) {
    std::string inputs, specs;
    for (const ValueId input : node.inputs) {
      inputs += fmt::format("{}%{}", inputs.empty() ? "" : ", ", input);
    }
    for (int i = 0; i < node.results; i++) specs += " " + to_string(graph.spec(node.first + i));
    text += fmt::format("%{} = {}({}){}\n", node.first, node.operation.text(), inputs, specs);
  }
  return text;
}

}  // namespace rw::engine
