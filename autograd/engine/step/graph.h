// A step of a recurrence as data: values, and the operations that make them of each other. Nothing
// is computed here; the passes of the engine read a graph and write a better one.
//
// Values are numbered in the order in which they were made, so a value's number is larger than
// those of what it is made of. A value without an operation is a leaf: an input of the step.
#pragma once

#include <memory>
#include <vector>

#include "rewind/tensor/op.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

using ValueId = int;

// Where what is listed by such numbers has that of a value, or of a node.
constexpr std::size_t at(int number) { return static_cast<std::size_t>(number); }

// An operation with its attributes, owned. Copies share them: nobody changes them.
class Operation {
 public:
  Operation(const OpType& type, const void* op);
  template <class Op>
  static Operation of(const Op& op) {
    return Operation(op_type<Op>, &op);
  }

  const OpType& type() const { return *type_; }
  // Never null, since it becomes a reference, also where there are no attributes.
  const void* op() const { return op_ ? op_.get() : this; }
  std::string text() const;  // slice{1, 0, 4, 1}

  template <class Op>
  bool is() const {
    return type_ == &op_type<Op>;
  }
  // The attributes if this is an Op that has some, else null.
  template <class Op>
  const Op* as() const {
    return is<Op>() ? static_cast<const Op*>(op_.get()) : nullptr;
  }

  friend bool operator==(const Operation& a, const Operation& b) {
    return a.type_ == b.type_ && a.type_->equal(a.op(), b.op());
  }

 private:
  const OpType* type_;
  std::shared_ptr<const void> op_;  // null when there are no attributes
};

class Graph {
 public:
  struct Node {
    Operation operation;
    std::vector<ValueId> inputs;
    ValueId first;  // of its results
    int results;
  };

  ValueId leaf(const Spec& spec);

  // The results of an operation on values, as many as it has: the first one's number. What the
  // graph holds already is not made again, but for tensors filled with one number.
  ValueId apply(const Operation& operation, std::vector<ValueId> inputs, int results = 1);
  // The same, made again also where the graph holds it.
  ValueId append(const Operation& operation, std::vector<ValueId> inputs, int results = 1);

  // Whether what is made in it is simplified (simplify.h). Of a graph made anew from this one, too.
  bool simplifies() const { return simplifies_; }
  void set_simplifies(bool simplifies) { simplifies_ = simplifies; }

  int values() const { return static_cast<int>(symbols_.size()); }
  const Spec& spec(ValueId value) const { return symbol(value).spec(); }
  // A tensor of the value's shape, without numbers.
  const Tensor& symbol(ValueId value) const { return symbols_[at(value)]; }

  const std::vector<Node>& nodes() const { return nodes_; }
  // The operation that makes a value, by its place among them; -1 for a leaf.
  int node_of(ValueId value) const { return node_of_[at(value)]; }
  // The same as a pointer; null for a leaf.
  const Node* maker(ValueId value) const;

  // The same leaves and operations in the same order, on the same specs.
  friend bool operator==(const Graph& a, const Graph& b);

 private:
  const Node* known(const Operation& operation, const std::vector<ValueId>& inputs) const;

  std::vector<Tensor> symbols_;  // by value
  std::vector<int> node_of_;     // by value
  std::vector<Node> nodes_;
  bool simplifies_ = true;
};

// One line per operation: `%2 = matmul(%0, %1) float32 [2, 4]`.
std::string to_string(const Graph& graph);

}  // namespace engine
}  // namespace rw
