// A step with its ports: what stands before a loop over time, what goes round in it, and what comes
// out of it. Forward and backward steps have the same form, so the same passes serve both.
//
//   invariants   the same at every step            sums      added up over the steps
//   inputs       one for every step                outputs   one for every step
//   states       what the step before gave         next      what the step after takes
#pragma once

#include <algorithm>
#include <functional>

#include "rewind/autograd/engine/step/graph.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

struct Step {
  Graph graph;
  std::vector<ValueId> invariants, inputs, states;  // leaves
  std::vector<ValueId> next, outputs, sums;         // results; next[i] belongs to states[i]
  // The axis of each input that holds the rows of the batch; -1: none. (Of a state it is the
  // first.)
  std::vector<int> input_rows;
  // The axis where who asked for an output wants its rows. Of outputs behind these, kept for the
  // rewind, it is whichever axis they are found along.
  std::vector<int> output_rows;

  std::vector<ValueId> results() const;
};

inline bool contains(const std::vector<ValueId>& values, ValueId value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// What a value depends on: the most variable of its leaves. Ordered.
enum class Dependence : char { nothing, input, state };

std::vector<Dependence> dependences(const Step& step);  // by value

// Whether a result of the step depends on a value, by value.
std::vector<bool> live_values(const Graph& graph, const std::vector<ValueId>& results);

// Whether one of a node's results is.
bool is_live(const Graph::Node& node, const std::vector<bool>& live);

// The nodes that use a value, by value, as positions in graph.nodes(); live nodes alone.
std::vector<std::vector<int>> users_of(const Graph& graph, const std::vector<bool>& live);

// A step made anew, value by value.
struct Rewriting {
  const Step& from;
  Step to;
  std::vector<ValueId> image;  // of each value of `from`; -1: not yet

  explicit Rewriting(const Step& step) : from(step), image(value_count(step), -1) {
    to.graph.set_simplifies(step.graph.simplifies());
    to.input_rows = step.input_rows;
    to.output_rows = step.output_rows;
  }
  ValueId of(ValueId value) const { return image[at(value)]; }
  void set(ValueId value, ValueId to_value) { image[at(value)] = to_value; }
  // A leaf of the new step in the place of one of the old.
  ValueId leaf(ValueId value);
  // Leaves in the place of all inputs and states.
  void take_inputs_and_states();
  // The results of the new step: the image of each of the old.
  template <class F>
  void take_results(F image_of) {
    for (const ValueId y : from.next) to.next.push_back(image_of(y));
    for (const ValueId y : from.outputs) to.outputs.push_back(image_of(y));
    for (const ValueId y : from.sums) to.sums.push_back(image_of(y));
  }

 private:
  static std::size_t value_count(const Step& step) {
    return static_cast<std::size_t>(step.graph.values());
  }
};

// Copies a step without what no result depends on. For each node, once its inputs have images,
// `rule` may give the image of its one result; where it returns -1, or the node has several
// results, the node is copied. Whatever is made is simplified (simplify.h).
Step rewrite(const Step& step,
             const std::function<ValueId(Rewriting&, const Graph::Node&)>& rule = {});

// Makes the node of the images of its inputs, simplified: those are the images of its results.
void copy(Rewriting& r, const Graph::Node& node);

std::string to_string(const Step& step);

}  // namespace engine
}  // namespace rw
