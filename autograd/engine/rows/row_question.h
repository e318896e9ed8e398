// One node of a step, asked about the rows of its inputs: what the rules in row_rules.cpp look at.
// And values of which nothing is known yet, taken to have rows.
#pragma once

#include <set>
#include <tuple>

#include "rewind/autograd/engine/rows/rows.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// An invariant, a value made from nothing, and what is made of these alone may turn out to have
// rows where they are wanted; that is noted in `rows` and `settled`.
class RowAdoption {
 public:
  // Keeps references to all three.
  RowAdoption(const Graph& graph, Rows& rows, std::vector<bool>& settled)
      : graph_(graph), rows_(rows), settled_(settled) {}

  // Whether x has its rows along `axis`, with so many entries each, or can be taken to.
  bool adopts(ValueId x, int axis, Index each) {
    failed_.clear();
    return tries(x, axis, each);
  }

 private:
  bool tries(ValueId x, int axis, Index each);
  bool fits_any_rows(const Graph::Node& node) const;
  bool inputs_adopt(const Graph::Node& maker, int axis, Index each);
  bool repeats(const Graph::Node& maker, int axis);

  const Graph& graph_;
  Rows& rows_;
  std::vector<bool>& settled_;
  // Not tried again for the same question: of a chain of values, each of two axes that would do,
  // there would be twice as many trials for each that is longer.
  std::set<std::tuple<ValueId, int, Index>> failed_;
};

class RowQuestion {
 public:
  // Keeps references to all four.
  RowQuestion(const Graph& graph, const Graph::Node& node, Rows& rows, std::vector<bool>& settled)
      : graph_(graph), node_(node), rows_(rows), settled_(settled) {}

  std::size_t inputs() const { return node_.inputs.size(); }
  const Dims& shape(std::size_t i) const { return graph_.spec(node_.inputs[i]).shape; }
  int rank(std::size_t i) const { return shape(i).rank(); }
  const Dims& result_shape() const { return graph_.spec(node_.first).shape; }
  int axis(std::size_t i) const { return rows_.axis_of(node_.inputs[i]); }
  Index each(std::size_t i) const { return rows_.each_of(node_.inputs[i]); }
  bool total(std::size_t i) const { return rows_.is_total(node_.inputs[i]); }
  Index batch() const { return rows_.batch; }
  int chosen() const { return rows_.chosen[at(node_.first)]; }
  bool zeros(std::size_t i) const;
  template <class Op>
  const Op& op() const {
    return *node_.operation.as<Op>();
  }

  // Whether input i has its rows along `axis`, or can be taken to, of as many entries as the
  // others.
  bool has_rows(std::size_t i, int axis);
  // Whether input i has no rows; from now on it is held to that.
  bool has_none(std::size_t i);

 private:
  const Graph& graph_;
  const Graph::Node& node_;
  Rows& rows_;
  std::vector<bool>& settled_;
};

}  // namespace engine
}  // namespace rw
