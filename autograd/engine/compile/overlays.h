// Which stacks may lie where inputs of the loop do: the gradients of gates over the gates.
//
// A join whose parts are element-wise results, each as wide as an input that stands in the same
// column of rows that are as wide as the join, may be written over these inputs, if each is read
// for the last time by the program that makes its part, or before. The parts are then written at
// the end of their programs. Whether it is done turns out when the loop runs: where nobody else
// holds the inputs.
#pragma once

#include "rewind/autograd/engine/compile/schedule.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

class Overlays {
 public:
  Overlays(const LoopBody& body, const Forms& forms, const InPlace& in_place,
           const Schedule& schedule, const std::vector<InputPlace>& places);

  // The inputs under a join, from left to right; null: none.
  const std::vector<int>* under(ValueId join) const;
  // Whether a value is a part of such a join.
  bool has_part(ValueId value) const { return parts_.contains(value); }

 private:
  void plan(int join);
  std::vector<int> inputs_under(const Graph::Node& join) const;
  int input_under(ValueId part, const InPlace::Inside& inside, int rows) const;
  bool is_spent(ValueId input, ValueId part) const;

  const LoopBody& body_;
  const Forms& forms_;
  const InPlace& in_place_;
  const Schedule& schedule_;
  const std::vector<InputPlace> places_;
  std::map<ValueId, std::vector<int>> under_;
  std::set<ValueId> parts_;
  std::set<int> taken_;  // inputs
};

}  // namespace engine
}  // namespace rw
